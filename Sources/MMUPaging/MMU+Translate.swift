import MMUMemory
import MMUTiming

// The caches in front of the walk, in the order Spec/Paging.md documents: canonical check,
// first-level arrays from the smallest page size up, second level likewise, walk; then the fills,
// second level first. Free functions on one pointer: the engine calls them out of line.

@inline(__always)
func count(_ s: UnsafeMutablePointer<MMUState>, _ counter: MMUCounter, _ access: UInt64) {
  add(s, counter, access, 1)
}

@inline(__always)
func add(
  _ s: UnsafeMutablePointer<MMUState>, _ counter: MMUCounter, _ access: UInt64, _ amount: UInt64
) {
  let side = access & 4 != 0 ? 0 : MMUCounter.allCasesCount
  s.pointee.counters[counter.rawValue &+ side] &+= amount
}

/// Counts in the counter `index` cases behind `first`: those by page size and by level are neighbours.
@inline(__always)
func count(
  _ s: UnsafeMutablePointer<MMUState>, _ first: MMUCounter, _ index: Int, _ access: UInt64
) {
  let side = access & 4 != 0 ? 0 : MMUCounter.allCasesCount
  s.pointee.counters[first.rawValue &+ index &+ side] &+= 1
}

extension MMUCounter {
  @inline(__always) static var allCasesCount: Int { MMUCounter.cycles.rawValue &+ 1 }
}

/// Translates one access through the model.
///
/// - Parameters:
///   - address: any 64-bit linear address.
///   - access: `Access.bits`.
/// - Returns: the physical address of the 4 KiB frame, with bit 0 set; or zero, and the fault stands
///   in the state.
@inline(__always)
package func resolve(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64
) -> UInt64 {
  access & 20 == 4 ? resolveUserData(s, address, access) : resolveOther(s, address, access)
}

/// `resolve` for loads and stores of a program, compiled apart: nearly all accesses are.
///
/// While the state `isPlain`, what most of them meet is decided here, step by step as in `translate`
/// but without its questions: a permitted hit of a 4 KiB page in the first level or the second, or a
/// miss of both. Nothing is counted before it is known to be one of these.
@inline(never)
package func resolveUserData(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64
) -> UInt64 {
  let access = access & 2 | 4
  if !s.pointee.isPlain || !VirtualAddress.isCanonical(address) {
    return translate(s, address, access)
  }
  let first = s.pointee.dtlb.probes[0]
  let tag = Tag.make((address & 0xffff_ffff_ffff) &>> 12, size: 0, pcid: s.pointee.pcid)
  var entry = first.store.findPlainly(tag)
  if entry >= 0 {
    let value = first.store.values[entry]
    if !isPlainlyDone(value, access) { return translate(s, address, access) }
    count(s, .dataTranslations, access)
    first.store.stampUse(entry)
    updateFilter(s, address, access, first, entry, value)
    return frame(value, address, 12)
  }
  let second = s.pointee.stlb.probes[0].store
  entry = second.findPlainly(tag)
  if entry < 0 {
    count(s, .dataTranslations, access)
    count(s, .dtlbMisses, access)
    count(s, .stlbLookups, access)
    count(s, .stlbMisses, access)
    return walkAndFill(s, address, access)
  }
  let value = second.values[entry]
  if !isPlainlyDone(value, access) { return translate(s, address, access) }
  count(s, .dataTranslations, access)
  count(s, .dtlbMisses, access)
  count(s, .stlbLookups, access)
  count(s, .stlbHits4K, access)
  add(s, .cycles, access, s.pointee.costs.stlbHit)
  second.stampUse(entry)
  let (filled, evicted) = first.store.insertPlainly(tag, value)
  count(s, .dtlbFills4K, access)
  if evicted != 0 {
    count(s, .dtlbEvictions, access)
    dropEvicted(s, evicted, first.store, filled, false)
  }
  updateFilter(s, address, access, first, filled, value)
  return frame(value, address, 12)
}

/// Permitted by one mask, and nothing to set in memory: see `isPlainlyPermitted`.
@inline(__always)
private func isPlainlyDone(_ value: EffectiveEntry, _ access: UInt64) -> Bool {
  let wanted = access & 6 | (access & 2) &<< 5
  return value & wanted == wanted
}

/// `resolve` for fetches and the kernel's accesses.
@inline(never)
package func resolveOther(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64
) -> UInt64 {
  translate(s, address, access)
}

