import MMUMemory
import MMUTiming

// Guard pages: entries that make any access a fault which nothing resolves, without an area of their own.

extension AddressSpace {
  /// MADV_GUARD_INSTALL: drops the pages of a range and puts guards in their place.
  ///
  /// - Throws: EINVAL at the first area that is locked or of huge pages; ENOMEM if part of the range is
  ///   not mapped, the rest being done, or if there is no frame for a page table.
  func installGuards(_ lower: UInt64, _ upper: UInt64) throws(Errno) {
    var batch = InvalidationBatch()
    defer { batch.deliver(pcid: pcid.rawValue, in: system) }
    var failure: Errno?
    do {
      try forEachArea(lower, upper) { area, from, to in
        if area.flags.contains(.locked) || area.hugeSize != nil { failure = failure ?? .invalid }
        if failure != nil { return }
        areas.area(at: from)?.pointee.flags.insert(.guarded)
        if area.isAnonymous && area.anonymousIdentity == 0 { prepareAnonymous(from) }
        unmapPages(from, to, keepingGuards: true, batch: &batch)
        if !putGuards(from, to) { failure = .noMemory }
      }
    } catch { failure = failure ?? error }
    if let failure { throw failure }
  }

  /// Fills the empty entries of a range, which has no pages; false if there was no frame for a table.
  private func putGuards(_ lower: UInt64, _ upper: UInt64) -> Bool {
    var at = lower
    while at < upper {
      let end = min(upper, (at | 0x1f_ffff) + 1)
      var entries = tables.entry(for: at)
      while entries == nil && system.reclaim() { entries = tables.entry(for: at) }
      guard let entries else { return false }
      tables.willWrite(entries)
      let count = (end - at) / pageBytes
      for i in 0..<Int(count) { entries[i] = SoftwareEntry.guardPage }
      system.charge(count &* system.costs.entryEdit)
      at = end
    }
    return true
  }

  /// MADV_GUARD_REMOVE: takes the guards out of a range; its pages are untouched then.
  ///
  /// - Throws: EINVAL at the first area of huge pages; ENOMEM if part of the range is not mapped, the rest
  ///   being done.
  func removeGuards(_ lower: UInt64, _ upper: UInt64) throws(Errno) {
    var isRefused = false
    var failure: Errno?
    do {
      try forEachArea(lower, upper) { area, from, to in
        if area.hugeSize != nil { isRefused = true }
        if isRefused || !area.flags.contains(.guarded) { return }
        for address in guards(from, to) {
          guard let entry = tables.existingEntry(for: address) else { continue }
          tables.set(entry, to: 0)
          system.charge(system.costs.entryEdit)
        }
      }
    } catch { failure = error }
    if isRefused { throw .invalid }
    if let failure { throw failure }
  }

  /// The addresses of the guards in a range.
  private func guards(_ lower: UInt64, _ upper: UInt64) -> [UInt64] {
    var addresses: [UInt64] = []
    tables.readTables(in: lower, upper) { address, entries, count in
      for i in 0..<count where entries[i] == SoftwareEntry.guardPage {
        addresses.append(address + UInt64(i) * pageBytes)
      }
    }
    return addresses
  }
}
