import MMUMemory
import MMUPaging
import MMUTiming

extension AddressSpace {
  /// Makes a copy for a child: the same areas, and the same frames, which from now on neither side
  /// may write before it has a copy of its own.
  ///
  /// As Linux does it: only areas in which something was written by this process (anonymous
  /// identity), and those with guards, have entries copied; a fault finds the rest again. The child's
  /// entries begin without A, its locked areas unlocked. Only entries that lose R/W need an
  /// invalidation.
  ///
  /// - Throws: ENOMEM; everything has been returned then.
  /// - Complexity: areas, and page tables of those written.
  func fork() throws(Errno) -> AddressSpace {
    let child = try AddressSpace(
      system, maximumAreas: maximumAreas, stackLimit: stackLimit, family: family)
    child.hasMovedPages = hasMovedPages
    child.mapTop = mapTop
    child.startBreak = startBreak
    child.currentBreak = currentBreak
    child.trampoline = trampoline
    child.argumentArea = argumentArea
    child.environmentEnd = environmentEnd
    child.forbidsHugePages = forbidsHugePages
    child.addressLimit = addressLimit
    child.dataLimit = dataLimit
    var batch = InvalidationBatch()
    var isComplete = true
    var position = areas.start
    while isComplete, let area = areas.area(position) {
      position = areas.next(position)
      if area.flags.contains(.notForked) { continue }
      var copy = area
      copy.flags.subtract([.locked, .lockedOnFault, .promised])
      let isWiped = area.flags.contains(.wipedOnFork)
      let isCopied = area.anonymousIdentity != 0 && !isWiped
      copy.anonymousIdentity =
        isCopied ? system.newAnonymousIdentity() | Self.forkedIdentity : 0
      child.areas.insert(copy, at: child.areas.end)
      system.retainSource(copy.source, by: child)
      system.charge(system.costs.areaOperation)
      if isCopied, let size = area.hugeSize {
        isComplete = copyHugePages(of: area, size, to: child, &batch)
      } else if isCopied || area.flags.contains(.guarded) && !isWiped {
        isComplete = copyEntries(area, to: child, &batch)
      }
    }
    batch.deliver(pcid: pcid.rawValue, in: system)
    if !isComplete {
      child.destroy()
      throw .noMemory
    }
    return child
  }

  /// Set in the identity of an area that came by fork: its pages are, or were, a parent's too, so
  /// that it does not become one with areas in which nothing was written yet.
  static var forkedIdentity: UInt32 { 1 << 31 }

  /// Copies the entries of one area; false if there was no frame for a table.
  private func copyEntries(
    _ area: VirtualMemoryArea, to child: AddressSpace, _ batch: inout InvalidationBatch
  ) -> Bool {
    let zero = system.zeroFrame
    let frames = system.frames
    // What is shared stays writable for both.
    let writable = area.isShared ? 0 : PageTableEntry.writable.rawValue
    let unmarked =
      PageTableEntry.accessed.rawValue | (area.isShared ? PageTableEntry.dirty.rawValue : 0)
    var isComplete = true
    var anonymous = 0
    var file = 0
    var edits: UInt64 = 0
    var blocks = 0
    tables.forEachTable(
      in: area.lower, area.upper,
      wholeLeaf: { address, place, _ in
        if !isComplete { return true }
        let entry = place.pointee
        guard let isBlock = child.copyHugeLeaf(entry, at: address) else {
          isComplete = false
          return true
        }
        blocks &+= isBlock ? 1 : 0
        edits &+= 1
        if entry & writable != 0 {
          place.pointee = entry & ~writable
          edits &+= 1
          if entry & 1 != 0 { batch.note(address) }
        }
        return true
      }
    ) { address, entries, count in
      if !isComplete { return }
      var target: UnsafeMutablePointer<UInt64>?
      for i in 0..<count {
        let entry = entries[i]
        if entry == 0 { continue }
        if target == nil {
          target = child.tables.entry(for: address)
          if target == nil {
            isComplete = false
            return
          }
        }
        if SoftwareEntry.hasNoFrame(entry) {
          entries[i] = entry & ~SoftwareEntry.exclusive
          target.unsafelyUnwrapped[i] = entries[i]
          edits &+= 1
          if entry == SoftwareEntry.guardPage { continue }
          system.swap?.retain((entry & PageTableEntry.addressMask) &>> 12)
          child.swapEntries += 1
          edits &+= 1
          continue
        }
        if entry & writable != 0 {
          entries[i] = entry & ~writable
          edits &+= 1
          if entry & 1 != 0 { batch.note(address &+ UInt64(i) &<< 12) }
        }
        target.unsafelyUnwrapped[i] = entry & ~(writable | unmarked)
        edits &+= 1
        let frame = (entry & PageTableEntry.addressMask) &>> 12
        if frame == zero { continue }
        frames.share(frame)
        if frames.use(of: FrameNumber(frame)) == .cache { file &+= 1 } else { anonymous &+= 1 }
      }
    }
    system.charge(edits &* system.costs.entryEdit)
    system.huge.changeMapped(blocks)
    anonymous += blocks * Int(HugePages.frames)
    child.changeResident(anonymous: anonymous, file: file)
    return isComplete
  }
}
