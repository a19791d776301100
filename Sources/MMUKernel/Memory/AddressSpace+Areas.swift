import MMUMemory
import MMUTiming

// How areas join and part, as Linux's mm/vma.c does it.

extension AddressSpace {
  /// Tells whether two areas' private pages may belong to one area.
  private static func identitiesAgree(_ a: UInt32, _ b: UInt32) -> Bool {
    if a == b { return true }
    return a == 0 && b & forkedIdentity == 0 || b == 0 && a & forkedIdentity == 0
  }

  /// Puts a new area into free space and joins it with what it continues.
  ///
  /// With both neighbours only if those two agree; else with the one below.
  func insertMerging(_ new: VirtualMemoryArea) {
    system.charge(system.costs.areaOperation)
    var area = new
    let position = areas.firstEnding(after: area.lower)
    var below = areas.previous(position)
    var above: AreaSet.Position? = position == areas.end ? nil : position
    let previous = below.flatMap { areas.area($0) }
    let next = above.flatMap { areas.area($0) }
    if let previous, previous.continues(into: area),
      Self.identitiesAgree(previous.anonymousIdentity, area.anonymousIdentity)
    {
      area = Self.joined(previous, area)
    } else {
      below = nil
    }
    if let next, area.continues(into: next),
      Self.identitiesAgree(area.anonymousIdentity, next.anonymousIdentity)
    {
      area = Self.joined(area, next)
    } else {
      above = nil
    }
    system.retainSource(area.source, by: self)
    switch (below, above) {
    case (let below?, _?):
      system.releaseSource(area.source, by: self)
      system.releaseSource(area.source, by: self)
      areas.remove(at: position)
      areas.replace(at: below, with: area)
    case (let below?, nil):
      system.releaseSource(area.source, by: self)
      areas.replace(at: below, with: area)
    case (nil, let above?):
      system.releaseSource(area.source, by: self)
      areas.replace(at: above, with: area)
    case (nil, nil):
      areas.insert(area, at: position)
    }
  }

  private static func joined(
    _ a: VirtualMemoryArea, _ b: VirtualMemoryArea
  ) -> VirtualMemoryArea {
    var result = a
    result.upper = b.upper
    if a.anonymousIdentity == 0 {
      result.anonymousIdentity = b.anonymousIdentity
      if b.anonymousIdentity != 0 { result.home = b.home &- a.pages }
    }
    result.flags.formUnion(b.flags.intersection(.sticky))
    return result
  }

  /// Cuts an area in two.
  ///
  /// - Returns: the position of the upper part.
  /// - Precondition: `address` lies inside it, page-aligned.
  @discardableResult
  func split(_ position: AreaSet.Position, at address: UInt64) -> AreaSet.Position {
    guard var area = areas.area(position) else { preconditionFailure("no area to split") }
    precondition(area.lower < address && address < area.upper, "a cut outside the area")
    system.charge(system.costs.areaOperation)
    // A huge leaf lies in one area.
    tables.splitLeaf(around: address)
    system.retainSource(area.source, by: self)
    var upper = area
    upper.setLower(address)
    area.upper = address
    areas.replace(at: position, with: area)
    // Looked up anew: an insertion may move areas between chunks.
    areas.insert(upper, at: areas.firstEnding(after: address))
    return areas.firstEnding(after: address)
  }

  /// Changes flags of the areas in a range, but of those with some of `others`, splitting and joining them as that takes: madvise.
  ///
  /// - Throws: ENOMEM if part of the range is not mapped, the rest being done unless the hole is to stop
  ///   it; at once if there would be too many areas.
  func changeFlags(
    _ lower: UInt64, _ upper: UInt64, set: VirtualMemoryArea.Flags = [],
    clear: VirtualMemoryArea.Flags = [], unless others: VirtualMemoryArea.Flags = [],
    stopsAtHole: Bool = false
  ) throws(Errno) {
    var at = lower
    var hole = false
    while at < upper {
      var position = areas.firstEnding(after: at)
      guard var area = areas.area(position), area.lower < upper else { throw .noMemory }
      if area.lower > at {
        if stopsAtHole { throw .noMemory }
        hole = true
        at = area.lower
      }
      let end = min(upper, area.upper)
      var flags = area.flags
      if flags.isDisjoint(with: others) { flags = flags.subtracting(clear).union(set) }
      // Huge pages of a pool are never swapped, so nothing locks them.
      if area.hugeSize != nil { flags.subtract([.locked, .lockedOnFault]) }
      if flags != area.flags {
        if area.lower < at { try area.checkCut(at: at) }
        if end < area.upper { try area.checkCut(at: end) }
        let cuts = (area.lower < at ? 1 : 0) + (end < area.upper ? 1 : 0)
        if areas.count + cuts > maximumAreas { throw .noMemory }
        if area.lower < at { position = split(position, at: at) }
        if end < area.upper { split(position, at: end) }
        position = areas.firstEnding(after: at)
        area = areas.area(position)!
        areas.remove(at: position)
        area.flags = flags
        insertMerging(area)
        // The area was counted once more by the insertion.
        system.releaseSource(area.source, by: self)
      }
      at = end
    }
    if hole { throw .noMemory }
  }

  /// Gives an area its identity before its first private page is made.
  ///
  /// Linux's `find_mergeable_anon_vma`: a neighbour's that differs in nothing but permissions.
  @inline(never)
  func prepareAnonymous(_ address: UInt64) {
    let position = areas.firstEnding(after: address)
    guard var area = areas.area(position) else { return }
    func like(_ a: VirtualMemoryArea, _ b: VirtualMemoryArea) -> Bool {
      var b = b
      b.permissions = a.permissions
      return a.continues(into: b)
    }
    let following = areas.next(position)
    func isReusable(_ identity: UInt32) -> Bool {
      identity != 0 && identity & Self.forkedIdentity == 0
    }
    if let next = areas.area(following), isReusable(next.anonymousIdentity), like(area, next) {
      area.anonymousIdentity = next.anonymousIdentity
    } else if let below = areas.previous(position).flatMap({ areas.area($0) }),
      isReusable(below.anonymousIdentity), like(below, area)
    {
      area.anonymousIdentity = below.anonymousIdentity
    } else {
      area.anonymousIdentity = system.newAnonymousIdentity()
    }
    areas.replace(at: position, with: area)
  }
}
