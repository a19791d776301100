import MMUMemory
import MMUPaging
import Testing
import TestSupport

@Suite struct `The MMU against a pure walk` {
  /// The outcome of an access by the MMU and by the reference translator, in comparable form.
  static func outcomes(
    _ mmu: MMU, _ address: UInt64, _ access: Access
  ) -> (ReferenceTranslator.Result, ReferenceTranslator.Outcome) {
    let reference = ReferenceTranslator(
      memory: mmu.memory, controls: mmu.controls, root: mmu.controlRegister3)
    let pure = reference.translate(address, for: access)
    var size = PageSize.size4K
    if case .translated(_, let found) = pure.result { size = found }
    do {
      return (.translated(try mmu.translate(linear: address, for: access), size), pure)
    } catch {
      return (.fault(error), pure)
    }
  }

  /// Tables of one tree: no table is reached by two ways, so INVLPG covers a change of a leaf.
  struct Tree {
    var memory: PhysicalMemory
    var root: UInt64
    /// The table frame behind each place of a non-leaf entry.
    let tables: [[UInt64]]

    /// Uses 1 + 2 + 4 + 8 frames from `first` on; each table has two children.
    init(_ memory: PhysicalMemory, first: UInt64) {
      self.memory = memory
      root = first << 12
      tables =
        [[first], (1...2).map { first + $0 }, (3...6).map { first + $0 }]
        + [(7...14).map { first + $0 }]
    }

    /// The place of entry `way` (0 or 1 choose a child, higher ones are leaves or nothing).
    func place(_ level: Int, _ path: [Int]) -> UInt64 {
      var table = 0
      for step in path.prefix(level) { table = table * 2 + step }
      return tables[level][table] << 12 + UInt64(path[level]) * 8
    }

    func child(_ level: Int, _ path: [Int]) -> UInt64 {
      var table = 0
      for step in path.prefix(level + 1) { table = table * 2 + step }
      return tables[level + 1][table] << 12
    }

    static func address(_ path: [Int]) -> UInt64 {
      var address: UInt64 = 0
      for (level, index) in path.enumerated() { address |= UInt64(index) << UInt64(39 - 9 * level) }
      return address
    }

    /// A path that may end in a large leaf: children 0 and 1 go on, 2 and 3 are leaves.
    static func path(_ dice: inout Dice) -> [Int] {
      [dice.below(2), dice.below(dice.chance(15) ? 4 : 2), dice.below(dice.chance(20) ? 4 : 2)]
        + [dice.below(4)]
    }

    /// The level the leaf of `path` stands at.
    static func leaf(_ path: [Int]) -> Int { path[1] > 1 ? 1 : path[2] > 1 ? 2 : 3 }

    func entry(_ level: Int, _ path: [Int], _ global: Bool, _ dice: inout Dice) -> UInt64 {
      if dice.chance(6) { return dice.next() & ~1 }
      var entry: UInt64 = 1 | dice.next() & 0x60
      if dice.chance(90) { entry |= 2 }
      if dice.chance(90) { entry |= 4 }
      if dice.chance(5) { entry |= 1 << 63 }
      if dice.chance(1) { entry |= 1 << 48 }
      guard level == Self.leaf(path) else { return entry | child(level, path) }
      let bits = UInt64(39 - 9 * level)
      if global { entry |= dice.next() & 0x100 }
      if level < 3 { entry |= 0x80 }
      return entry | ((dice.next() & 0xff_ffff_f000) >> bits) << bits
        | (dice.next() & 3) << 59
    }

    func store(_ value: UInt64, _ place: UInt64) {
      try! memory.store(value, at: PhysicalAddress(place))
    }

    func fill(_ global: Bool, _ dice: inout Dice) {
      for _ in 0..<400 {
        let path = Self.path(&dice)
        for level in 0...Self.leaf(path) {
          let place = place(level, path)
          if try! memory.load(PhysicalAddress(place)) == 0 {
            store(entry(level, path, global, &dice), place)
          }
        }
      }
    }
  }

  @Test func `with every edit followed by its invalidation, outcomes equal a pure walk`() {
    var successes = 0
    var hits: UInt64 = 0
    for seed: UInt64 in 1...32 {
      var dice = Dice(seed &* 1009)
      // Odd seeds: one space with global pages. Even ones: two spaces, two PCIDs, no global pages.
      let single = seed % 2 == 1
      let memory = PhysicalMemory(bytes: 64 * 4096)
      let trees = [Tree(memory, first: 1), Tree(memory, first: 20)]
      for tree in trees { tree.fill(single, &dice) }
      var configuration = seed < 3 ? MMUConfiguration() : randomGeometry(&dice)
      configuration.controls.globalPages = single
      let mmu = MMU(memory: memory, configuration: configuration)
      try! mmu.writeControlRegister3(trees[0].root)
      var current = 0
      var recent = (0..<10).map { _ in Tree.path(&dice) }
      for step in 0..<2000 {
        let path = dice.chance(70) ? dice.pick(recent) : Tree.path(&dice)
        recent[dice.below(recent.count)] = path
        switch dice.below(100) {
        case 0..<8:
          let space = dice.below(single ? 1 : 2)
          let leaf = Tree.leaf(path)
          let level = dice.chance(75) ? leaf : dice.below(leaf + 1)
          let value = trees[space].entry(level, path, single, &dice)
          trees[space].store(value, trees[space].place(level, path))
          Self.invalidate(mmu, space, current, path, isLeaf: level == leaf, &dice)
        case 8..<12 where !single:
          current = 1 - current
          let keep: UInt64 = dice.chance(80) ? 1 << 63 : 0
          try! mmu.writeControlRegister3(trees[current].root | UInt64(current) * 7 | keep)
        case 12..<15: mmu.writePKRU(UInt32(truncatingIfNeeded: dice.next() & dice.next() & 0xff))
        case 15..<17: mmu.setWriteProtect(dice.chance(50))
        case 17..<19: mmu.setAlignmentCheck(dice.chance(50))
        case 19:
          let bit = dice.pick([20, 21, 22] as [UInt64])
          try! mmu.writeControlRegister4(mmu.controls.controlRegister4 ^ 1 << bit)
        default:
          let access = randomAccess(&dice)
          let address = Tree.address(path) | dice.next() & 0xfff
          let (mine, pure) = Self.outcomes(mmu, address, access)
          if mine != pure.result {
            Issue.record(
              "seed \(seed), step \(step), \(access) 0x\(hex(address)): \(mine), not \(pure.result)"
            )
            return
          }
          if case .translated = mine { successes += 1 }
        }
      }
      hits += mmu.counters[.dataTranslations] - mmu.counters[.dtlbMisses]
    }
    #expect(successes > 15_000)
    #expect(hits > 8_000)
  }

  /// Carries out an invalidation that covers an edit on `path` in `space`.
  private static func invalidate(
    _ mmu: MMU, _ space: Int, _ current: Int, _ path: [Int], isLeaf: Bool, _ dice: inout Dice
  ) {
    let pcid = PCID(UInt16(space * 7))
    let address = VirtualAddress(truncating: Tree.address(path))
    let single = mmu.controls.globalPages
    if !isLeaf {
      // Global pages below the edited entry are not reached by anything smaller.
      mmu.invalidate(single ? .all : dice.pick([.all, .context(pcid), .allExceptGlobal]))
    } else if single || space == current {
      dice.chance(80)
        ? mmu.invalidatePage(address.rawValue) : mmu.invalidate(single ? .all : .context(pcid))
    } else {
      mmu.invalidate(dice.chance(70) ? .address(address, pcid: pcid) : .context(pcid))
    }
  }
}
