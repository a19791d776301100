import Foundation
import MMUMemory
import MMUTiming
import Testing
import TestSupport

@testable import MMUPaging

@Suite struct `The filter in front of the TLB` {
  /// An MMU used as the fast engine uses it: accesses that the filter knows skip the model.
  final class FilteredCore {
    let mmu: MMU
    let state: UnsafeMutablePointer<MMUState>
    var hits = 0
    var fetchHits = 0

    init(_ mmu: MMU) {
      self.mmu = mmu
      state = mmu.state
    }

    private func slot(_ address: UInt64, _ filter: Int) -> UnsafeMutableRawPointer {
      state.pointee.context + filter + Int(address >> 12) % TranslationContext.dataSlots * 32
    }

    private func stamp(_ clockPlace: Int, _ touch: UInt) {
      let clock = (state.pointee.context + clockPlace).assumingMemoryBound(to: UInt64.self)
      clock.pointee += 1
      UnsafeMutablePointer<UInt64>(bitPattern: touch)!.pointee = clock.pointee
    }

    /// A user load or store of 8 aligned bytes: the physical address, or zero for a fault.
    func access(_ address: UInt64, isWrite: Bool) -> UInt64 {
      let slot = slot(
        address, isWrite ? TranslationContext.writeFilter : TranslationContext.readFilter)
      if address & (~0xfff | 7) == slot.load(as: UInt64.self) {
        hits += 1
        stamp(TranslationContext.dataClock, slot.load(fromByteOffset: 16, as: UInt.self))
        let host = address &+ slot.load(fromByteOffset: 8, as: UInt64.self)
        return host &- UInt64(UInt(bitPattern: state.pointee.base))
      }
      let page = resolve(state, address, isWrite ? 6 : 4)
      return page == 0 ? 0 : page & ~0xfff | (address & 0xfff)
    }

    /// Enters a page of code; what is then fetched from it makes no further lookups.
    func enter(_ address: UInt64) -> UInt64 {
      let entry =
        state.pointee.context + TranslationContext.fetchFilter
        + Int(address >> 12) % TranslationContext.fetchSlots * 32
      if entry.load(as: UInt64.self) == address & ~0xfff {
        fetchHits += 1
        stamp(TranslationContext.fetchClock, entry.load(fromByteOffset: 16, as: UInt.self))
        return entry.load(fromByteOffset: 8, as: UInt64.self) | (address & 0xfff)
      }
      let page = resolve(state, address, 20)
      if page == 0 { return 0 }
      entry.storeBytes(of: address & ~0xfff, as: UInt64.self)
      entry.storeBytes(of: page & ~0xfff, toByteOffset: 8, as: UInt64.self)
      entry.storeBytes(
        of: UInt(bitPattern: state.pointee.fetchTouch), toByteOffset: 16, as: UInt.self)
      return page & ~0xfff | (address & 0xfff)
    }
  }

  /// Live tags of every array and structure cache, in order.
  static func content(_ mmu: MMU) -> [[UInt64]] {
    let s = mmu.state.pointee
    var stores: [TagStore] = []
    for tlb in [s.itlb, s.dtlb, s.stlb] {
      for i in 0..<tlb.arrayCount { stores.append(tlb.arrays[i]) }
    }
    stores += [s.structures.0, s.structures.1, s.structures.2].compactMap(\.self)
    return stores.map { Array(UnsafeBufferPointer(start: $0.tags, count: $0.sets * $0.ways)) }
  }

  /// Geometries with an L1 array for every page size, so that every fetched page is cached.
  static func geometry(_ seed: UInt64, _ dice: inout Dice) -> MMUConfiguration {
    var configuration = MMUConfiguration()
    if seed > 1 { configuration = randomGeometry(&dice) }
    func cached(_ arrays: [TLBArray]) -> [TLBArray] {
      let missing = PageSize.allCases.filter { size in
        !arrays.contains { $0.sizes.contains(size) }
      }
      return missing.isEmpty ? arrays : arrays + [TLBArray(missing, CacheGeometry(entries: 3))]
    }
    configuration.instructionTLB = cached(configuration.instructionTLB)
    configuration.controls.supervisorAccessPrevention = false
    configuration.controls.physicalAddressBits = 40
    let policy: Replacement = dice.pick([.lru, .fifo, .lru, .random])
    switch seed % 4 {
    case 0: configuration.dataTLB[0].geometry = CacheGeometry(entries: 24, replacement: policy)
    case 1: break
    case 2:
      configuration.dataTLB = [
        TLBArray([.size2M], CacheGeometry(entries: 20)),
        TLBArray([.size4K], CacheGeometry(entries: 12, replacement: policy)),
      ]
    default:
      configuration.instructionTLB[0].geometry = CacheGeometry(entries: 12, replacement: policy)
    }
    return configuration
  }

