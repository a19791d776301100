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

/// What was done with huge pages, as reports show it.
public struct HugePageCounts: Hashable, Sendable {
  /// The most leaves of 2 MiB over private memory at once.
  public let peakMapped: UInt64
  /// Huge pages made by faults.
  public let faultAllocations: UInt64
  /// Huge pages made of small ones, by khugepaged or MADV_COLLAPSE.
  public let collapses: UInt64
  /// Faults and collapses for which there were no 512 frames in a row.
  public let fallbacks: UInt64
  /// Leaves split into page tables.
  public let splits: UInt64
  /// Pages of 2 MiB set aside for MAP_HUGETLB.
  public let pool2M: UInt64
  /// The most of these in use at once.
  public let pool2MPeakUsed: UInt64
  /// Pages of 1 GiB set aside for MAP_HUGETLB.
  public let pool1G: UInt64
  /// The most of these in use at once.
  public let pool1GPeakUsed: UInt64
}

extension SystemMemory {
  /// The counts; nil if huge pages were neither used nor asked for.
  package var hugePageCounts: HugePageCounts? {
    let isUsed =
      huge.mode == .always || huge.zeroAllocations + huge.faultFallbacks + huge.failedCollapses > 0
      || huge.peakMapped > 0 || pools.contains { !$0.pages.isEmpty }
    if !isUsed { return nil }
    return HugePageCounts(
      peakMapped: huge.peakMapped, faultAllocations: huge.faultAllocations,
      collapses: huge.collapses, fallbacks: huge.faultFallbacks + huge.failedCollapses,
      splits: huge.splits, pool2M: UInt64(pools[0].pages.count), pool2MPeakUsed: pools[0].peakUsed,
      pool1G: UInt64(pools[1].pages.count), pool1GPeakUsed: pools[1].peakUsed)
  }
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
  /// Huge pages made of small ones: `thp_collapse_alloc`; and not made for want of a block:
  /// `thp_collapse_alloc_failed`.
  var collapses: UInt64 = 0
  var failedCollapses: UInt64 = 0
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
