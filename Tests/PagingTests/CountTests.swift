import MMUMemory
import MMUPaging
import Testing

// Small programs whose counts are derived by hand from Spec/Paging.md, "Counting". Costs: starting a
// walk 9, an entry read 4, an STLB hit 9, an assist 100, INVLPG 120, any larger flush 200. So a walk
// from the root to a 4 KiB page costs 9 + 4 * 4 = 25, one behind a cached PDE 9 + 4 = 13.

@Suite struct `Counts of lookups, replacement and structure caches` {
  @Test func `a page is walked once and then hits`() {
    let lab = Lab()
    lab.map(page(0))
    lab.read(page(0), page(0) + 8, page(0) + 4088)
    // The first read misses both levels and reads an entry of each level; the three upper entries, the
    // STLB and the L1 are filled. The other two hit.
    lab.expect([
      .dataTranslations: 3, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1,
      .walks4K: 1, .readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1, .readsPTE: 1,
      .structureFills: 3, .stlbFills: 1, .dtlbFills4K: 1, .walkCycles: 25, .cycles: 25,
    ])
  }

  @Test func `three pages of a two-way set evict, and the STLB refills`() {
    let lab = Lab()
    for n: UInt64 in [0, 4, 8] { lab.map(page(n)) }
    lab.read(page(0), page(4), page(8), page(0))
    // Page numbers 65536, 65540, 65544 are 0 modulo 4: one L1 set of two ways. Walks: 0 in full, 4 and
    // 8 behind the PDE. 8 evicts 0; 0 comes back from the STLB (four ways) and evicts 4.
    lab.expect([
      .dataTranslations: 4, .dtlbMisses: 4, .stlbLookups: 4, .stlbMisses: 3, .stlbHits4K: 1,
      .walks: 3, .walks4K: 3, .hitsPDE: 2, .readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1,
      .readsPTE: 3, .structureFills: 3, .stlbFills: 3, .dtlbFills4K: 4, .dtlbEvictions: 2,
      .walkCycles: 25 + 13 + 13, .cycles: 25 + 13 + 13 + 9,
    ])
    // 8 is still there (0 and 8 are the set's pages), 4 is not.
    lab.read(page(8))
    lab.expect([.dataTranslations: 1])
  }

  @Test func `pages of different sets do not conflict`() {
    let lab = Lab()
    for n: UInt64 in 0..<8 { lab.map(page(n)) }
    for n: UInt64 in 0..<8 { lab.read(page(n)) }
    lab.mark()
    // Eight pages fill four sets of two ways exactly.
    for n: UInt64 in 0..<8 { lab.read(page(n)) }
    lab.expect([.dataTranslations: 8])
  }

  @Test func `more pages than both levels have ways are walked again`() {
    let lab = Lab()
    for n: UInt64 in 0..<5 { lab.map(page(4 * n)) }
    for n: UInt64 in 0..<5 { lab.read(page(4 * n)) }
    lab.read(page(0))
    // Set 0 of the STLB has four ways: the fifth page evicts page 0, which is walked again and evicts
    // page 4. L1 (two ways): every fill from the third on evicts.
    lab.expect([
      .dataTranslations: 6, .dtlbMisses: 6, .stlbLookups: 6, .stlbMisses: 6, .walks: 6,
      .walks4K: 6, .hitsPDE: 5, .readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1, .readsPTE: 6,
      .structureFills: 3, .stlbFills: 6, .stlbEvictions: 2, .dtlbFills4K: 6, .dtlbEvictions: 4,
      .walkCycles: 25 + 5 * 13, .cycles: 25 + 5 * 13,
    ])
  }

  @Test func `the victim depends on the policy`() {
    // Four entries, fully associative: A B C D A E, then B, then C. A to E always miss once.
    // LRU:  E evicts B (A was used again); B evicts C; C evicts D           -> 7 misses, 3 evictions
    // FIFO: E evicts A; B and C hit                                         -> 5 misses, 1 eviction
    // PLRU: after A the root points right, and D's use left C the victim
    //       there: E evicts C; B hits; C misses. C's victim: E (way 2) points
    //       the root left; B (way 1) points the root right and its node to
    //       way 0; the right node points to D: D goes                       -> 6 misses, 2 evictions
    for (policy, misses) in [(Replacement.lru, 7 as UInt64), (.fifo, 5), (.treePLRU, 6)] {
      let lab = Lab(Lab.flat(4, policy))
      for n: UInt64 in 0..<5 { lab.map(page(n)) }
      for n: UInt64 in [0, 1, 2, 3, 0, 4, 1, 2] { lab.read(page(n)) }
      lab.expect(
        [
          .dataTranslations: 8, .dtlbMisses: misses, .stlbLookups: misses, .stlbMisses: misses,
          .walks: misses, .walks4K: misses, .hitsPDE: misses - 1, .readsPML4E: 1, .readsPDPTE: 1,
          .readsPDE: 1, .readsPTE: misses, .structureFills: 3, .dtlbFills4K: misses,
          .dtlbEvictions: misses - 4, .cycles: 25 + (misses - 1) * 13,
        ], "\(policy)")
      // D: LRU lost it to C, PLRU to C; FIFO still has it.
      lab.read(page(3))
      #expect((lab.mmu.counters[.dtlbMisses] == misses) == (policy == .fifo))
    }
  }

