import Foundation
import MMUMemory
import MMUPaging
import Testing
import TestSupport

@Suite struct `The MMU against independent models` {
  /// One MMU and one naive model, each with its own memory.
  struct Pair {
    let memory = PhysicalMemory(bytes: RandomTables.ram)
    let other = PhysicalMemory(bytes: RandomTables.ram)
    let mmu: MMU
    let naive: NaiveMMU

    init(_ configuration: MMUConfiguration, seed: UInt64) {
      mmu = MMU(memory: memory, configuration: configuration, seed: seed)
      naive = NaiveMMU(memory: other, configuration: configuration, seed: seed)
    }

    func translate(_ address: UInt64, _ access: Access) -> String? {
      let mine: NaiveOutcome
      do {
        mine = .physical(try mmu.translate(linear: address, for: access).rawValue)
      } catch {
        switch error {
        case .pageFault(let fault): mine = .pageFault(fault.errorCode.rawValue)
        case .generalProtection: mine = .generalProtection
        case .busError(let place): mine = .busError(place.rawValue)
        }
      }
      let other = naive.translate(address, access)
      return mine == other ? nil : "\(access) 0x\(hex(address)): \(mine), not \(other)"
    }

    func difference() -> String? {
      if mmu.controlRegister2 != naive.cr2 { return "CR2" }
      if memcmp(memory.base, other.base, Int(RandomTables.ram)) != 0 { return "memory" }
      return firstDifference(mmu.counters, naive.counters)
    }

    func succeeds(_ body: () throws -> Void) -> Bool { (try? body()) != nil }

    /// One random step on both; what differs afterwards.
    func step(_ tables: RandomTables, _ dice: inout Dice, _ recent: inout [UInt64]) -> String? {
      var wrong: String?
      let what = dice.below(1000)
      if what < 740 {
        let address = dice.chance(75) ? dice.pick(recent) : tables.address(&dice)
        recent[dice.below(recent.count)] = address
        let noncanonical = dice.chance(1) ? address ^ 1 << 55 : address
        wrong = translate(noncanonical, randomAccess(&dice))
      } else if what < 860 {
        let (place, value) = tables.edit(&dice)
        for m in [memory, other] { try! m.store(value, at: PhysicalAddress(place)) }
      } else if what < 910 {
        let pcid = dice.pick([0, 0, 1, 5, 0x18] as [UInt64])
        let value =
          dice.pick(RandomTables.frames[0]) << 12 | pcid | (dice.chance(70) ? 1 << 63 : 0)
          | (dice.chance(3) ? 1 << 45 : 0)
        if succeeds({ try mmu.writeControlRegister3(value) })
          != naive.writeControlRegister3(value)
        {
          wrong = "MOV CR3 0x\(hex(value))"
        }
      } else if what < 945 {
        let address = dice.chance(70) ? dice.pick(recent) : tables.address(&dice)
        let flawed = address ^ (dice.chance(5) ? 1 << 50 : 0)
        mmu.invalidatePage(flawed)
        naive.invalidatePage(flawed)
      } else if what < 970 {
        let type = UInt64(dice.pick([0, 0, 0, 0, 1, 1, 2, 3, 4]))
        let descriptor = dice.pick([0, 1, 5, 0x18, 0x1000] as [UInt64])
        let address = dice.pick(recent) ^ (dice.chance(5) ? 1 << 50 : 0)
        let mine = succeeds {
          try mmu.invalidateProcessContext(type: type, descriptor: descriptor, address: address)
        }
        let other = naive.invalidateProcessContext(
          type: type, descriptor: descriptor, address: address)
        if mine != other { wrong = "INVPCID \(type)" }
      } else if what < 980 {
        let bit = dice.pick([7, 17, 17, 20, 21, 21, 22, 22] as [UInt64])
        let value = mmu.controls.controlRegister4 ^ 1 << bit
        if succeeds({ try mmu.writeControlRegister4(value) })
          != naive.writeControlRegister4(value)
        {
          wrong = "MOV CR4 0x\(hex(value))"
        }
      } else if what < 985 {
        let value = dice.chance(50)
        mmu.setWriteProtect(value)
        naive.controls.writeProtect = value
      } else if what < 990 {
        let value = dice.chance(50)
        mmu.setAlignmentCheck(value)
        naive.controls.alignmentCheck = value
      } else {
        let value = UInt32(truncatingIfNeeded: dice.next() & dice.next() & dice.next())
        mmu.writePKRU(value)
        naive.controls.pkru = value
      }
      return wrong ?? difference()
    }
  }

  @Test func `random streams give the outcomes, memory and counters of the naive model`() {
    var total = [UInt64](repeating: 0, count: 2 * MMUCounter.allCases.count)
    for seed: UInt64 in 1...40 {
      var dice = Dice(seed)
      let tables = RandomTables()
      let pair = Pair(seed == 1 ? MMUConfiguration() : randomGeometry(&dice), seed: seed)
      tables.fill([pair.memory, pair.other], &dice)
      try! pair.mmu.writeControlRegister3(0x1000)
      _ = pair.naive.writeControlRegister3(0x1000)
      var recent = (0..<12).map { _ in tables.address(&dice) }
      for step in 0..<2500 {
        if let wrong = pair.step(tables, &dice, &recent) {
          Issue.record("seed \(seed), step \(step): \(wrong)\n\(pair.mmu.configuration)")
          return
        }
      }
      for i in total.indices { total[i] += pair.naive.counters[i] }
    }
    // The streams reach everything that is counted.
    let flushes: Set<MMUCounter> = [.flushPage, .flushPCID, .flushAll, .flushCR3]
    for counter in MMUCounter.allCases {
      let n = MMUCounter.allCases.count
      #expect(total[counter.rawValue + n] > 0, "supervisor \(counter.name)")
      if !flushes.contains(counter) { #expect(total[counter.rawValue] > 0, "user \(counter.name)") }
    }
  }
}

func hex(_ value: UInt64) -> String { String(value, radix: 16) }
