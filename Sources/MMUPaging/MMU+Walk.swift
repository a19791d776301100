import MMUMemory
import MMUTiming

/// What a walk found: a translation (`value` not zero), a fault, or a table beyond RAM.
struct WalkResult {
  var value: EffectiveEntry = 0
  var size: UInt64 = 0
  var global = false
  var errorCode: UInt64 = 0
  var beyondRAM: UInt64? = nil
}

/// Reads the paging structures from the deepest cached level down, one loop for all levels.
///
/// A is set in each entry as the walk passes it, in the leaf only when the access is permitted; D in
/// the leaf on a permitted write. Each change of memory is an assist. An entry that leads on is put
/// into its structure cache at once, with the rights gathered so far.
///
/// Intel SDM Vol. 3A, "4-Level Paging" (§4.5), "Accessed and Dirty Flags" (§4.8), "Caching
/// Translation Information" (§4.10.3).
///
/// - Parameter usingCaches: false for the walk a dirty assist makes: it starts at the root, fills no
///   structure cache, and its entry reads are charged but not counted.
func walk(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64, usingCaches: Bool
) -> WalkResult {
  var result = WalkResult()
  var level = PagingLevel.pml4
  var table = s.pointee.root
  // R/W and U/S by AND, XD by OR.
  var rights: UInt64 = 6
  if usingCaches, let (next, value) = findStructure(s, address, access) {
    level = next
    table = value & PageTableEntry.addressMask
    rights = value & ~PageTableEntry.addressMask
  }
  while true {
    let place = table &+ level.index(address) &* 8
    add(s, .cycles, access, s.pointee.costs.entryRead)
    if usingCaches {
      count(s, .readsPML4E, level.rawValue, access)
    }
    if place >= s.pointee.ramBytes {
      result.beyondRAM = place
      return result
    }
    let entry = UInt64(
      littleEndian: (s.pointee.base + Int(truncatingIfNeeded: place)).load(as: UInt64.self))
    if entry & 1 == 0 {
      result.errorCode = s.pointee.controls.errorBits(access)
      return result
    }
    if entry & s.pointee.controls.reservedBits(level, entry: entry) != 0 {
      result.errorCode =
        s.pointee.controls.errorBits(access) | ErrorCode([.present, .reservedBit]).rawValue
      return result
    }
    rights = (rights & entry & 6) | ((rights | entry) & PageTableEntry.executeDisable.rawValue)
    let isLeaf = level == .pt || (level != .pml4 && entry & PageTableEntry.largePage.rawValue != 0)
    if !isLeaf {
      setFlag(s, .accessed, .assistsAccessed, place, entry, access)
      table = entry & PageTableEntry.addressMask
      if usingCaches { fillStructure(s, level, address, access, table | rights) }
      level = PagingLevel(rawValue: level.rawValue &+ 1)!
      continue
    }
    // G, D and the key as in the leaf; P makes the value non-zero.
    let ownBits: UInt64 = 0x7800_0000_0000_0140 | PageTableEntry.addressMask
    var value = rights | (entry & ownBits) | 1
    if !isPlainlyPermitted(s, value, access) {
      result.errorCode = s.pointee.controls.denial(value, access)
      if result.errorCode != 0 { return result }
    }
    setFlag(s, .accessed, .assistsAccessed, place, entry, access)
    if access & 2 != 0 {
      setFlag(s, .dirty, .assistsDirty, place, entry, access)
      value |= PageTableEntry.dirty.rawValue
    }
    result.size = UInt64(3 &- level.rawValue)
    // Bit 12 of a large leaf is PAT; the offset bits below the page are not part of the frame.
    value &= ~(((1 &<< level.shift) &- 1) & PageTableEntry.addressMask)
    result.value = value
    result.global = value & PageTableEntry.global.rawValue != 0 && s.pointee.controls.globalPages
    return result
  }
}

@inline(__always)
private func setFlag(
  _ s: UnsafeMutablePointer<MMUState>, _ flag: PageTableEntry, _ counter: MMUCounter,
  _ place: UInt64, _ entry: UInt64, _ access: UInt64
) {
  if entry & flag.rawValue != 0 { return }
  let changed = s.pointee.memory._withUnsafeGuaranteedRef {
    $0.setEntryBits(flag.rawValue, at: PhysicalAddress(place))
  }
  if changed {
    count(s, counter, access)
    add(s, .cycles, access, s.pointee.costs.assist)
  }
}

/// The deepest cached entry on the way to `address`: the level to read next, and table with rights.
@inline(__always)
private func findStructure(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64
) -> (PagingLevel, UInt64)? {
  if let value = findStructure(s, s.pointee.structures.2, .pd, address) {
    count(s, .hitsPDE, access)
    return (.pt, value)
  }
  if let value = findStructure(s, s.pointee.structures.1, .pdpt, address) {
    count(s, .hitsPDPTE, access)
    return (.pd, value)
  }
  if let value = findStructure(s, s.pointee.structures.0, .pml4, address) {
    count(s, .hitsPML4E, access)
    return (.pdpt, value)
  }
  return nil
}

@inline(__always)
private func structureTag(
  _ s: UnsafeMutablePointer<MMUState>, _ level: PagingLevel, _ address: UInt64, _ pcid: UInt64
) -> UInt64 {
  Tag.make((address & 0xffff_ffff_ffff) &>> level.shift, size: 0, pcid: pcid)
}

@inline(__always)
private func findStructure(
  _ s: UnsafeMutablePointer<MMUState>, _ store: TagStore?, _ level: PagingLevel,
  _ address: UInt64
) -> UInt64? {
  guard let store else { return nil }
  let entry = store.find(structureTag(s, level, address, s.pointee.pcid))
  if entry < 0 { return nil }
  store.touch(entry)
  return store.values[entry]
}

@inline(__always)
private func fillStructure(
  _ s: UnsafeMutablePointer<MMUState>, _ level: PagingLevel, _ address: UInt64, _ access: UInt64,
  _ value: UInt64
) {
  let tag = structureTag(s, level, address, s.pointee.pcid)
  var evicted: UInt64?
  switch level {
  case .pml4: evicted = s.pointee.structures.0?.insert(tag, value).evicted
  case .pdpt: evicted = s.pointee.structures.1?.insert(tag, value).evicted
  case .pd: evicted = s.pointee.structures.2?.insert(tag, value).evicted
  case .pt: return
  }
  guard let evicted else { return }
  count(s, .structureFills, access)
  if evicted != 0 { count(s, .structureEvictions, access) }
}

/// Drops the structure-cache entries that lead to `address` under `pcid`.
func dropStructuresOnTheWay(_ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, pcid: UInt64) {
  func drop(_ store: TagStore?, _ level: PagingLevel) {
    guard let store, !store.isEmpty else { return }
    let entry = store.find(structureTag(s, level, address, pcid))
    if entry >= 0 { store.remove(entry) }
  }
  drop(s.pointee.structures.0, .pml4)
  drop(s.pointee.structures.1, .pdpt)
  drop(s.pointee.structures.2, .pd)
}
