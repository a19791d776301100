import MMUMemory
import MMUPaging
import Testing

// What an invalidation drops, and what it must leave: conformance vectors cannot tell that an entry
// was kept, counts can. Two address spaces, PCIDs 1 and 2; in each a private page, a neighbour of it,
// and a global page.

private let local = page(0)
private let neighbour = page(1)
/// Apart from the others by every level, so that no structure entry is shared.
private let global: UInt64 = 0xffff_8000_0000_0000

private struct Spaces {
  let lab = Lab(MMUConfiguration())
  let roots: [UInt64]

  init() {
    roots = [lab.root | 1, lab.newSpace() | 2]
    for root in roots {
      let table = root & ~0xfff
      lab.map(local, root: table)
      lab.map(neighbour, root: table)
      lab.map(global, bits: 0x167, root: table)
    }
    // Fill both: in the second space the global page hits what the first has cached.
    for root in roots.reversed() {
      enter(root, keep: true)
      lab.read(local, neighbour, global)
    }
    lab.mark()
  }

  func enter(_ root: UInt64, keep: Bool) {
    try! lab.mmu.writeControlRegister3(root | (keep ? 1 << 63 : 0))
  }

  /// Which pages hit the first level in the current space; the others are walked or refilled.
  func hits(_ address: UInt64) -> Bool {
    let before = lab.mmu.counters
    lab.read(address)
    return (lab.mmu.counters - before)[.dtlbMisses] == 0
  }

  /// Hits of [local, neighbour, global] in space 1, then of [local, neighbour] in space 2.
  func kept() -> [Bool] {
    enter(roots[0], keep: true)
    let first = [hits(local), hits(neighbour), hits(global)]
    enter(roots[1], keep: true)
    return first + [hits(local), hits(neighbour)]
  }
}

private func invalidate(
  _ spaces: Spaces, _ type: UInt64, _ pcid: UInt64, _ address: UInt64 = 0
) throws {
  try spaces.lab.mmu.invalidateProcessContext(type: type, descriptor: pcid, address: address)
}

private func toggle(_ spaces: Spaces, _ bits: [UInt64]) throws {
  let mmu = spaces.lab.mmu
  for bit in bits {
    try mmu.writeControlRegister4(mmu.controls.controlRegister4 ^ 1 << bit)
  }
}

@Suite struct `What invalidations drop and what they keep` {
  @Test func `filling two spaces walks the global page once`() {
    let spaces = Spaces()
    let counters = spaces.lab.mmu.counters
    // Three pages in the one, two in the other. Each walks to its local page in full, to the
    // neighbour behind the PDE; the global page of space 2 (entered first) is walked in full.
    #expect(counters[.walks] == 5)
    #expect(counters[.hitsPDE] == 2)
    #expect(counters[.dataTranslations] == 6)
    // The Lab's own first load of CR3, and nothing else, flushed.
    #expect(counters[.flushCR3] == 1)
  }

  /// What each operation leaves, executed while space 1 is current.
  @Test func `each operation drops exactly what it covers`() throws {
    typealias Operation = (name: String, run: (Spaces) throws -> Void, kept: [Bool])
    let all = [true, true, true, true, true]
    let none = [false, false, false, false, false]
    let operations: [Operation] = [
      ("nothing", { _ in }, all),
      ("MOV CR3 with bit 63", { $0.enter($0.roots[0], keep: true) }, all),
      ("MOV CR3", { $0.enter($0.roots[0], keep: false) }, [false, false, true, true, true]),
      (
        "MOV CR3 to the other space", { $0.enter($0.roots[1], keep: false) },
        [true, true, true, false, false]
      ),
      ("INVLPG local", { $0.lab.mmu.invalidatePage(local) }, [false, true, true, true, true]),
      ("INVLPG global", { $0.lab.mmu.invalidatePage(global) }, [true, true, false, true, true]),
      ("INVLPG non-canonical", { $0.lab.mmu.invalidatePage(1 << 50 | local) }, all),
      (
        "INVPCID 0 of this space", { try invalidate($0, 0, 1, local) },
        [false, true, true, true, true]
      ),
      (
        "INVPCID 0 of the other", { try invalidate($0, 0, 2, neighbour) },
        [true, true, true, true, false]
      ),
      ("INVPCID 0 of a global page", { try invalidate($0, 0, 1, global) }, all),
      ("INVPCID 1 of this space", { try invalidate($0, 1, 1) }, [false, false, true, true, true]),
      ("INVPCID 1 of the other", { try invalidate($0, 1, 2) }, [true, true, true, false, false]),
      ("INVPCID 1 of a third", { try invalidate($0, 1, 3) }, all),
      ("INVPCID 2", { try invalidate($0, 2, 0) }, none),
      ("INVPCID 3", { try invalidate($0, 3, 0) }, [false, false, true, false, false]),
      ("MOV CR4 that clears PGE", { try toggle($0, [7]) }, none),
      ("MOV CR4 that changes SMAP", { try toggle($0, [21]) }, all),
      ("MOV CR4 that clears SMEP", { try toggle($0, [20]) }, all),
      (
        "MOV CR4 that clears and sets SMEP", { try toggle($0, [20, 20]) },
        [false, false, false, true, true]
      ),
      ("CR0.WP", { $0.lab.mmu.setWriteProtect(false) }, all),
      ("WRPKRU", { $0.lab.mmu.writePKRU(0xffff_fffc) }, all),
    ]
    for operation in operations {
      let spaces = Spaces()
      spaces.enter(spaces.roots[0], keep: true)
      try operation.run(spaces)
      #expect(spaces.kept() == operation.kept, "\(operation.name)")
    }
  }

