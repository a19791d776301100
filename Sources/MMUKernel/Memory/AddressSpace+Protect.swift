import MMUMemory
import MMUPaging
import MMUTiming

extension AddressSpace {
  /// mprotect: changes the permissions of a range, area by area.
  ///
  /// A hole ends it with ENOMEM; what lies before the hole has been changed then, as on Linux.
  /// - Throws: ENOMEM also if there would be too many areas, or too much memory promised.
  /// - Precondition: both ends are page-aligned, `lower` below `upper`.
  func protect(
    _ lower: UInt64, _ upper: UInt64, _ permissions: MemoryPermissions,
    count: (FaultResolution) -> Void = { _ in }
  ) throws(Errno) {
    var at = lower
    while at < upper {
      var position = areas.firstEnding(after: at)
      guard var area = areas.area(position), area.lower <= at else { throw .noMemory }
      let end = min(upper, area.upper)
      if area.permissions == permissions {
        at = end
        continue
      }
      if permissions.contains(.write) && area.flags.contains(.neverWritten) {
        throw .accessDenied
      }
      if permissions.contains(.write) && !area.permissions.contains(.write)
        && area.flags.isDisjoint(with: .unaccounted.union(.accounted))
        && !canPromise((end - at) / pageBytes)
      {
        throw .noMemory
      }
      if permissions.contains(.write) && !area.isShared && !area.permissions.contains(.write)
        && !fits(0, isData: true, adding: end - at)
      {
        throw .noMemory
      }
      if area.lower < at { try area.checkCut(at: at) }
      if end < area.upper { try area.checkCut(at: end) }
      let cuts = (area.lower < at ? 1 : 0) + (end < area.upper ? 1 : 0)
      if areas.count + cuts > maximumAreas + (joinsNeighbour(area, at, end, permissions) ? 1 : 0) {
        throw .noMemory
      }
      if area.lower < at { position = split(position, at: at) }
      if end < area.upper { split(position, at: end) }
      position = areas.firstEnding(after: at)
      area = areas.area(position)!
      areas.remove(at: position)
      let wasWritable = area.permissions.contains(.write)
      area.permissions = permissions
      if permissions.contains(.write) {
        if area.flags.isDisjoint(with: .unaccounted) { area.flags.insert(.accounted) }
      } else if area.isAnonymous && area.anonymousIdentity == 0 {
        area.flags.remove(.accounted)
      }
      insertMerging(area)
      // The area was counted once more by the insertion.
      system.releaseSource(area.source, by: self)
      protectPages(at, end, permissions)
      // What could not be copied before is made ready now.
      if area.flags.intersection([.locked, .lockedOnFault, .shared]) == .locked && !wasWritable
        && permissions.contains(.write)
      {
        _ = populate(at, end, writing: true, count: count)
      }
      at = end
    }
  }

  /// Tells whether a changed part will become one with a neighbour, so that no area is added.
  private func joinsNeighbour(
    _ area: VirtualMemoryArea, _ lower: UInt64, _ upper: UInt64, _ permissions: MemoryPermissions
  ) -> Bool {
    func matches(_ other: VirtualMemoryArea?) -> Bool {
      guard let other else { return false }
      return other.permissions == permissions && other.source == area.source
    }
    let position = areas.firstEnding(after: lower)
    if lower == area.lower, let below = areas.previous(position).flatMap({ areas.area($0) }),
      below.upper == lower, matches(below)
    {
      return true
    }
    if upper == area.upper, let above = areas.area(areas.next(position)), above.lower == upper,
      matches(above)
    {
      return true
    }
    return false
  }

  /// Brings the entries of a range to new permissions, with the invalidations that takes: only a
  /// present entry that loses a right needs one.
  ///
  /// A private page becomes writable at once if nobody else has it, so that it does not fault again.
  func protectPages(_ lower: UInt64, _ upper: UInt64, _ permissions: MemoryPermissions) {
    let present = PageTableEntry.present.rawValue
    let writable = PageTableEntry.writable.rawValue
    let noExecute = system.noExecute
    let frames = system.frames
    let accessible = permissions.rawValue != 0
    let canWrite = permissions.contains(.write)
    let execute = permissions.contains(.execute)
    // A page of a shared mapping that is dirty already may be written without notice.
    let dirty = PageTableEntry.dirty.rawValue
    let area = areas.area(at: lower)?.pointee
    let isShared = area?.flags.contains(.shared) ?? false
    let tracksWrites = system.sources[Int(area?.source ?? 0)]?.inode?.isOnDisk ?? false
    var batch = InvalidationBatch()
    var edits: UInt64 = 0
    tables.forEachTable(
      in: lower, upper,
      wholeLeaf: { address, place, _ in
        let old = place.pointee
        place.pointee = hugeLeaf(old, under: permissions, isShared: isShared)
        if place.pointee != old { edits &+= 1 }
        if system.losesRights(old, place.pointee) { batch.note(address) }
        return true
      }
    ) { address, entries, count in
      for i in 0..<count {
        let old = entries[i]
        // What is in swap gets its rights when it comes back.
        if old == 0 || SoftwareEntry.hasNoFrame(old) { continue }
        var new = old & ~(present | writable | noExecute | SoftwareEntry.inaccessible)
        new |= accessible ? present : SoftwareEntry.inaccessible
        if !execute { new |= noExecute }
        if canWrite {
          if isShared {
            new |= tracksWrites ? (old & dirty) &>> 5 : writable
          } else if frames.isExclusive((old & PageTableEntry.addressMask) &>> 12) {
            new |= writable
          }
        }
        if new == old { continue }
        entries[i] = new
        edits &+= 1
        let lost = (old & (present | writable) & ~new) | (new & noExecute & ~old)
        if old & present != 0 && lost != 0 { batch.note(address &+ UInt64(i) &<< 12) }
      }
    }
    system.charge(edits &* system.costs.entryEdit)
    batch.deliver(pcid: pcid.rawValue, in: system)
  }
}
