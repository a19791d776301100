import MMUMemory
import MMUPaging
import MMUTiming

extension AddressSpace {
  /// munmap: removes all pages of a range, splitting areas at its ends.
  ///
  /// - Throws: EINVAL for an unaligned address, no length, or a range beyond the user half; ENOMEM if
  ///   the split of one area would exceed the limit of areas.
  public func unmap(_ address: UInt64, length: UInt64) throws(Errno) {
    if address & 4095 != 0 || address > Self.userLimit || length > Self.userLimit - address {
      throw .invalid
    }
    let upper = address + (length + 4095) & ~4095
    if upper == address { throw .invalid }
    try removeAreas(address, upper)
  }

  /// Removes the areas in a range, their pages, and the tables nobody needs any more.
  func removeAreas(_ lower: UInt64, _ upper: UInt64) throws(Errno) {
    var position = areas.firstEnding(after: lower)
    guard let first = areas.area(position), first.lower < upper else { return }
    if let end = areas.area(areas.firstEnding(after: upper - 1)), end.lower < upper,
      end.upper > upper
    {
      try end.checkCut(at: upper)
    }
    if first.lower < lower {
      try first.checkCut(at: lower)
      if upper < first.upper && areas.count >= maximumAreas { throw .noMemory }
      position = split(position, at: lower)
    }
    let last = areas.firstEnding(after: upper - 1)
    if let area = areas.area(last), area.lower < upper, area.upper > upper {
      split(last, at: upper)
      position = areas.firstEnding(after: lower)
    }
    // One batch for all: the program does not run before it is delivered.
    var batch = InvalidationBatch()
    // Pages go before the file's frames may, those of anonymous areas all at once.
    var pending = lower
    let count = areas.count
    areas.remove(from: position, below: upper) { area in
      let start = max(lower, area.lower)
      unmapHugePages(of: area, start, area.upper, endsArea: true, batch: &batch)
      unmapPages(pending, area.upper, batch: &batch)
      pending = area.upper
      system.releaseSource(area.source, by: self)
    }
    unmapPages(pending, upper, batch: &batch)
    system.charge(UInt64(count - areas.count) &* system.costs.areaOperation)
    position = areas.firstEnding(after: lower)
    let floor = areas.previous(position).flatMap { areas.area($0) }?.upper ?? 0
    let ceiling = areas.area(position)?.lower ?? 1 << 47
    tables.freeTables(lower, upper, floor: floor, ceiling: ceiling, batch: &batch)
    batch.deliver(pcid: pcid.rawValue, in: system)
  }

  /// Empties the entries of a range and gives the frames back; tables and areas stay.
  ///
  /// - Parameters:
  ///   - keepingCopies: only those of the page cache.
  ///   - keepingGuards: guards stay.
  func unmapPages(
    _ lower: UInt64, _ upper: UInt64, keepingCopies: Bool = false,
    keepingGuards: Bool = false, batch: inout InvalidationBatch
  ) {
    let zero = system.zeroFrame
    let frames = system.frames
    var anonymous = 0
    var file = 0
    var edits: UInt64 = 0
    var leaves = 0
    var blocks = 0
    tables.forEachTable(
      in: lower, upper,
      wholeLeaf: { address, place, _ in
        let entry = place.pointee
        place.pointee = 0
        if entry & 1 != 0 { batch.note(address) }
        leaves &+= 1
        let block = (entry & PageTableEntry.addressMask) &>> 12
        if block == system.huge.zeroBlock { return true }
        blocks &+= 1
        releaseFrames(from: block)
        return true
      }
    ) { address, entries, count in
      for i in 0..<count {
        let entry = entries[i]
        if entry == 0 { continue }
        if SoftwareEntry.hasNoFrame(entry) {
          let isGuard = entry == SoftwareEntry.guardPage
          if isGuard ? keepingGuards : keepingCopies { continue }
          entries[i] = 0
          edits &+= 1
          if !isGuard { dropSwapEntry(entry) }
          continue
        }
        let frame = (entry & PageTableEntry.addressMask) &>> 12
        if keepingCopies && frames.use(of: FrameNumber(frame)) != .cache { continue }
        entries[i] = 0
        edits &+= 1
        if entry & 1 != 0 { batch.note(address &+ UInt64(i) &<< 12) }
        if frame == zero { continue }
        if frames.use(of: FrameNumber(frame)) == .cache {
          file &-= 1
          if entry & PageTableEntry.dirty.rawValue != 0 { system.noteWritten(frame) }
          // The cache's own reference, this one, and somebody else's.
          if frames.references(to: FrameNumber(frame)) > 2 { sharedWhenUnmapped &+= 1 }
        } else {
          anonymous &-= 1
        }
        system.releasePage(frame)
      }
    }
    system.charge(edits &* system.costs.entryEdit)
    system.charge(UInt64(-(anonymous &+ file)) &* system.costs.frameAllocation)
    if leaves != 0 {
      tables.returnDeposits(leaves)
      system.huge.changeMapped(-blocks)
      system.charge(UInt64(leaves) &* system.costs.entryEdit)
      // A block goes back as a whole.
      system.charge(UInt64(blocks) &* system.costs.frameAllocation)
      anonymous -= blocks * Int(HugePages.frames)
    }
    changeResident(anonymous: anonymous, file: file)
  }

  /// MADV_DONTNEED, and MADV_DONTNEED_LOCKED: drops the pages of a range but keeps its areas.
  ///
  /// - Throws: ENOMEM if part of the range is not mapped, the rest being done all the same; EINVAL at
  ///   the first locked area, or at an area of huge pages of which it begins inside one, what lies
  ///   before being done.
  func discard(_ lower: UInt64, _ upper: UInt64, lockedToo: Bool = false) throws(Errno) {
    var batch = InvalidationBatch()
    defer { batch.deliver(pcid: pcid.rawValue, in: system) }
    var isRefused = false
    var failure: Errno?
    do {
      try forEachArea(lower, upper) { area, from, to in
        let mask = area.hugeSize?.offsetMask ?? 0
        if area.flags.contains(.locked) && !lockedToo || from & mask != 0 { isRefused = true }
        if isRefused { return }
        // A part of a huge page at the end stays.
        let end = to & ~mask
        if mask == 0 {
          unmapPages(from, to, keepingGuards: true, batch: &batch)
        } else if from < end {
          unmapHugePages(of: area, from, end, endsArea: false, batch: &batch)
        }
      }
    } catch {
      failure = error
    }
    if isRefused { throw .invalid }
    if let failure { throw failure }
  }

  /// Calls `body` with each area in a range and the part of it inside.
  ///
  /// - Throws: ENOMEM at the end if part of the range is not mapped.
  func forEachArea(
    _ lower: UInt64, _ upper: UInt64, _ body: (VirtualMemoryArea, UInt64, UInt64) -> Void
  ) throws(Errno) {
    var at = lower
    var hole = false
    while at < upper {
      guard let area = areas.area(areas.firstEnding(after: at)), area.lower < upper else {
        throw .noMemory
      }
      if area.lower > at { hole = true }
      body(area, max(at, area.lower), min(upper, area.upper))
      at = area.upper
    }
    if hole { throw .noMemory }
  }
}
