import MMUMemory
import MMUPaging
import MMUTiming

// What a program says about pages it will not need soon: MADV_PAGEOUT, MADV_COLD, MADV_FREE; and those it
// will: MADV_WILLNEED.

extension AddressSpace {
  /// Calls `body` with the address, entry and frame of each page of `lower..<upper` that is mapped, and by
  /// nobody else.
  private func forEachOwnPage(
    _ lower: UInt64, _ upper: UInt64,
    _ body: (UInt64, UnsafeMutablePointer<UInt64>, UInt64) -> Void
  ) {
    let frames = system.frames
    tables.forEachTable(in: lower, upper) { address, entries, count in
      for i in 0..<count {
        let entry = entries[i]
        if entry == 0 || SoftwareEntry.hasNoFrame(entry) { continue }
        let frame = (entry & PageTableEntry.addressMask) >> 12
        if frame == system.zeroFrame { continue }
        let isInCache =
          frames.use(of: FrameNumber(frame)) == .cache
          || frames.lists.has(PageLists.Mark.swapCached, frame)
        if frames.references(to: FrameNumber(frame)) > (isInCache ? 2 : 1) { continue }
        body(address + UInt64(i) << 12, entries + i, frame)
      }
    }
  }

  /// MADV_PAGEOUT: evicts the pages of a range that nobody else has mapped.
  func pageOut(_ lower: UInt64, _ upper: UInt64) {
    var pages: [UInt64] = []
    forEachOwnPage(lower, upper) { _, entry, frame in
      tables.set(entry, to: entry.pointee & ~PageTableEntry.accessed.rawValue)
      pages.append(frame)
    }
    for frame in pages { _ = system.evict(frame) }
    system.settleDisk(waits: true)
  }

  /// MADV_COLD: makes the pages of a range the next to be looked at.
  func cool(_ lower: UInt64, _ upper: UInt64) {
    let lists = system.frames.lists
    forEachOwnPage(lower, upper) { _, entry, frame in
      tables.set(entry, to: entry.pointee & ~PageTableEntry.accessed.rawValue)
      lists.clear(PageLists.Mark.referenced, frame)
      system.policy.cooled(frame, lists)
    }
  }

  /// MADV_WILLNEED for private pages: reads those in swap, as far as memory allows.
  func readSwapAhead(_ lower: UInt64, _ upper: UInt64) {
    if swapEntries == 0 { return }
    tables.forEachTable(in: lower, upper) { _, entries, count in
      for i in 0..<count where SoftwareEntry.isSwapped(entries[i]) {
        if !system.readSwapAhead((entries[i] & PageTableEntry.addressMask) >> 12) { break }
      }
    }
  }

  /// MADV_FREE: lets the content of the private pages of a range go when memory is short, unless they are
  /// written again; what is in swap goes at once.
  func freeLazily(_ lower: UInt64, _ upper: UInt64) {
    var batch = InvalidationBatch()
    let lists = system.frames.lists
    let used = PageTableEntry.accessed.rawValue | PageTableEntry.dirty.rawValue
    forEachOwnPage(lower, upper) { address, entry, frame in
      if system.frames.use(of: FrameNumber(frame)) != .anonymous { return }
      if !system.giveUpSlot(of: frame) { return }
      // A translation that says D would let the next write go unseen.
      if entry.pointee & 1 != 0 { batch.note(address) }
      tables.set(entry, to: entry.pointee & ~used)
      // Like a clean page of a file it can go without being written.
      lists.enterAnew(frame, .file)
      lists.set(PageLists.Mark.lazyFree, frame)
      system.charge(system.costs.entryEdit)
    }
    tables.forEachTable(in: lower, upper) { _, entries, count in
      for i in 0..<count where SoftwareEntry.isSwapped(entries[i]) {
        let entry = entries[i]
        entries[i] = 0
        dropSwapEntry(entry)
      }
    }
    batch.deliver(pcid: pcid.rawValue, in: system)
  }
}
