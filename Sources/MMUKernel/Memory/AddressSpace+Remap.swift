import MMUMemory
import MMUPaging
import MMUTiming

/// mremap's flags by their Linux numbers.
struct RemapFlags: OptionSet {
  let rawValue: UInt64
  static var mayMove: Self { Self(rawValue: 1) }
  static var fixed: Self { Self(rawValue: 2) }
  static var dontUnmap: Self { Self(rawValue: 4) }
}

extension AddressSpace {
  /// mremap: checks in Linux's order, then in place or to another place.
  ///
  /// - Returns: where the mapping is now.
  /// - Throws: EINVAL, EFAULT, ENOMEM.
  func remap(
    _ address: UInt64, _ oldLength: UInt64, _ newLength: UInt64, _ flags: RemapFlags,
    to target: UInt64
  ) throws(Errno) -> UInt64 {
    let known: RemapFlags = [.mayMove, .fixed, .dontUnmap]
    if !flags.subtracting(known).isEmpty || address & 4095 != 0 { throw .invalid }
    let old = (oldLength &+ 4095) & ~4095
    let new = (newLength &+ 4095) & ~4095
    if new == 0 || newLength > Self.userLimit { throw .invalid }
    let isDirected = !flags.intersection([.fixed, .dontUnmap]).isEmpty
    if isDirected {
      if target > Self.userLimit - new || target & 4095 != 0 { throw .invalid }
      if flags.contains(.dontUnmap) && old != new { throw .invalid }
      if !flags.contains(.mayMove) { throw .invalid }
      if flags.contains(.fixed) && target < address &+ old && address < target &+ new {
        throw .invalid
      }
      if areas.count + 2 >= maximumAreas - 3 { throw .noMemory }
    }
    if flags.contains(.fixed) && old == new {
      return try moveAll(address, old, flags, to: target)
    }
    return try remapOne(address, old, new, flags, to: target)
  }

  /// Moves all areas in a range, with the holes between them (Linux 6.17 and later).
  ///
  /// - Throws: EFAULT if the first page is not mapped; or what stopped it, after some have moved.
  private func moveAll(
    _ address: UInt64, _ length: UInt64, _ flags: RemapFlags, to target: UInt64
  ) throws(Errno) -> UInt64 {
    var at = address
    while at < address + length, let area = areas.area(areas.firstEnding(after: at)) {
      let lower = max(area.lower, at)
      let upper = min(area.upper, address + length)
      if lower >= upper { break }
      if at == address && lower > at { throw .badAddress }
      _ = try remapOne(
        lower, upper - lower, upper - lower, flags, to: target + (lower - address))
      at = upper
    }
    if at == address { throw .badAddress }
    return target
  }

  /// The rest of mremap, about one area.
  private func remapOne(
    _ address: UInt64, _ old: UInt64, _ new: UInt64, _ flags: RemapFlags, to target: UInt64
  ) throws(Errno) -> UInt64 {
    guard let area = areas.area(at: address)?.pointee else { throw .badAddress }
    var (old, new) = (old, new)
    if let size = area.hugeSize {
      (old, new) = try hugeLengths(size, address, old, new, flags, to: target)
    }
    if new <= old && flags.isDisjoint(with: [.fixed, .dontUnmap]) {
      // In place, whatever lies behind it.
      if new < old { try unmap(address + new, length: old - new) }
      return address
    }
    if old == 0 && !area.isShared { throw .invalid }
    // What MREMAP_FIXED cuts off may reach beyond the area.
    if min(old, new) > area.upper - address { throw .badAddress }
    // With MREMAP_DONTUNMAP the old pages stay promised.
    let more = flags.contains(.dontUnmap) ? new : new > old ? new - old : 0
    if more > 0 && area.flags.contains(.accounted) && !canPromise(more / pageBytes) {
      throw .noMemory
    }
    if new > old && !fits(new - old, isData: area.isData) { throw .noMemory }
    if flags.contains(.fixed) {
      if target < Self.lowestMapping { throw .notPermitted }
      try removeAreas(target, target + new)
      if new < old { try removeAreas(address + new, address + old) }
      return try move(address, min(old, new), new, to: target, keepsOld: flags.contains(.dontUnmap))
    }
    if flags.contains(.dontUnmap) {
      let place = try place(new, hint: target)
      return try move(address, old, new, to: place, keepsOld: true)
    }
    if old > 0 && address + old == area.upper && address + new <= Self.userLimit
      && !overlaps(area.upper, address + new)
    {
      let last = area.upper
      insertMerging(continuation(of: area, to: address + new))
      if area.flags.contains(.locked) { populateLocked(last, address + new) }
      return address
    }
    if !flags.contains(.mayMove) { throw .noMemory }
    let place = try place(new, hint: 0)
    return try move(address, old, new, to: place, keepsOld: false)
  }

  /// What follows an area up to `end`, such that the two are one.
  private func continuation(of area: VirtualMemoryArea, to end: UInt64) -> VirtualMemoryArea {
    var more = area
    more.setLower(area.upper)
    more.upper = end
    return more
  }