  @Test func `structure entries go with their address, their PCID, or all`() throws {
    // Hits behind the PDE when a fresh page beside `local` is walked in space 1 and in space 2.
    typealias Operation = (name: String, run: (Spaces) throws -> Void, kept: [UInt64])
    let operations: [Operation] = [
      ("nothing", { _ in }, [1, 1]),
      (
        "INVLPG of any page drops all of the PCID's", { $0.lab.mmu.invalidatePage(global) }, [0, 1]
      ),
      ("INVPCID 0 on the way", { try invalidate($0, 0, 2, local) }, [1, 0]),
      ("INVPCID 0 elsewhere", { try invalidate($0, 0, 1, global) }, [1, 1]),
      ("INVPCID 1", { try invalidate($0, 1, 1) }, [0, 1]),
      ("INVPCID 2", { try invalidate($0, 2, 0) }, [0, 0]),
      ("INVPCID 3", { try invalidate($0, 3, 0) }, [0, 0]),
      ("MOV CR3", { $0.enter($0.roots[0], keep: false) }, [0, 1]),
      ("MOV CR4 PGE", { try toggle($0, [7]) }, [0, 0]),
    ]
    for operation in operations {
      let spaces = Spaces()
      for root in spaces.roots { spaces.lab.map(page(2), root: root & ~0xfff) }
      spaces.enter(spaces.roots[0], keep: true)
      try operation.run(spaces)
      var kept: [UInt64] = []
      for root in spaces.roots {
        spaces.enter(root, keep: true)
        let before = spaces.lab.mmu.counters
        spaces.lab.read(page(2))
        kept.append((spaces.lab.mmu.counters - before)[.hitsPDE])
      }
      #expect(kept == operation.kept, "\(operation.name)")
    }
  }

  @Test func `flushes are counted by kind and charged to the supervisor`() throws {
    let lab = Lab()
    let mmu = lab.mmu
    try mmu.writeControlRegister3(lab.root)  // CR3, 200
    try mmu.writeControlRegister3(lab.root | 1 << 63)  // drops nothing, 200 all the same
    mmu.invalidatePage(page(0))  // page, 120
    mmu.invalidatePage(1 << 60)  // no-operation, 120
    try mmu.invalidateProcessContext(type: 0, descriptor: 5, address: page(0))  // page, 120
    try mmu.invalidateProcessContext(type: 1, descriptor: 5, address: 0)  // PCID, 200
    try mmu.invalidateProcessContext(type: 2, descriptor: 0, address: 0)  // all, 200
    try mmu.invalidateProcessContext(type: 3, descriptor: 0, address: 0)  // all, 200
    try mmu.writeControlRegister4(mmu.controls.controlRegister4 ^ 1 << 7)  // all, 200
    try mmu.writeControlRegister4(mmu.controls.controlRegister4 ^ 1 << 22)  // nothing
    lab.expect([
      .flushCR3: 1, .flushPage: 2, .flushPCID: 1, .flushAll: 3, .cycles: 6 * 200 + 3 * 120,
    ])
    #expect(mmu.counters[.cycles, .user] == 0)
    // A refused operation counts, charges and changes nothing.
    #expect(throws: GeneralProtection.self) { try mmu.writeControlRegister3(1 << 41) }
    #expect(throws: GeneralProtection.self) {
      try mmu.invalidateProcessContext(type: 4, descriptor: 0, address: 0)
    }
    #expect(throws: GeneralProtection.self) {
      try mmu.invalidateProcessContext(type: 1, descriptor: 0x1000, address: 0)
    }
    #expect(throws: GeneralProtection.self) {
      try mmu.invalidateProcessContext(type: 0, descriptor: 0, address: 1 << 47)
    }
    lab.expect([.cycles: 0])
    #expect(mmu.controlRegister3 == lab.root)
  }

  @Test func `entries of a PCID serve whatever root it is given, until they are dropped`() throws {
    let spaces = Spaces()
    // PCID 1 with the tables of space 2, no flush: the cached page of space 1 answers.
    spaces.enter(spaces.roots[1] & ~0xfff | 1, keep: true)
    #expect(spaces.hits(local))
    spaces.enter(spaces.roots[1] & ~0xfff | 1, keep: false)
    #expect(!spaces.hits(local))
  }

  @Test func `with an entry of its own and a global one, the lowest way answers, wide or narrow`() {
    for ways in [4, 24] {
      var c = Lab.flat(1)
      c.dataTLB = []
      c.secondTLB = [TLBArray([.size4K], CacheGeometry(entries: ways))]
      let lab = Lab(c)
      let leaf = lab.map(page(0), bits: 0x67, to: 0x5000)
      try! lab.mmu.writeControlRegister3(lab.root | 5)
      lab.read(page(0))
      // The page becomes global and moves, without invalidation; PCID 6 caches the new translation.
      lab[leaf] = 0x6000 | 0x167
      try! lab.mmu.writeControlRegister3(lab.root | 6)
      lab.read(page(0))
      try! lab.mmu.writeControlRegister3(lab.root | 5 | 1 << 63)
      let read = Access(.read, .user)
      #expect(try! lab.mmu.translate(linear: page(0), for: read).rawValue == 0x5000, "\(ways)")
      try! lab.mmu.writeControlRegister3(lab.root | 6 | 1 << 63)
      #expect(try! lab.mmu.translate(linear: page(0), for: read).rawValue == 0x6000, "\(ways)")
      // INVLPG drops both.
      try! lab.mmu.writeControlRegister3(lab.root | 5 | 1 << 63)
      lab.mmu.invalidatePage(page(0))
      #expect(try! lab.mmu.translate(linear: page(0), for: read).rawValue == 0x6000, "\(ways)")
    }
  }
}
