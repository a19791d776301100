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
@inline(never)
package func resolve(
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
  while i < first.probeCount {
    let probe = first.probes[i]
    i &+= 1
    if probe.array.pointee.store.live[Int(probe.size)] == 0 { continue }
    let entry = probe.array.pointee.store.find(tag(s, address, probe))
    if entry < 0 { continue }
    let value = probe.array.pointee.store.values[entry]
    let code = s.pointee.controls.denial(value, access)
    if code != 0 { return raise(s, address, access, code) }
    if access & 2 != 0 && value & PageTableEntry.dirty.rawValue == 0 {
      return setDirty(s, address, access, probe, entry)
    }
    probe.array.pointee.store.touch(entry)
    updateFilter(s, address, access, probe, entry, value)
    return frame(value, address, probe.shift)
  }
  count(s, isFetch ? .itlbMisses : .dtlbMisses, access)
  return resolveMiss(s, address, access)
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
  while i < second.probeCount {
    let probe = second.probes[i]
    i &+= 1
    if probe.array.pointee.store.live[Int(probe.size)] == 0 { continue }
    let entry = probe.array.pointee.store.find(tag(s, address, probe))
    if entry < 0 { continue }
    count(s, MMUCounter(rawValue: MMUCounter.stlbHits4K.rawValue &+ Int(probe.size))!, access)
    add(s, .cycles, access, s.pointee.costs.stlbHit)
    let value = probe.array.pointee.store.values[entry]
    let code = s.pointee.controls.denial(value, access)
    if code != 0 { return raise(s, address, access, code) }
    if access & 2 != 0 && value & PageTableEntry.dirty.rawValue == 0 {
      return setDirty(s, address, access, probe, entry)
    }
    probe.array.pointee.store.touch(entry)
    let global = probe.array.pointee.store.tags[entry] & Tag.global != 0
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
  count(s, MMUCounter(rawValue: MMUCounter.walks4K.rawValue &+ Int(result.size))!, access)
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
  for i in 0..<second.probeCount where second.probes[i].size == result.size {
    let tag = globalTag(s, tag(s, address, second.probes[i]), result.global)
    let evicted = second.probes[i].array.pointee.store.insert(tag, result.value).evicted
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
private func fillFirst(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64,
  _ value: EffectiveEntry, _ size: UInt64, _ global: Bool
) {
  let isFetch = access & 16 != 0
  let first = isFetch ? s.pointee.itlb : s.pointee.dtlb
  if isFetch { s.pointee.fetchTouch = noTouch(s) }
  var i = 0
  while i < first.probeCount {
    let probe = first.probes[i]
    i &+= 1
    if probe.size != size { continue }
    let tag = globalTag(s, tag(s, address, probe), global)
    let (entry, evicted) = probe.array.pointee.store.insert(tag, value)
    let fills: MMUCounter = isFetch ? .itlbFills4K : .dtlbFills4K
    count(s, MMUCounter(rawValue: fills.rawValue &+ Int(size))!, access)
    if evicted != 0 {
      count(s, isFetch ? .itlbEvictions : .dtlbEvictions, access)
      if probe.array.pointee.touches { dropPage(s, evicted, isFetch) }
    }
    updateFilter(s, address, access, probe, entry, value)
    return
  }
}

@inline(__always)
private func noTouch(_ s: UnsafeMutablePointer<MMUState>) -> UnsafeMutablePointer<UInt64> {
  (s.pointee.context + TranslationContext.noTouch).assumingMemoryBound(to: UInt64.self)
}

/// A permitted write met an entry whose D is clear: the processor sets D in the leaf in memory, by
/// a walk of its own from the root (not counted as a walk; its entry reads are charged).
///
/// If memory says something else by now than the entry did, memory wins.
@inline(never)
private func setDirty(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64, _ probe: Probe,
  _ entry: Int
) -> UInt64 {
  let old = probe.array.pointee.store.values[entry]
  let result = walk(s, address, access, usingCaches: false)
  if result.value == 0 { return failWalk(s, address, access, result) }
  let mask = PageTableEntry.addressMask
  if result.size == probe.size && result.value & mask == old & mask {
    // Both levels' copies learn of it, wherever the hit was.
    let second = s.pointee.stlb
    for i in 0..<second.probeCount where second.probes[i].size == result.size {
      let there = second.probes[i].array.pointee.store.find(tag(s, address, second.probes[i]))
      if there >= 0 { second.probes[i].array.pointee.store.values[there] = result.value }
    }
    probe.array.pointee.store.values[entry] = result.value
    probe.array.pointee.store.touch(entry)
    let first = s.pointee.dtlb
    for i in 0..<first.probeCount where first.probes[i].array == probe.array {
      updateFilter(s, address, access, probe, entry, result.value)
      return frame(result.value, address, probe.shift)
    }
    let global = probe.array.pointee.store.tags[entry] & Tag.global != 0
    fillFirst(s, address, access, result.value, result.size, global)
  } else {
    dropTranslations(s, address, pcid: s.pointee.pcid, andGlobal: true)
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

/// Lets the filter follow a modelled use of a first-level entry.
@inline(__always)
private func updateFilter(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64, _ probe: Probe,
  _ entry: Int, _ value: EffectiveEntry
) {
  let array = probe.array
  if access & 16 != 0 {
    s.pointee.fetchTouch = array.pointee.touches ? array.pointee.store.stamps + entry : noTouch(s)
    if !array.pointee.touches {
      let set = array.pointee.store.ways == 1 ? entry : entry / array.pointee.store.ways
      let slot = Int((address &>> 12) & UInt64(TranslationContext.fetchSlots - 1))
      let old = Int(array.pointee.slots[set])
      if old != 0 && old != slot &+ 1 {
        (s.pointee.context + TranslationContext.fetchFilter + (old &- 1) &* 32)
          .storeBytes(of: TranslationContext.noTag, as: UInt64.self)
      }
      array.pointee.slots[set] = UInt16(truncatingIfNeeded: slot &+ 1)
    } else if probe.size != 0 {
      s.pointee.fetchTouch = noTouch(s)
    }
    return
  }
  let filter = s.pointee.context + TranslationContext.dataFilter
  let touches = array.pointee.touches
  if touches && probe.size != 0 { return }
  let slot = Int((address &>> 12) & UInt64(TranslationContext.dataSlots - 1))
  let isUser = access & 4 != 0
  if !touches {
    let set = entry / array.pointee.store.ways
    let old = Int(array.pointee.slots[set])
    if old != 0 && (old != slot &+ 1 || !isUser) { clearSlot(filter + (old &- 1) &* 32) }
    array.pointee.slots[set] = isUser ? UInt16(truncatingIfNeeded: slot &+ 1) : 0
  }
  if !isUser { return }
  let place = frame(value, address, probe.shift) & ~1
  let at = filter + slot &* 32
  if place >= s.pointee.ramBytes {
    clearSlot(at)
    return
  }
  let page = address & ~0xfff
  var read = page
  var write = TranslationContext.noTag
  let wants = PageTableEntry.user.rawValue
  if value & wants == 0 {
    read = TranslationContext.noTag
  } else if value & 0x42 == 0x42 && s.pointee.watch[Int(place &>> 12)] == 0 {
    write = page
  }
  if s.pointee.controls.protectionKeys {
    if s.pointee.controls.denial(value, 4) != 0 { read = TranslationContext.noTag }
    if s.pointee.controls.denial(value, 6) != 0 { write = TranslationContext.noTag }
  }
  at.storeBytes(of: read, as: UInt64.self)
  (at + 8).storeBytes(of: write, as: UInt64.self)
  let delta = UInt64(UInt(bitPattern: s.pointee.base)) &+ place &- page
  (at + 16).storeBytes(of: delta, as: UInt64.self)
  let touch =
    touches && array.pointee.store.policy == .lru
    ? array.pointee.store.stamps + entry : noTouch(s)
  (at + 24).storeBytes(of: UInt64(UInt(bitPattern: touch)), as: UInt64.self)
}

@inline(__always)
private func clearSlot(_ slot: UnsafeMutableRawPointer) {
  slot.storeBytes(of: TranslationContext.noTag, as: UInt64.self)
  (slot + 8).storeBytes(of: TranslationContext.noTag, as: UInt64.self)
}

/// An entry of a touching array goes: so does its page's slot.
private func dropPage(_ s: UnsafeMutablePointer<MMUState>, _ tag: UInt64, _ isFetch: Bool) {
  let number = Int(truncatingIfNeeded: Tag.number(tag))
  if isFetch {
    let slot = number & (TranslationContext.fetchSlots - 1)
    (s.pointee.context + TranslationContext.fetchFilter + slot &* 32)
      .storeBytes(of: TranslationContext.noTag, as: UInt64.self)
  } else {
    let slot = number & (TranslationContext.dataSlots - 1)
    clearSlot(s.pointee.context + TranslationContext.dataFilter + slot &* 32)
  }
}

/// Clears both filters: always safe.
package func dropFilters(_ s: UnsafeMutablePointer<MMUState>) {
  dropDataFilter(s)
  dropFetchFilter(s)
}

/// Clears the data filter.
package func dropDataFilter(_ s: UnsafeMutablePointer<MMUState>) {
  let data = s.pointee.context + TranslationContext.dataFilter
  for slot in 0..<TranslationContext.dataSlots { clearSlot(data + slot * 32) }
}

/// Clears the fetch filter.
package func dropFetchFilter(_ s: UnsafeMutablePointer<MMUState>) {
  let fetch = s.pointee.context + TranslationContext.fetchFilter
  for slot in 0..<TranslationContext.fetchSlots {
    (fetch + slot * 32).storeBytes(of: TranslationContext.noTag, as: UInt64.self)
  }
}