  /// Moves `old` bytes of one area to free space, where they become `new`.
  ///
  /// Entries go as they are: no page is touched, none faults again.
  private func move(
    _ address: UInt64, _ old: UInt64, _ new: UInt64, to target: UInt64, keepsOld: Bool
  ) throws(Errno) -> UInt64 {
    // Looked up anew: what was unmapped may have changed it.
    guard let area = areas.area(at: address)?.pointee else { throw .badAddress }
    if areas.count + 2 > maximumAreas { throw .noMemory }
    let distance = target &- address
    var leaves = movableLeaves(address, address + old, by: distance)
    var pages = presentPages(address, address + old, movedBy: distance)
    // All tables first, so that nothing has moved if there is no frame for one.
    while leaves.contains(where: { tables.leafPlace(for: $0 &+ distance, $1) == nil })
      || pages.contains(where: { tables.entry(for: $0.0 &+ distance) == nil })
    {
      if system.reclaim() {
        // Which may have made entries read-only, cut pages, and split huge leaves.
        leaves = movableLeaves(address, address + old, by: distance)
        pages = presentPages(address, address + old, movedBy: distance)
        continue
      }
      var batch = InvalidationBatch()
      freeUnusedTables(target, target + new, &batch)
      batch.deliver(pcid: pcid.rawValue, in: system)
      throw .noMemory
    }
    var moved = area
    moved.setLower(address)
    moved.lower = target
    moved.upper = target + new
    moved.flags.subtract(.labels)
    if area.anonymousIdentity == 0 {
      moved.home = target / pageBytes
    } else {
      hasMovedPages = true
    }
    insertMerging(moved)
    var batch = InvalidationBatch()
    for (page, entry) in pages {
      guard let place = tables.existingEntry(for: page) else { continue }
      tables.set(place, to: 0)
      if entry & 1 != 0 { batch.note(page) }
      guard let place = tables.existingEntry(for: page &+ distance) else {
        preconditionFailure("a table made for a move is gone")
      }
      tables.set(place, to: entry)
    }
    system.charge(2 &* UInt64(pages.count) &* system.costs.entryEdit)
    for (leaf, size) in leaves { moveHugeLeaf(leaf, size, to: leaf &+ distance, &batch) }
    if let size = area.hugeSize, area.flags.contains(.promised) {
      // The old place gives its promise up when it goes.
      system.pool(size).changePromise(by: Int64(new / size.bytes))
    }
    batch.deliver(pcid: pcid.rawValue, in: system)
    if keepsOld {
      let position = areas.firstEnding(after: address)
      if var rest = areas.area(position), rest.lower <= address {
        // All of the area is unlocked, as on Linux, and if all was moved nothing of it is there any more.
        rest.flags.subtract([.locked, .lockedOnFault])
        if rest.lower == address && rest.upper == address + old { rest.anonymousIdentity = 0 }
        areas.replace(at: position, with: rest)
      }
    } else if old > 0 {
      try removeAreas(address, address + old)
    }
    if moved.flags.contains(.locked) && new > old { populateLocked(target + old, target + new) }
    return target
  }

  /// The pages of a range that have entries, and those; not what `movableLeaves` gives.
  private func presentPages(
    _ lower: UInt64, _ upper: UInt64, movedBy distance: UInt64
  ) -> [(UInt64, UInt64)] {
    var pages: [(UInt64, UInt64)] = []
    tables.forEachTable(
      in: lower, upper, wholeLeaf: { address, _, span in isMovable(address, span, by: distance) }
    ) { address, entries, count in
      for i in 0..<count where entries[i] != 0 {
        pages.append((address &+ UInt64(i) &<< 12, entries[i]))
      }
    }
    return pages
  }

  private func freeUnusedTables(
    _ lower: UInt64, _ upper: UInt64, _ batch: inout InvalidationBatch
  ) {
    let position = areas.firstEnding(after: lower)
    let floor = areas.previous(position).flatMap { areas.area($0) }?.upper ?? 0
    let ceiling = areas.area(position)?.lower ?? 1 << 47
    tables.freeTables(lower, upper, floor: floor, ceiling: ceiling, batch: &batch)
  }

  /// Makes pages of locked areas present, as far as that goes.
  func populateLocked(_ lower: UInt64, _ upper: UInt64) {
    var at = lower
    while at < upper {
      guard let area = areas.area(areas.firstEnding(after: at)), area.lower < upper else { return }
      let writing = area.permissions.contains(.write) && !area.isShared
      if area.permissions.rawValue != 0 && !area.flags.contains(.lockedOnFault) {
        _ = populate(max(at, area.lower), min(upper, area.upper), writing: writing) { _ in }
      }
      at = area.upper
    }
  }

  /// Tells whether RLIMIT_AS, and RLIMIT_DATA for private writable memory, allow so many bytes more.
  ///
  /// - Parameters:
  ///   - replacing: a range that is going to be unmapped.
  ///   - adding: bytes that are there already and become data.
  func fits(
    _ bytes: UInt64, isData: Bool, replacing range: (UInt64, UInt64)? = nil,
    adding data: UInt64 = 0
  ) -> Bool {
    if addressLimit == .max && (dataLimit == .max || !isData) { return true }
    var pages: UInt64 = 0
    areas.forEach { if $0.isData { pages += $0.pages } }
    var replaced: UInt64 = 0
    if let range {
      areas.forEach {
        let (lower, upper) = (max($0.lower, range.0), min($0.upper, range.1))
        if lower < upper { replaced += upper - lower }
      }
    }
    if areas.pages * pageBytes + bytes - replaced > addressLimit { return false }
    return !isData || pages * pageBytes + data + bytes - min(replaced, bytes) <= dataLimit
  }
}
