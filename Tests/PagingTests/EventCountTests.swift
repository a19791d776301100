import MMUMemory
import MMUPaging
import Testing

// More small programs with derived counts: assists, superpages, faults, privileges. The costs stand
// at the head of CountTests.

@Suite struct `Counts of assists, superpages and faults` {
  /// A walk from the root to a 4 KiB page by data, all filled.
  static let coldRead: [MMUCounter: UInt64] = [
    .dataTranslations: 1, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1, .walks4K: 1,
    .readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1, .readsPTE: 1, .structureFills: 3,
    .stlbFills: 1, .dtlbFills4K: 1,
  ]

  static func cold(_ more: [MMUCounter: UInt64]) -> [MMUCounter: UInt64] {
    coldRead.merging(more) { _, b in b }
  }

  @Test func `a first touch sets A in four entries, a neighbour's in one`() {
    let lab = Lab()
    let leaf = lab.map(page(0), bits: 7)
    let second = lab.map(page(1), bits: 7)
    for level in PagingLevel.allCases { lab[lab.place(page(0), level)] &= ~0x20 }
    lab.read(page(0))
    lab.expect(Self.cold([.assistsAccessed: 4, .walkCycles: 25 + 400, .cycles: 25 + 400]))
    for level in PagingLevel.allCases { #expect(lab[lab.place(page(0), level)] & 0x20 != 0) }
    lab.read(page(1), page(1))
    // Behind the PDE: only the leaf's A is missing, and only the first time.
    lab.expect([
      .dataTranslations: 2, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1,
      .walks4K: 1, .hitsPDE: 1, .readsPTE: 1, .stlbFills: 1, .dtlbFills4K: 1,
      .assistsAccessed: 1, .cycles: 13 + 100,
    ])
    #expect(lab[leaf] & 0x60 == 0x20)
    #expect(lab[second] & 0x60 == 0x20)
  }

  @Test func `a cold write to a clean page sets D in the leaf within its walk`() {
    let lab = Lab()
    let leaf = lab.map(page(0), bits: 7)
    #expect(lab.access(.write, page(0)) == nil)
    // A and D of the leaf: two assists. Upper entries have A already and never get D.
    lab.expect(
      Self.cold([.assistsAccessed: 1, .assistsDirty: 1, .walkCycles: 225, .cycles: 225]))
    #expect(lab[leaf] & 0x60 == 0x60)
    #expect(lab[lab.place(page(0), .pd)] & 0x60 == 0x20)
    #expect(lab.access(.write, page(0)) == nil)
    lab.expect([.dataTranslations: 1])
  }

  @Test func `a write that hits a clean entry sets D by a walk of its own`() {
    let lab = Lab()
    let leaf = lab.map(page(0), bits: 0x27)
    lab.read(page(0))
    lab.mark()
    #expect(lab.access(.write, page(0)) == nil)
    // A hit: no miss, no walk counted, no entry read counted; four reads (16) and the assist charged.
    lab.expect([.dataTranslations: 1, .assistsDirty: 1, .walkCycles: 0, .cycles: 116])
    #expect(lab[leaf] & 0x40 != 0)
    #expect(lab.access(.write, page(0)) == nil)
    lab.expect([.dataTranslations: 1, .cycles: 0])
  }

  @Test func `the STLB's copy learns of D with the first level's`() {
    let lab = Lab()
    for n: UInt64 in [0, 4, 8] { lab.map(page(n), bits: 0x27) }
    lab.read(page(0))
    #expect(lab.access(.write, page(0)) == nil)
    lab.read(page(4), page(8))
    lab.mark()
    // Pages 4 and 8 have evicted page 0 from the L1. The write finds D set in the STLB.
    #expect(lab.access(.write, page(0)) == nil)
    lab.expect([
      .dataTranslations: 1, .dtlbMisses: 1, .stlbLookups: 1, .stlbHits4K: 1, .dtlbFills4K: 1,
      .dtlbEvictions: 1, .cycles: 9,
    ])
    // Page 4, clean, went: the write hits the STLB, is assisted, and then fills the L1.
    #expect(lab.access(.write, page(4)) == nil)
    lab.expect([
      .dataTranslations: 1, .dtlbMisses: 1, .stlbLookups: 1, .stlbHits4K: 1, .dtlbFills4K: 1,
      .dtlbEvictions: 1, .assistsDirty: 1, .walkCycles: 0, .cycles: 9 + 16 + 100,
    ])
  }

  @Test func `where memory says something else, a dirty assist follows memory`() {
    let lab = Lab()
    let leaf = lab.map(page(0), bits: 0x27)
    lab.read(page(0))
    lab.mark()
    lab[leaf] = 0x9000 | 0x27  // another frame, no invalidation
    // A read still sees the old frame; the write's assist finds the new one. The stale entries go and
    // both levels are filled.
    #expect(try! lab.mmu.translate(linear: page(0), for: Access(.read, .user)).rawValue == page(0))
    #expect(try! lab.mmu.translate(linear: page(0), for: Access(.write, .user)).rawValue == 0x9000)
    lab.expect([
      .dataTranslations: 2, .assistsDirty: 1, .stlbFills: 1, .dtlbFills4K: 1, .walkCycles: 0,
      .cycles: 116,
    ])
    // With the page gone from memory, the assist faults; the fault is no walk's.
    lab[leaf] = 0x9000 | 0x27
    lab.mmu.invalidatePage(page(0))
    lab.read(page(0))
    lab[leaf] = 0
    lab.mark()
    #expect(lab.access(.write, page(0)) == 6)
    lab.expect([.dataTranslations: 1, .pageFaults: 1, .walkCycles: 0, .cycles: 16])
  }

  @Test func `a 2 MiB page takes three reads and one entry for all its frames`() {
    let lab = Lab()
    let base: UInt64 = 0x4000_0000
    lab.map(base, .size2M)
    lab.read(base, base + 0x1000, base + 0x1f_f000)
    // PML4E, PDPTE, PDE: 9 + 12. The PDE is the leaf: only two structure entries are filled.
    lab.expect([
      .dataTranslations: 3, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1,
      .walks2M: 1, .readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1, .structureFills: 2,
      .stlbFills: 1, .dtlbFills2M: 1, .cycles: 21,
    ])
    // A neighbouring page directory entry: behind the PDPTE.
    lab.map(base + 0x20_0000, .size2M)
    lab.read(base + 0x20_0000)
    lab.expect([
      .dataTranslations: 1, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1,
      .walks2M: 1, .hitsPDPTE: 1, .readsPDE: 1, .stlbFills: 1, .dtlbFills2M: 1, .cycles: 13,
    ])
    // INVLPG of any byte drops the whole page, and only that.
    lab.mmu.invalidatePage(base + 0x12_3456)
    lab.mark()
    lab.read(base + 0x20_0000)
    lab.expect([.dataTranslations: 1])
    lab.read(base)
    #expect(lab.mmu.counters[.walks2M] == 3)
  }

  @Test func `a 1 GiB page without a second-level array lives in the first level only`() {
    let lab = Lab()
    for n: UInt64 in 1...2 { lab.map(n << 30, .size1G) }
    lab.read(1 << 30, 1 << 30 + 0x123_4568)
    // Two reads, 9 + 8; one structure entry; no STLB fill.
    lab.expect([
      .dataTranslations: 2, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1,
      .walks1G: 1, .readsPML4E: 1, .readsPDPTE: 1, .structureFills: 1, .dtlbFills1G: 1,
      .cycles: 17,
    ])
    // One entry: the second page evicts the first, which is then walked again.
    lab.read(2 << 30, 1 << 30)
    lab.expect([
      .dataTranslations: 2, .dtlbMisses: 2, .stlbLookups: 2, .stlbMisses: 2, .walks: 2,
      .walks1G: 2, .hitsPML4E: 2, .readsPDPTE: 2, .dtlbFills1G: 2, .dtlbEvictions: 2,
      .cycles: 26,
    ])
  }

  @Test func `fetches from a 1 GiB page hit the default machine's STLB every time`() {
    let lab = Lab(MMUConfiguration())
    lab.map(1 << 30, .size1G)
    for n: UInt64 in 0..<3 { #expect(lab.access(.fetch, 1 << 30 + n * 4) == nil) }
    // The ITLB has no array for 1 GiB pages, the STLB has.
    lab.expect([
      .instructionTranslations: 3, .itlbMisses: 3, .stlbLookups: 3, .stlbMisses: 1,
      .stlbHits1G: 2, .walks: 1, .walks1G: 1, .readsPML4E: 1, .readsPDPTE: 1,
      .structureFills: 1, .stlbFills: 1, .cycles: 17 + 18,
    ])
  }

  @Test func `a fault fills nothing at the leaf, and its restart walks from the root`() {
    let lab = Lab()
    lab.map(page(1))
    let place = lab.place(page(0), .pt)
    #expect(lab.access(.write, page(0)) == 6)
    // The three upper entries were filled on the way and dropped again by the fault.
    let fault: [MMUCounter: UInt64] = [
      .dataTranslations: 1, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1,
      .faultedWalks: 1, .readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1, .readsPTE: 1,
      .structureFills: 3, .pageFaults: 1, .cycles: 25,
    ]
    lab.expect(fault)
    #expect(lab.mmu.controlRegister2 == page(0))
    lab[place] = 0x5000 | 7
    #expect(lab.access(.write, page(0)) == nil)
    lab.expect(Self.cold([.assistsAccessed: 1, .assistsDirty: 1, .cycles: 225]))
  }

  @Test func `a fault leaves the structure entries of other addresses`() {
    let lab = Lab()
    let other = page(0) + 2 << 20
    lab.map(other)
    lab.map(other + 4096)
    lab.place(page(0), .pt)
    lab.read(other)
    #expect(lab.access(.read, page(0)) == 4)
    lab.mark()
    // The PDE of `other` stays; PML4E and PDPTE, which both share, went with the fault.
    lab.read(other + 4096)
    lab.expect([
      .dataTranslations: 1, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1,
      .walks4K: 1, .hitsPDE: 1, .readsPTE: 1, .stlbFills: 1, .dtlbFills4K: 1, .cycles: 13,
    ])
  }

  @Test func `a page-crosser makes one lookup for each half, low first`() {
    let lab = Lab()
    lab.map(page(0))
    lab.map(page(1))
    // An 8-byte load at the last 4 bytes of page 0: first the low half, then the high one.
    lab.read(page(0) + 4092, page(1))
    lab.expect(
      Self.cold([
        .dataTranslations: 2, .dtlbMisses: 2, .stlbLookups: 2, .stlbMisses: 2, .walks: 2,
        .walks4K: 2, .hitsPDE: 1, .readsPTE: 2, .stlbFills: 2, .dtlbFills4K: 2, .cycles: 38,
      ]))
    // If the high half is absent, the low half's lookup and A have happened all the same.
    #expect(lab.access(.read, page(1) + 4092) == nil)
    #expect(lab.access(.read, page(2)) == 4)
    #expect(lab.mmu.controlRegister2 == page(2))
    #expect(lab.mmu.counters[.dataTranslations] == 4)
  }

  @Test func `user and supervisor accesses are counted apart`() {
    let lab = Lab()
    lab.map(page(0))
    lab.map(page(4), bits: 0x63)
    lab.mmu.setAlignmentCheck(true)
    lab.read(page(0))
    #expect(lab.access(.read, page(0), .supervisor) == nil)
    #expect(lab.access(.read, page(4), .supervisor) == nil)
    let counters = lab.mmu.counters
    // They share the entry of page 0; the supervisor's own page is its only miss.
    #expect(counters[.dataTranslations, .user] == 1)
    #expect(counters[.dtlbMisses, .user] == 1)
    #expect(counters[.dataTranslations, .supervisor] == 2)
    #expect(counters[.dtlbMisses, .supervisor] == 1)
    #expect(counters[.hitsPDE, .supervisor] == 1)
    #expect(counters[.walkCycles, .user] == 25)
    #expect(counters[.walkCycles, .supervisor] == 13)
    // A user access to the supervisor page faults from the TLB, on the user's account.
    #expect(lab.access(.read, page(4)) == 5)
    #expect(lab.mmu.counters[.pageFaults, .user] == 1)
    #expect(lab.mmu.counters[.walks] == 2)
  }

  @Test func `PKRU forbids a cached page at once, and the fault drops it`() {
    var c = Lab.tiny
    c.controls.protectionKeys = true
    let lab = Lab(c)
    lab.map(page(0), bits: 0x67 | 3 << 59)
    lab.read(page(0))
    lab.mark()
    lab.mmu.writePKRU(1 << 6)
    // Denied by the hit itself: no miss, no walk.
    #expect(lab.access(.read, page(0)) == 0x25)
    lab.expect([.dataTranslations: 1, .pageFaults: 1, .cycles: 0])
    lab.mmu.writePKRU(0)
    lab.read(page(0))
    // The fault dropped the entry at both levels and the structure entries on the way.
    lab.expect(Self.cold([.cycles: 25]))
    lab.mmu.writePKRU(1 << 7)
    lab.read(page(0))
    #expect(lab.access(.write, page(0)) == 0x27)
  }

  @Test func `a stale denial faults once and succeeds when retried`() {
    let lab = Lab()
    let leaf = lab.map(page(0), bits: 0x65)
    lab.read(page(0))
    lab.mark()
    lab[leaf] |= 2  // writable now, without INVLPG: allowed, the fault below is the price
    #expect(lab.access(.write, page(0)) == 7)
    lab.expect([.dataTranslations: 1, .pageFaults: 1, .cycles: 0])
    #expect(lab.access(.write, page(0)) == nil)
    lab.expect(Self.cold([.cycles: 25]))
  }

  @Test func `a page that is gone from memory stays in the TLB until it is invalidated`() {
    let lab = Lab()
    let leaf = lab.map(page(0))
    lab.read(page(0))
    lab[leaf] = 0
    lab.mark()
    lab.read(page(0))
    lab.expect([.dataTranslations: 1])
    lab.mmu.invalidatePage(page(0))
    #expect(lab.access(.read, page(0)) == 4)
    #expect(lab.mmu.counters[.faultedWalks] == 1)
  }

  @Test func `a supervisor write without WP sets D in a read-only page`() {
    var c = Lab.tiny
    c.controls.writeProtect = false
    let lab = Lab(c)
    let leaf = lab.map(page(0), bits: 0x21)
    #expect(lab.access(.write, page(0), .supervisor) == nil)
    lab.expect(Self.cold([.assistsDirty: 1, .cycles: 125]))
    #expect(lab[leaf] & 0x40 != 0)
    // WP acts on the cached entry at once.
    lab.mmu.setWriteProtect(true)
    #expect(lab.access(.write, page(0), .supervisor) == 3)
  }

  @Test func `a non-canonical address looks nothing up`() {
    let lab = Lab()
    lab.mark()
    #expect(lab.access(.read, 0x0000_8000_0000_0000) == .max)
    #expect(lab.access(.fetch, 0xffff_7fff_ffff_ffff) == .max)
    lab.expect([.cycles: 0])
    #expect(lab.mmu.controlRegister2 == 0)
  }

  @Test func `a table beyond RAM is a bus error, not a fault`() {
    let lab = Lab()
    lab[lab.place(page(0), .pd)] = 0x1000_0000 | 7
    let place = PhysicalAddress(0x1000_0000)
    #expect(throws: TranslationFault.busError(place)) {
      try lab.mmu.translate(linear: page(0), for: Access(.read, .user))
    }
    // The read of the entry is counted; it found no memory. A was set on the way there.
    lab.expect([
      .dataTranslations: 1, .dtlbMisses: 1, .stlbLookups: 1, .stlbMisses: 1, .walks: 1,
      .faultedWalks: 1, .readsPML4E: 1, .readsPDPTE: 1, .readsPDE: 1, .readsPTE: 1,
      .structureFills: 3, .assistsAccessed: 1, .cycles: 125,
    ])
  }
}