@inline(__always)
private func translate(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64
) -> UInt64 {
  if !VirtualAddress.isCanonical(address) {
    s.pointee.faultKind = 2
    s.pointee.faultAddress = address
    return 0
  }
  let isFetch = access & 16 != 0
  count(s, isFetch ? .instructionTranslations : .dataTranslations, access)
  let first = isFetch ? s.pointee.itlb : s.pointee.dtlb
  var i = 0
  while i < first.active.pointee {
    let probe = first.probes[i]
    i &+= 1
    if probe.store.live[Int(truncatingIfNeeded: probe.size)] == 0 { continue }
    let entry = probe.store.find(tag(s, address, probe))
    if entry < 0 { continue }
    let value = probe.store.values[entry]
    if !isPlainlyPermitted(s, value, access) {
      let code = s.pointee.controls.denial(value, access)
      if code != 0 { return raise(s, address, access, code) }
    }
    if access & 2 != 0 && value & PageTableEntry.dirty.rawValue == 0 {
      return setDirty(s, address, access, probe, entry)
    }
    probe.store.touch(entry)
    updateFilter(s, address, access, probe, entry, value)
    return frame(value, address, probe.shift)
  }
  count(s, isFetch ? .itlbMisses : .dtlbMisses, access)
  return resolveMiss(s, address, access)
}

/// The commonest case of `PagingControls.denial`, decided by one mask: a user-mode data access without
/// protection keys.
@inline(__always)
func isPlainlyPermitted(
  _ s: UnsafeMutablePointer<MMUState>, _ value: EffectiveEntry, _ access: UInt64
) -> Bool {
  // The bits of U/S and R/W in an entry are those of U/S and W/R in an error code.
  let wanted = access & 6
  return access & 20 == 4 && value & wanted == wanted && !s.pointee.controls.protectionKeys
}

@inline(__always)
private func tag(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ probe: Probe
) -> UInt64 {
  Tag.make(
    (address & 0xffff_ffff_ffff) &>> probe.shift, size: probe.size, pcid: s.pointee.pcid)
}

/// The 4 KiB frame inside the page `value` maps, with bit 0 set.
@inline(__always)
private func frame(_ value: EffectiveEntry, _ address: UInt64, _ shift: UInt64) -> UInt64 {
  let offset = (1 &<< shift) &- 1
  return (value & PageTableEntry.addressMask & ~offset) | (address & offset & ~0xfff) | 1
}

/// A first-level miss: the second level, then a walk.
@inline(__always)
private func resolveMiss(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64
) -> UInt64 {
  let second = s.pointee.stlb
  count(s, .stlbLookups, access)
  var i = 0
  while i < second.active.pointee {
    let probe = second.probes[i]
    i &+= 1
    if probe.store.live[Int(truncatingIfNeeded: probe.size)] == 0 { continue }
    let entry = probe.store.find(tag(s, address, probe))
    if entry < 0 { continue }
    count(s, .stlbHits4K, Int(truncatingIfNeeded: probe.size), access)
    add(s, .cycles, access, s.pointee.costs.stlbHit)
    let value = probe.store.values[entry]
    if !isPlainlyPermitted(s, value, access) {
      let code = s.pointee.controls.denial(value, access)
      if code != 0 { return raise(s, address, access, code) }
    }
    if access & 2 != 0 && value & PageTableEntry.dirty.rawValue == 0 {
      return setDirty(s, address, access, probe, entry)
    }
    probe.store.touch(entry)
    let global = probe.store.tags[entry] & Tag.global != 0
    fillFirst(s, address, access, value, probe.size, global)
    return frame(value, address, probe.shift)
  }
  count(s, .stlbMisses, access)
  return walkAndFill(s, address, access)
}

@inline(never)
private func walkAndFill(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64
) -> UInt64 {
  count(s, .walks, access)
  let before = s.pointee.counters[MMUCounter.cycles.rawValue &+ side(access)]
  add(s, .cycles, access, s.pointee.costs.walkStart)
  let result = walk(s, address, access, usingCaches: true)
  add(
    s, .walkCycles, access,
    s.pointee.counters[MMUCounter.cycles.rawValue &+ side(access)] &- before)
  if result.value == 0 {
    count(s, .faultedWalks, access)
    return failWalk(s, address, access, result)
  }
  count(s, .walks4K, Int(truncatingIfNeeded: result.size), access)
  fillBoth(s, address, access, result)
  return frame(result.value, address, 12 &+ 9 &* result.size)
}

@inline(__always)
private func side(_ access: UInt64) -> Int { access & 4 != 0 ? 0 : MMUCounter.allCasesCount }

/// Ends a translation whose walk found a fault.
private func failWalk(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64, _ result: WalkResult
) -> UInt64 {
  if let place = result.beyondRAM {
    s.pointee.faultKind = 3
    s.pointee.faultAddress = place
    return 0
  }
  return raise(s, address, access, result.errorCode)
}

