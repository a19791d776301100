import MMUMemory

// How the filters in front of the first-level TLBs follow the model. `TranslationContext` states the
// rules an entry obeys.

/// Where a touch goes that has nothing to stamp.
@inline(__always)
func noTouch(_ s: UnsafeMutablePointer<MMUState>) -> UnsafeMutablePointer<UInt64> {
  (s.pointee.context + TranslationContext.noTouch).assumingMemoryBound(to: UInt64.self)
}

/// Follows a modelled use of a first-level entry.
@inline(__always)
func updateFilter(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64, _ probe: Probe,
  _ entry: Int, _ value: EffectiveEntry
) {
  let store = probe.store
  let touch = probe.stamps ? store.stamps + entry : noTouch(s)
  // A page of an array whose stamps are its state may stand in the filter until it is evicted.
  let isFree = probe.size == 0 && store.policy != .treePLRU
  if access & 16 != 0 {
    s.pointee.fetchTouch = touch
    s.pointee.fetchIsCached = true
    s.pointee.usedFetchSlots |= 1 &<< UInt64(truncatingIfNeeded: fetchSlot(address))
    if !isFree { claimSlot(s, address, access, store, entry) }
    return
  }
  if !isFree { claimSlot(s, address, access, store, entry) }
  if access & 4 == 0 || value & PageTableEntry.user.rawValue == 0 { return }
  let page = address & ~0xfff
  let offset = (1 &<< probe.shift) &- 1
  let place = (value & PageTableEntry.addressMask & ~offset) | (page & offset)
  if place >= s.pointee.ramBytes { return }
  var filter = s.pointee.context + TranslationContext.readFilter
  if access & 2 != 0 {
    if s.pointee.watch[Int(truncatingIfNeeded: place &>> 12)] != 0 { return }
    filter = s.pointee.context + TranslationContext.writeFilter
  }
  let slot = dataSlot(address)
  let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: slot & 63)
  if slot < 64 { s.pointee.usedDataSlots.0 |= bit } else { s.pointee.usedDataSlots.1 |= bit }
  let at = filter + slot &* 32
  at.storeBytes(of: page, as: UInt64.self)
  let delta = UInt64(UInt(bitPattern: s.pointee.base)) &+ place &- page
  at.storeBytes(of: delta, toByteOffset: 8, as: UInt64.self)
  at.storeBytes(of: UInt(bitPattern: touch), toByteOffset: 16, as: UInt.self)
}

@inline(__always)
private func dataSlot(_ address: UInt64) -> Int {
  Int(truncatingIfNeeded: (address &>> 12) & UInt64(TranslationContext.dataSlots - 1))
}

@inline(__always)
private func fetchSlot(_ address: UInt64) -> Int {
  Int(truncatingIfNeeded: (address &>> 12) & UInt64(TranslationContext.fetchSlots - 1))
}

/// Makes the filter forget what it held for a set whose most recent entry changes.
@inline(never)
private func claimSlot(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, _ access: UInt64, _ store: TagStore,
  _ entry: Int
) {
  let isFetch = access & 16 != 0
  let set = entry / store.ways
  let old = Int(store.slots[set]) &- 1
  let slot = isFetch ? fetchSlot(address) : dataSlot(address)
  // Reads and writes of one page may stand side by side.
  if old == slot && !isFetch && holdsOnly(s, slot, address & ~0xfff) { return }
  if old >= 0 { clearSlot(s, old, isFetch) }
  store.slots[set] = UInt16(truncatingIfNeeded: slot &+ 1)
}

/// Tells whether neither data filter holds another page than `page` in `slot`.
@inline(__always)
private func holdsOnly(
  _ s: UnsafeMutablePointer<MMUState>, _ slot: Int, _ page: UInt64
) -> Bool {
  let at = s.pointee.context + slot &* 32
  let read = at.load(fromByteOffset: TranslationContext.readFilter, as: UInt64.self)
  let write = at.load(fromByteOffset: TranslationContext.writeFilter, as: UInt64.self)
  let none = TranslationContext.noTag
  return (read == page || read == none) && (write == page || write == none)
}

@inline(__always)
private func clearSlot(_ s: UnsafeMutablePointer<MMUState>, _ slot: Int, _ isFetch: Bool) {
  let none = TranslationContext.noTag
  let context = s.pointee.context
  if isFetch {
    context.storeBytes(
      of: none, toByteOffset: TranslationContext.fetchFilter &+ slot &* 32, as: UInt64.self)
  } else {
    context.storeBytes(
      of: none, toByteOffset: TranslationContext.readFilter &+ slot &* 32, as: UInt64.self)
    context.storeBytes(
      of: none, toByteOffset: TranslationContext.writeFilter &+ slot &* 32, as: UInt64.self)
  }
}

/// Forgets a page whose first-level entry, with tag `evicted`, had to go for `entry`.
@inline(__always)
func dropEvicted(
  _ s: UnsafeMutablePointer<MMUState>, _ evicted: UInt64, _ store: TagStore, _ entry: Int,
  _ isFetch: Bool
) {
  if Tag.size(evicted) != 0 {
    // Some part of a large page may stand in the slot its set has claimed; a small page that shares
    // the array claims none.
    let slot = Int(store.slots[entry / store.ways]) &- 1
    if slot >= 0 { clearSlot(s, slot, isFetch) }
    return
  }
  let address = Tag.number(evicted) &<< 12
  clearSlot(s, isFetch ? fetchSlot(address) : dataSlot(address), isFetch)
}

/// Forgets what the filters may hold for the page at `address`, of whatever size; to be called before
/// its entries go.
func dropFilterSlots(_ s: UnsafeMutablePointer<MMUState>, _ address: UInt64) {
  for tlb in [s.pointee.dtlb, s.pointee.itlb] {
    for i in 0..<tlb.arrayCount where tlb.arrays[i].live[1] | tlb.arrays[i].live[2] != 0 {
      dropFilters(s)
      return
    }
  }
  clearSlot(s, dataSlot(address), false)
  clearSlot(s, fetchSlot(address), true)
}

/// Clears all filters: always safe.
package func dropFilters(_ s: UnsafeMutablePointer<MMUState>) {
  dropDataFilter(s)
  dropFetchFilter(s)
}

/// Clears the filters of reads and writes.
package func dropDataFilter(_ s: UnsafeMutablePointer<MMUState>) {
  clearSlots(s, s.pointee.usedDataSlots.0, from: 0, isFetch: false)
  clearSlots(s, s.pointee.usedDataSlots.1, from: 64, isFetch: false)
  s.pointee.usedDataSlots = (0, 0)
}

/// Clears the fetch filter.
package func dropFetchFilter(_ s: UnsafeMutablePointer<MMUState>) {
  clearSlots(s, s.pointee.usedFetchSlots, from: 0, isFetch: true)
  s.pointee.usedFetchSlots = 0
}

/// Clears the slots whose bits are set.
@inline(__always)
private func clearSlots(
  _ s: UnsafeMutablePointer<MMUState>, _ used: UInt64, from first: Int, isFetch: Bool
) {
  var used = used
  while used != 0 {
    clearSlot(s, first &+ used.trailingZeroBitCount, isFetch)
    used &= used &- 1
  }
}
