/// The block of memory a core's engine works on: registers in front, then the filters ("L0") that
/// let it skip the modelled TLB where skipping changes no count.
///
/// Owned by the MMU, which alone fills and clears the data filter.
///
/// An entry of the data filter is { readTag, writeTag, delta, touch }: if the address of an aligned
/// access without its low bits equals the tag, the host byte is at address + delta, and `touch` is
/// where the use is to be stamped (only if `touches`). It is set only for user-mode accesses:
///
/// * the page's translation is in the first-level TLB under the current PCID;
/// * either it is the most recently used entry of its set (a repeat changes nothing there), and any
///   modelled access to the set takes or clears the slot; or the filter `touches`: every hit stamps
///   the entry as the model would, and the slot is cleared when the entry goes;
/// * readTag: a user read is permitted; writeTag: a user write is, D is set in the entry, and nobody
///   watches the frame.
///
/// Dropping any slot at any time changes no counter.
package enum TranslationContext {
  /// Bytes in front that belong to the engine: 33 registers and its own words.
  @inlinable package static var dataFilter: Int { 768 }
  @inlinable package static var dataSlots: Int { 128 }
  @inlinable package static var fetchFilter: Int { dataFilter + dataSlots * 32 }
  @inlinable package static var fetchSlots: Int { 64 }
  /// The clock of the first-level data TLB's stamps, advanced by an engine whose filter touches.
  @inlinable package static var dataClock: Int { fetchFilter + fetchSlots * 32 }
  /// The same for the first-level instruction TLB.
  @inlinable package static var fetchClock: Int { dataClock + 8 }
  /// Where a touch goes that has nothing to stamp.
  @inlinable package static var noTouch: Int { dataClock + 16 }
  @inlinable package static var bytes: Int { dataClock + 64 }

  /// A tag no address has.
  @inlinable package static var noTag: UInt64 { 1 }
}