/// Fills the second level, then the first.
private func fillBoth(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64, _ result: WalkResult
) {
  let second = s.pointee.stlb
  if result.size != 0 { second.active.pointee = second.probeCount }
  for i in 0..<second.probeCount where second.probes[i].size == result.size {
    let tag = globalTag(s, tag(s, address, second.probes[i]), result.global)
    let evicted = second.probes[i].store.insert(tag, result.value).evicted
    count(s, .stlbFills, access)
    if evicted != 0 { count(s, .stlbEvictions, access) }
  }
  fillFirst(s, address, access, result.value, result.size, result.global)
}

@inline(__always)
private func globalTag(
  _ s: UnsafeMutablePointer<MMUState>, _ tag: UInt64, _ global: Bool
) -> UInt64 {
  global ? Tag.asGlobal(tag) : tag
}

/// Makes a first-level entry.
///
/// A page size without an array is not cached there.
@inline(__always)
private func fillFirst(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64,
  _ value: EffectiveEntry, _ size: UInt64, _ global: Bool
) {
  let isFetch = access & 16 != 0
  let first = isFetch ? s.pointee.itlb : s.pointee.dtlb
  if isFetch {
    s.pointee.fetchTouch = noTouch(s)
    s.pointee.fetchIsCached = false
  }
  if size != 0 { first.active.pointee = first.probeCount }
  if size != 0 || global { s.pointee.isPlain = false }
  var i = 0
  while i < first.probeCount {
    let probe = first.probes[i]
    i &+= 1
    if probe.size != size { continue }
    let tag = globalTag(s, tag(s, address, probe), global)
    let (entry, evicted) = probe.store.insert(tag, value)
    let fills: MMUCounter = isFetch ? .itlbFills4K : .dtlbFills4K
    count(s, fills, Int(truncatingIfNeeded: size), access)
    if evicted != 0 {
      count(s, isFetch ? .itlbEvictions : .dtlbEvictions, access)
      dropEvicted(s, evicted, probe.store, entry, isFetch)
    }
    updateFilter(s, address, access, probe, entry, value)
    return
  }
}

/// A permitted write met an entry whose D is clear: the processor sets D in the leaf in memory, by
/// a walk of its own from the root (not counted as a walk; its entry reads are charged).
///
/// If memory says something else by now than the entry did, memory wins: the data side's entries for
/// the address go and new ones are made. The instruction TLB is left alone.
@inline(never)
private func setDirty(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64, _ probe: Probe,
  _ entry: Int
) -> UInt64 {
  let old = probe.store.values[entry]
  let result = walk(s, address, access, usingCaches: false)
  if result.value == 0 { return failWalk(s, address, access, result) }
  let mask = PageTableEntry.addressMask
  if result.size == probe.size && result.value & mask == old & mask {
    // Both levels' copies learn of it, wherever the hit was.
    let second = s.pointee.stlb
    for i in 0..<second.probeCount where second.probes[i].size == result.size {
      let there = second.probes[i].store.find(tag(s, address, second.probes[i]))
      if there >= 0 { second.probes[i].store.values[there] = result.value }
    }
    probe.store.values[entry] = result.value
    probe.store.touch(entry)
    let first = s.pointee.dtlb
    for i in 0..<first.probeCount where first.probes[i].store.tags == probe.store.tags {
      updateFilter(s, address, access, probe, entry, result.value)
      return frame(result.value, address, probe.shift)
    }
    let global = probe.store.tags[entry] & Tag.global != 0
    fillFirst(s, address, access, result.value, result.size, global)
  } else {
    dropDataTranslations(s, address, pcid: s.pointee.pcid)
    fillBoth(s, address, access, result)
  }
  return frame(result.value, address, 12 &+ 9 &* result.size)
}

/// Raises #PF.
///
/// It drops what the TLBs and structure caches hold for the address, so that a retry sees the
/// tables in memory.
///
/// Intel SDM Vol. 3A, "Operations that Invalidate TLBs and Paging-Structure Caches" (§4.10.4.1).
@inline(never)
private func raise(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64, _ code: UInt64
) -> UInt64 {
  s.pointee.faultKind = 1
  s.pointee.faultAddress = address
  s.pointee.faultCode = code
  s.pointee.controlRegister2 = address
  count(s, .pageFaults, access)
  dropTranslations(s, address, pcid: s.pointee.pcid, andGlobal: true)
  dropStructuresOnTheWay(s, address, pcid: s.pointee.pcid)
  return 0
}
