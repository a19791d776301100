/// What the memory-management unit counts, per core and apart for user and supervisor accesses.
///
/// Lookups that hit a first-level TLB are not counted here singly: an engine knows how many accesses
/// it made (see Spec/Paging.md, "Counting").
public enum MMUCounter: Int, CaseIterable, Sendable {
  /// Modelled translations of fetches that were asked of the MMU itself.
  case instructionTranslations
  /// Modelled translations of loads and stores that were asked of the MMU itself.
  case dataTranslations
  /// Fetch lookups that had to ask the STLB.
  case itlbMisses
  /// Data lookups that had to ask the STLB.
  case dtlbMisses
  /// STLB lookups: one for each first-level miss.
  case stlbLookups
  /// STLB lookups that found nothing.
  case stlbMisses
  /// STLB hits by the size of the page found.
  case stlbHits4K, stlbHits2M, stlbHits1G
  /// Walks started.
  case walks
  /// Cycles spent in walks, assists made by them included.
  case walkCycles
  /// Walks that ended in a fault.
  case faultedWalks
  /// Completed walks by the size of the page found.
  case walks4K, walks2M, walks1G
  /// Paging-structure entries read by walks, by level.
  case readsPML4E, readsPDPTE, readsPDE, readsPTE
  /// Walks that began behind a cached entry, by that entry's level.
  case hitsPML4E, hitsPDPTE, hitsPDE
  /// Accessed flags set in memory.
  case assistsAccessed
  /// Dirty flags set in memory.
  case assistsDirty
  /// Entries made in the first-level instruction TLB, by page size.
  case itlbFills4K, itlbFills2M, itlbFills1G
  /// Live entries these displaced.
  case itlbEvictions
  /// Entries made in the first-level data TLB, by page size.
  case dtlbFills4K, dtlbFills2M, dtlbFills1G
  /// Live entries these displaced.
  case dtlbEvictions
  /// Entries made in the STLB.
  case stlbFills
  /// Live entries these displaced.
  case stlbEvictions
  /// Entries made in the paging-structure caches.
  case structureFills
  /// Live entries these displaced.
  case structureEvictions
  /// Page faults raised.
  case pageFaults
  /// INVLPG, and INVPCID of type 0.
  case flushPage
  /// INVPCID of type 1.
  case flushPCID
  /// INVPCID of types 2 and 3, and MOV CR4 that drops everything.
  case flushAll
  /// MOV CR3 that drops a PCID's entries.
  case flushCR3
  /// Cycles added by the MMU: STLB hits, walks, assists, invalidations.
  case cycles

  /// Name in `list counters`: the case's own.
  public var name: String { "\(self)" }
}

/// A copy of all counters at one moment; two can be subtracted.
public struct MMUCounters: Hashable, Sendable {
  /// User counters first, then supervisor ones.
  package var values: [UInt64]

  package init(_ pointer: UnsafeMutablePointer<UInt64>) {
    values = Array(UnsafeBufferPointer(start: pointer, count: 2 * MMUCounter.allCases.count))
  }

  /// The count for one privilege.
  public subscript(counter: MMUCounter, mode: Access.Mode) -> UInt64 {
    values[counter.rawValue + (mode == .user ? 0 : MMUCounter.allCases.count)]
  }

  /// The count for both privileges together.
  public subscript(counter: MMUCounter) -> UInt64 {
    self[counter, .user] + self[counter, .supervisor]
  }

  /// What was counted between two moments.
  public static func - (a: Self, b: Self) -> Self {
    var result = a
    for i in a.values.indices { result.values[i] &-= b.values[i] }
    return result
  }
}