  @Test func `skipping the model on a filter hit changes no counter and no victim`() {
    var hits = 0
    var fetchHits = 0
    for seed: UInt64 in 1...48 {
      var dice = Dice(seed &* 77)
      let configuration = Self.geometry(seed, &dice)
      let memory = PhysicalMemory(bytes: RandomTables.ram)
      let other = PhysicalMemory(bytes: RandomTables.ram)
      let core = FilteredCore(MMU(memory: memory, configuration: configuration))
      let exact = MMU(memory: other, configuration: configuration)
      let tables = RandomTables(leavesInRAM: true)
      tables.fill([memory, other], &dice)
      try! core.mmu.writeControlRegister3(0x1000)
      try! exact.writeControlRegister3(0x1000)
      var recent = (0..<14).map { _ in tables.address(&dice) }
      var code = recent[0]
      for step in 0..<2500 {
        if let wrong = Self.step(core, exact, tables, &dice, &recent, &code) {
          Issue.record("seed \(seed), step \(step): \(wrong)\n\(configuration)")
          return
        }
      }
      hits += core.hits
      fetchHits += core.fetchHits
    }
    #expect(hits > 10_000)
    #expect(fetchHits > 1_000)
  }

  private static func step(
    _ core: FilteredCore, _ exact: MMU, _ tables: RandomTables, _ dice: inout Dice,
    _ recent: inout [UInt64], _ code: inout UInt64
  ) -> String? {
    let what = dice.below(1000)
    func address() -> UInt64 {
      let address = dice.chance(88) ? dice.pick(recent) : tables.address(&dice)
      if dice.chance(30) { recent[dice.below(recent.count)] = address }
      return address
    }
    func physical(_ mmu: MMU, _ address: UInt64, _ bits: UInt64) -> UInt64 {
      let page = resolve(mmu.state, address, bits)
      return page == 0 ? 0 : page & ~0xfff | (address & 0xfff)
    }
    if what < 700 {
      let address = address()
      let isWrite = dice.chance(45)
      let mine = core.access(address, isWrite: isWrite)
      let theirs = physical(exact, address, isWrite ? 6 : 4)
      if mine != theirs { return "0x\(hex(address)): 0x\(hex(mine)), not 0x\(hex(theirs))" }
    } else if what < 790 {
      // Some instructions of one page, then perhaps a jump.
      if dice.chance(60) { code = address() }
      let mine = core.enter(code)
      for _ in 0..<1 + dice.below(4) {
        let theirs = physical(exact, code, 20)
        if mine != theirs { return "fetch 0x\(hex(code)): 0x\(hex(mine)), not 0x\(hex(theirs))" }
        if theirs == 0 { break }
      }
    } else if what < 830 {
      let address = address()
      let bits: UInt64 = dice.chance(50) ? 2 : 0
      if physical(core.mmu, address, bits) != physical(exact, address, bits) {
        return "supervisor access"
      }
    } else if what < 870 {
      let (place, value) = tables.edit(&dice)
      for m in [core.mmu.memory, exact.memory] { try! m.store(value, at: PhysicalAddress(place)) }
    } else if what < 890 {
      core.mmu.dropTranslationFilters()
    } else if what < 895 {
      // A frame is decoded: write tags go, and stay away while the frame is watched.
      let frame = Int(dice.below(Int(RandomTables.ram / 4096)))
      core.mmu.memory.watch[frame] ^= FrameWatch.sanitizer.rawValue
      dropDataFilter(core.state)
    } else {
      let mmus = [core.mmu, exact]
      let address = dice.pick(recent)
      let root = dice.pick(RandomTables.frames[0]) << 12 | dice.pick([0, 1, 5] as [UInt64])
      let pkru = UInt32(truncatingIfNeeded: dice.next() & dice.next() & dice.next())
      let type = UInt64(dice.below(4))
      for mmu in mmus {
        switch what {
        case 895..<945: mmu.invalidatePage(address)
        case 945..<985: try! mmu.writeControlRegister3(root | 1 << 63)
        case 985..<990: try! mmu.writeControlRegister3(root)
        case 990..<993:
          try! mmu.invalidateProcessContext(type: type, descriptor: root & 7, address: address)
        case 993..<996: mmu.writePKRU(pkru)
        case 996..<998: mmu.setWriteProtect(pkru & 1 == 0)
        default: try! mmu.writeControlRegister4(mmu.controls.controlRegister4 ^ 1 << 22)
        }
      }
    }
    if content(core.mmu) != content(exact) { return "the TLBs hold different entries" }
    return firstDifference(
      core.mmu.counters, exact.counters.values,
      except: [.dataTranslations, .instructionTranslations])
  }