  @Test func `a tree over three ways has two on the left`() {
    // Ways 0 and 1 on the left. A0 B1 C2: C points the root left, B pointed the left node at 0.
    // D evicts A (way 0), points the root right and the node at 1. E evicts C (way 2).
    // So B, older than both, still hits; A and C miss.
    let lab = Lab(Lab.flat(3, .treePLRU))
    for n: UInt64 in 0..<5 { lab.map(page(n)) }
    for n: UInt64 in 0..<5 { lab.read(page(n)) }
    #expect(lab.mmu.counters[.dtlbMisses] == 5)
    lab.read(page(1))
    #expect(lab.mmu.counters[.dtlbMisses] == 5)
    // B (way 1) points the root right again: C takes E's way 2.
    lab.read(page(2), page(3))
    #expect(lab.mmu.counters[.dtlbMisses] == 6)
    #expect(lab.mmu.counters[.dtlbEvictions] == 3)
  }

  @Test func `three sets are chosen by the remainder`() {
    var c = Lab.tiny
    c.dataTLB = [TLBArray([.size4K], CacheGeometry(entries: 6, ways: 2))]
    let lab = Lab(c)
    for n: UInt64 in 0..<9 { lab.map(page(n)) }
    // 65536 is 1 modulo 3. Pages 0, 3, 6 share set 1: the third evicts the first.
    lab.read(page(0), page(3), page(6))
    #expect(lab.mmu.counters[.dtlbEvictions] == 1)
    // 4 goes to set 2, 8 to set 0.
    lab.read(page(4), page(8))
    #expect(lab.mmu.counters[.dtlbEvictions] == 1)
    lab.mark()
    lab.read(page(3), page(6), page(4), page(8))
    lab.expect([.dataTranslations: 4])
  }

  @Test func `96 entries of 3 ways and 72 of 6 have 32 and 12 sets`() {
    for (entries, ways, sets) in [(96, 3, 32 as UInt64), (72, 6, 12)] {
      var c = Lab.tiny
      c.dataTLB = [TLBArray([.size4K], CacheGeometry(entries: entries, ways: ways))]
      let lab = Lab(c)
      let n = UInt64(ways)
      // ways + 1 pages, `sets` pages apart: the last evicts; with one page less apart nothing does.
      for i in 0...n {
        lab.map(page(i * sets))
        lab.map(page(i * (sets - 1)))
      }
      for i in 0...n { lab.read(page(i * (sets - 1))) }
      #expect(lab.mmu.counters[.dtlbEvictions] == 0)
      lab.mmu.invalidate(.all)
      for i in 0...n { lab.read(page(i * sets)) }
      #expect(lab.mmu.counters[.dtlbEvictions] == 1)
    }
  }

  @Test func `thirteen pages of one STLB set of the default machine`() {
    let lab = Lab(MMUConfiguration())
    for n: UInt64 in 0..<13 { lab.map(page(128 * n)) }
    for n: UInt64 in 0..<13 { lab.read(page(128 * n)) }
    lab.read(page(0))
    // 1536 / 12 = 128 sets: all 13 share set 0, as they do in the L1 (16 sets of 4). A page table maps
    // 512 pages, so a new one begins at n = 4, 8, 12: those three walks start behind the PDPTE and
    // read two entries; page 0 read them all; the ten others start behind a PDE. The 13th page
    // evicts page 0 from the STLB, page 0 then evicts the second.
    lab.expect([
      .dataTranslations: 14, .dtlbMisses: 14, .stlbLookups: 14, .stlbMisses: 14, .walks: 14,
      .walks4K: 14, .hitsPDE: 10, .hitsPDPTE: 3, .readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 4,
      .readsPTE: 14, .structureFills: 3 + 3, .stlbFills: 14, .stlbEvictions: 2,
      .dtlbFills4K: 14, .dtlbEvictions: 10, .cycles: 25 + 3 * 17 + 10 * 13,
    ])
  }

