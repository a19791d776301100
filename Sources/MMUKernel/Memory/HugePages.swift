import MMUMemory

/// When anonymous memory gets pages of 2 MiB without asking for each: Linux's
/// /sys/kernel/mm/transparent_hugepage/enabled.
public enum HugePageMode: String, CaseIterable, Hashable, Sendable {
  /// Never.
  case never
  /// Where madvise said MADV_HUGEPAGE.
  case madvise
  /// Wherever 2 MiB fit, but where madvise said MADV_NOHUGEPAGE.
  case always
}

/// Transparent huge pages of all address spaces: the rule, the books, the counters of /proc/vmstat.
struct HugePages {
  /// Bytes a leaf of a page directory maps, and 4 KiB frames in it.
  static var bytes: UInt64 { 1 << 21 }
  static var frames: UInt64 { 512 }
  /// log2 of the frames.
  static var order: Int { 9 }

  var mode = HugePageMode.madvise
  /// Frames kept for the page tables that splits will need, one for each transparent huge leaf.
  ///
  /// So a split cannot fail. They are alike, and it does not matter whose is whose.
  var deposits: [UInt64] = []
  /// The first of 512 frames of zeros that reads of untouched memory see; 0 until there has been one.
  var zeroBlock: UInt64 = 0
  /// Transparent huge leaves now, those of the zero block not counted, and the most there ever were.
  private(set) var mapped: UInt64 = 0
  private(set) var peakMapped: UInt64 = 0
  /// Huge pages made by faults: `thp_fault_alloc`.
  var faultAllocations: UInt64 = 0
  /// Faults that would have made one, but there was no block: `thp_fault_fallback`.
  var faultFallbacks: UInt64 = 0
  /// Times the block of zeros was made: `thp_zero_page_alloc`.
  var zeroAllocations: UInt64 = 0
  /// Leaves split into page tables: `thp_split_pmd`.
  var splits: UInt64 = 0

  /// Notes leaves that came or went.
  mutating func changeMapped(_ count: Int) {
    mapped &+= UInt64(bitPattern: Int64(count))
    if mapped > peakMapped { peakMapped = mapped }
  }
}