  /// A machine with a 2 MiB page whose half at `base` is used through the filter.
  private func superpage() -> (Lab, FilteredCore, UInt64) {
    let lab = Lab()
    let base: UInt64 = 0x4000_0000
    lab.map(base, bits: 0x65, .size2M, to: 0)
    return (lab, FilteredCore(lab.mmu), base)
  }

  @Test func `a fault on one page of a superpage clears the slots of its others`() {
    let (lab, core, base) = superpage()
    // Page 5 of the read-only superpage stands in the filter.
    #expect(core.access(base + 0x5000, isWrite: false) != 0)
    #expect(core.access(base + 0x5000, isWrite: false) != 0)
    #expect(core.hits == 1)
    // A write to page 9 faults and drops the whole superpage: page 5 must miss the TLB again.
    #expect(core.access(base + 0x9000, isWrite: true) == 0)
    #expect(core.access(base + 0x5000, isWrite: false) != 0)
    #expect(core.hits == 1)
    #expect(lab.mmu.counters[.walks2M] == 2)
  }

  @Test func `a data fault in a superpage of code clears the fetch filter`() {
    let (lab, core, base) = superpage()
    #expect(core.enter(base + 0x5000) != 0)
    #expect(core.enter(base + 0x5000) != 0)
    #expect(core.fetchHits == 1)
    #expect(core.access(base + 0x9000, isWrite: true) == 0)
    #expect(core.enter(base + 0x5000) != 0)
    #expect(core.fetchHits == 1)
    #expect(lab.mmu.counters[.itlbMisses] == 2)
  }

  @Test func `no write tag is live for a watched frame`() {
    let lab = Lab()
    lab.map(page(0), to: 0x8000)
    lab.memory.watch[8] = FrameWatch.code.rawValue
    let core = FilteredCore(lab.mmu)
    for _ in 0..<3 { #expect(core.access(page(0), isWrite: true) == 0x8000) }
    #expect(core.hits == 0)
    for _ in 0..<2 { #expect(core.access(page(0), isWrite: false) == 0x8000) }
    #expect(core.hits == 1)
    lab.memory.watch[8] = 0
    for _ in 0..<3 { #expect(core.access(page(0), isWrite: true) == 0x8000) }
    #expect(core.hits == 3)
  }

  @Test func `a filter hit on a large page stamps it where small pages share its array`() {
    var c = Lab.flat(3)
    c.dataTLB = [TLBArray([.size4K, .size2M], CacheGeometry(entries: 3))]
    let lab = Lab(c)
    let large: UInt64 = 0x4000_0000
    lab.map(large, .size2M, to: 0)
    for n: UInt64 in 0..<3 { lab.map(page(n), to: 0x8000 + n << 12) }
    let core = FilteredCore(lab.mmu)
    let inside = large + 0x7000  // of a slot that none of the small pages has
    for address in [inside, page(0), page(1), inside] {
      #expect(core.access(address, isWrite: false) != 1)
    }
    #expect(core.hits == 1)
    // The large page is the most recent now: page 2 takes page 0's place, not its.
    _ = core.access(page(2), isWrite: false)
    let misses = lab.mmu.counters[.dtlbMisses]
    _ = core.access(inside, isWrite: false)
    #expect(lab.mmu.counters[.dtlbMisses] == misses)
    // Two small pages and a third push it out; its slot goes with it.
    for n: UInt64 in 0..<3 { _ = core.access(page(n), isWrite: false) }
    let hits = core.hits
    _ = core.access(inside, isWrite: false)
    #expect(core.hits == hits)
    #expect(lab.mmu.counters[.walks2M] == 2)
  }

  @Test func `under tree-PLRU only the most recent page of a set stands in the filter`() {
    let lab = Lab(Lab.flat(4, .treePLRU))
    // 512 pages apart: the same slot; one page further: another.
    let pages = [page(0), page(512), page(513)]
    for (n, address) in pages.enumerated() { lab.map(address, to: 0x8000 + UInt64(n) << 12) }
    let core = FilteredCore(lab.mmu)
    _ = core.access(pages[0], isWrite: false)
    for other in pages[1...] {
      _ = core.access(other, isWrite: true)
      // The other page was used since: this read changes the tree, so the model must see it.
      _ = core.access(pages[0], isWrite: false)
      #expect(core.hits == 0)
    }
    // A write beside the read leaves the read's entry.
    _ = core.access(pages[0], isWrite: true)
    _ = core.access(pages[0], isWrite: false)
    _ = core.access(pages[0], isWrite: true)
    #expect(core.hits == 2)
  }
}