  @Test func `64 fully associative entries hold 64 pages and thrash on 65`() {
    for policy in [Replacement.lru, .fifo] {
      let lab = Lab(Lab.flat(64, policy))
      for n: UInt64 in 0..<65 { lab.map(page(n)) }
      for _ in 0..<3 { for n: UInt64 in 0..<64 { lab.read(page(n)) } }
      // 64 walks, then hits only.
      #expect(lab.mmu.counters[.dtlbMisses] == 64)
      for n: UInt64 in 64..<65 { lab.read(page(n)) }
      lab.mark()
      // Each page has just been evicted by its predecessor in the cycle.
      for n: UInt64 in 0..<65 { lab.read(page(n)) }
      lab.expect([
        .dataTranslations: 65, .dtlbMisses: 65, .stlbLookups: 65, .stlbMisses: 65, .walks: 65,
        .walks4K: 65, .hitsPDE: 65, .readsPTE: 65, .dtlbFills4K: 65, .dtlbEvictions: 65,
        .cycles: 65 * 13,
      ])
    }
  }

  @Test func `an invalid way is used before any victim, the lowest first`() {
    let lab = Lab(Lab.flat(3))
    for n: UInt64 in 0..<5 { lab.map(page(n)) }
    lab.read(page(0), page(1), page(2))
    lab.mmu.invalidatePage(page(1))
    lab.read(page(3))
    // The dropped page's way was free.
    #expect(lab.mmu.counters[.dtlbEvictions] == 0)
    lab.mark()
    lab.read(page(0), page(2), page(3))
    lab.expect([.dataTranslations: 3])
  }

  @Test func `each structure cache shortens a walk by its level`() {
    let lab = Lab()
    let first = page(0)
    let table = first + 2 << 20  // the next page table
    let directory = first + 1 << 30  // the next page directory
    let pointers = first + 1 << 39  // the next page-directory-pointer table
    for address in [first, first + 4096, table, directory, pointers] { lab.map(address) }
    func walk(_ address: UInt64, _ wanted: [MMUCounter: UInt64]) {
      lab.read(address)
      let common: [MMUCounter: UInt64] = [
        .dataTranslations: 1, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1,
        .walks4K: 1, .readsPTE: 1, .stlbFills: 1, .dtlbFills4K: 1,
      ]
      lab.expect(common.merging(wanted) { _, b in b }, "0x\(hex(address))")
    }
    walk(
      first,
      [.readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1, .structureFills: 3, .walkCycles: 25])
    walk(first + 4096, [.hitsPDE: 1, .walkCycles: 13])
    walk(table, [.hitsPDPTE: 1, .readsPDE: 1, .structureFills: 1, .walkCycles: 17])
    // The caches of PML4E and PDPTE have one entry, that of PDEs two: PDPTE and PDE evict. All these
    // pages but `first + 4096` share an L1 set of two ways.
    walk(
      directory,
      [
        .hitsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1, .structureFills: 2, .structureEvictions: 2,
        .walkCycles: 21, .dtlbEvictions: 1,
      ])
    walk(
      pointers,
      [
        .readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1, .structureFills: 3, .structureEvictions: 3,
        .walkCycles: 25, .dtlbEvictions: 1,
      ])
  }

  @Test func `L1 eviction leaves the STLB alone, and STLB eviction the L1`() {
    var c = Lab.flat(2)
    c.secondTLB = [TLBArray([.size4K], CacheGeometry(entries: 1))]
    let lab = Lab(c)
    for n: UInt64 in 0..<3 { lab.map(page(n)) }
    lab.read(page(0), page(1))
    lab.mark()
    // Page 1 evicted page 0 from the one-entry STLB; the L1 holds both.
    lab.read(page(0), page(1))
    lab.expect([.dataTranslations: 2])
    // Page 2 evicts page 0 from the L1 and page 1 from the STLB; page 0 must be walked.
    lab.read(page(2), page(0))
    lab.expect([
      .dataTranslations: 2, .dtlbMisses: 2, .stlbLookups: 2, .stlbMisses: 2, .walks: 2,
      .walks4K: 2, .hitsPDE: 2, .readsPTE: 2, .stlbFills: 2, .stlbEvictions: 2, .dtlbFills4K: 2,
      .dtlbEvictions: 2, .cycles: 26,
    ])
  }

  @Test func `a fetch and a read of one page use two first levels and one second`() {
    let lab = Lab()
    lab.map(page(0))
    #expect(lab.access(.fetch, page(0)) == nil)
    lab.mark()
    lab.read(page(0))
    #expect(lab.access(.fetch, page(0) + 4) == nil)
    lab.expect([
      .dataTranslations: 1, .instructionTranslations: 1, .dtlbMisses: 1, .stlbLookups: 1,
      .stlbHits4K: 1, .dtlbFills4K: 1, .cycles: 9,
    ])
  }
}
