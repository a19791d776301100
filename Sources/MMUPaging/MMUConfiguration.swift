public import MMUMemory

/// How a set chooses the entry to give up.
///
/// Invalid ways are always used first, the lowest-numbered one before the others.
public enum Replacement: String, CaseIterable, Sendable, Hashable {
  /// The entry whose last use lies farthest back.
  case lru
  /// A binary tree of "the other half was used last" bits, for any number of ways.
  case treePLRU = "tree-plru"
  /// The entry filled first.
  case fifo
  /// Any entry, by a seeded generator.
  case random
}

/// One set-associative array of a TLB or of a paging-structure cache.
public struct CacheGeometry: Hashable, Sendable {
  /// Entries in all; a multiple of `ways`.
  public var entries: Int
  /// Entries of a set; `entries` makes the array fully associative.
  public var ways: Int
  /// The victim rule.
  public var replacement: Replacement

  /// Makes a geometry; `ways` nil is fully associative.
  ///
  /// - Precondition: `entries` is a positive multiple of `ways`.
  public init(entries: Int, ways: Int? = nil, replacement: Replacement = .lru) {
    self.entries = entries
    self.ways = ways ?? entries
    self.replacement = replacement
    precondition(self.ways > 0 && entries > 0 && entries % self.ways == 0, "whole sets only")
  }

  /// Number of sets; need not be a power of two.
  public var sets: Int { entries / ways }
}

/// One array of a TLB and the page sizes whose translations it holds.
public struct TLBArray: Hashable, Sendable {
  /// The page sizes that live here; in one TLB, no size lives in two arrays.
  public var sizes: [PageSize]
  /// Sets and ways.
  public var geometry: CacheGeometry

  /// Makes an array.
  public init(_ sizes: [PageSize], _ geometry: CacheGeometry) {
    self.sizes = sizes
    self.geometry = geometry
  }
}

/// The TLBs and paging-structure caches of a core.
///
/// The default is the machine of the command line: ITLB 128 x 4K 8-way and 8 x 2M; DTLB 64 x 4K
/// 4-way, 32 x 2M 4-way, 4 x 1G; STLB 1536 x 4K/2M 12-way and 16 x 1G 4-way; structure caches PDE 32
/// 4-way, PDPTE 4, PML4E 2; LRU everywhere.
public struct MMUConfiguration: Hashable, Sendable {
  /// First-level instruction TLB.
  ///
  /// A page size without an array is not cached at this level.
  public var instructionTLB: [TLBArray] = [
    TLBArray([.size4K], CacheGeometry(entries: 128, ways: 8)),
    TLBArray([.size2M], CacheGeometry(entries: 8)),
  ]
  /// First-level data TLB.
  public var dataTLB: [TLBArray] = [
    TLBArray([.size4K], CacheGeometry(entries: 64, ways: 4)),
    TLBArray([.size2M], CacheGeometry(entries: 32, ways: 4)),
    TLBArray([.size1G], CacheGeometry(entries: 4)),
  ]
  /// Unified second-level TLB; may be empty.
  public var secondTLB: [TLBArray] = [
    TLBArray([.size4K, .size2M], CacheGeometry(entries: 1536, ways: 12)),
    TLBArray([.size1G], CacheGeometry(entries: 16, ways: 4)),
  ]
  /// Cache of PML4 entries (each leads to a page-directory-pointer table); nil: none.
  public var pml4eCache: CacheGeometry? = CacheGeometry(entries: 2)
  /// Cache of PDPT entries that lead to a page directory.
  public var pdpteCache: CacheGeometry? = CacheGeometry(entries: 4)
  /// Cache of PD entries that lead to a page table.
  public var pdeCache: CacheGeometry? = CacheGeometry(entries: 32, ways: 4)
  /// Control bits at reset.
  public var controls = PagingControls()

  /// Makes the default configuration.
  public init() {}
}
