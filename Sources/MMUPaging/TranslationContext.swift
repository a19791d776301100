/// The block of memory a core's engine works on: registers in front, then the filters ("L0") that
/// let it skip the modelled TLB where skipping changes no count.
///
/// Owned by the MMU, which alone fills and clears the data filter.
///
/// There is a filter for reads, one for writes and one for fetches. An entry of the first two is
/// { tag, delta, touch, - }: if the address of an aligned access without its offset bits above the
/// alignment equals the tag, the host byte is at address + delta, and the use is stamped: the clock
/// is advanced and written to where `touch` points. An entry is set only for user-mode accesses:
///
/// * the page's translation is in the first-level data TLB under the current PCID and permits the
///   access; for writes D is set in it, and nobody watches the frame;
/// * either the array's stamps are its replacement state (LRU: a hit stamps; FIFO and random: a hit
///   changes nothing and stamps nowhere), and the entry is cleared when the translation goes; or
///   (tree-PLRU, large pages) the translation is the most recently used one of its set, where a
///   repeat changes nothing, and any modelled access to the set takes or clears the entry.
///
/// Dropping any entry at any time changes no counter.
///
/// Public only so that an engine in another module can inline it; not API.
public enum TranslationContext {
  /// Offset of the read filter; the bytes in front are the engine's: 33 registers and its own words.
  @inlinable public static var readFilter: Int { 768 }
  /// Offset of the write filter.
  @inlinable public static var writeFilter: Int { readFilter + dataSlots * 32 }
  /// Entries of each of the two.
  @inlinable public static var dataSlots: Int { 128 }
  /// Offset of the fetch filter: { tag, the engine's word, touch, - }.
  @inlinable public static var fetchFilter: Int { writeFilter + dataSlots * 32 }
  /// Entries of the fetch filter.
  @inlinable public static var fetchSlots: Int { 64 }
  /// The clock of the first-level data TLB's stamps.
  @inlinable public static var dataClock: Int { fetchFilter + fetchSlots * 32 }
  /// The same for the first-level instruction TLB.
  @inlinable public static var fetchClock: Int { dataClock + 8 }
  /// Where a touch goes that has nothing to stamp.
  @inlinable public static var noTouch: Int { dataClock + 16 }
  /// Size of the block.
  @inlinable public static var bytes: Int { dataClock + 64 }

  /// A tag no address has, whatever its alignment bits (0...2) say of a misaligned access.
  @inlinable public static var noTag: UInt64 { 1 << 11 }
}
