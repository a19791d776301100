// How many pages a process was using, as far as a kernel can tell: Spec/Reclaim.md, "Working sets".

extension AddressSpace {
  /// Pages present that were used since reclaim last took their accessed bits, or since they came: the sum
  /// of smaps' Referenced.
  ///
  /// Takes no bit itself.
  /// - Complexity: areas and page tables.
  var referencedPages: UInt64 {
    var pages: UInt64 = 0
    areas.forEach { pages += pageAccount($0).referenced }
    return pages
  }
}

extension Kernel {
  /// Notes the working set of a process that is about to give up its memory, if memory was ever short.
  func noteWorkingSet(of process: Process) {
    guard system.reclaimCounters.isAny, let space = process.space, !space.isSurrendered else {
      return
    }
    process.workingSetPages = space.referencedPages
  }
}
