import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

/// What a policy is to do, with arrays of page numbers instead of lists of frames.
private class NaivePolicy {
  /// By list, oldest first.
  var lists: [[Int]] = [[], [], [], []]
  var accessed: Set<Int> = []
  var referenced: Set<Int> = []
  var evicted: Set<Int> = []

  var resident: Set<Int> { Set(lists.joined()) }

  /// Appends a newcomer.
  func enter(_ page: Int) {
    lists[0].append(page)
    accessed.insert(page)
  }

  func scan(_ count: Int) { preconditionFailure("no policy") }

  /// Takes the accessed bit.
  func take(_ page: Int) -> Bool { accessed.remove(page) != nil }

  func evict(_ page: Int) { evicted.insert(page) }
}

private final class NaiveClock: NaivePolicy {
  let givesSecondChance: Bool
  init(_ givesSecondChance: Bool) { self.givesSecondChance = givesSecondChance }

  override func scan(_ count: Int) {
    for _ in 0..<count where !lists[0].isEmpty {
      let page = lists[0].removeFirst()
      if givesSecondChance && take(page) { lists[0].append(page) } else { evict(page) }
    }
  }
}

private final class NaiveTwoQueue: NaivePolicy {
  override func scan(_ count: Int) {
    for _ in 0..<count where !resident.isEmpty {
      if lists[0].count * 4 > lists[0].count + lists[1].count {
        evict(lists[0].removeFirst())
      } else {
        let page = lists[1].removeFirst()
        if take(page) { lists[1].append(page) } else { evict(page) }
      }
    }
  }
}

private final class NaiveTwoList: NaivePolicy {
  override func scan(_ count: Int) {
    // Active ones become inactive while they are more than the inactive ones were.
    if lists[0].count < lists[1].count {
      for _ in 0..<count where !lists[1].isEmpty {
        let page = lists[1].removeFirst()
        _ = take(page)
        lists[0].append(page)
      }
    }
    for _ in 0..<count where !lists[0].isEmpty {
      let page = lists[0].removeFirst()
      let wasReferenced = referenced.remove(page) != nil
      if !take(page) {
        evict(page)
      } else if wasReferenced {
        lists[1].append(page)
      } else {
        referenced.insert(page)
        lists[0].append(page)
      }
    }
  }
}

private final class NaiveGenerations: NaivePolicy {
  /// Number of the generation at the front of `lists`, and of the youngest.
  var generations: [[Int]] = [[], []]
  override var resident: Set<Int> { Set(generations.joined()) }

  /// Newcomers enter the oldest of the first two, before any aging.
  var newest = 0

  override func enter(_ page: Int) {
    generations[max(newest, 0)].append(page)
    accessed.insert(page)
  }

  override func scan(_ count: Int) {
    for _ in 0..<count where !resident.isEmpty {
      while generations[0].isEmpty {
        if generations.count < 3 { age() }
        generations.removeFirst()
        newest -= 1
      }
      let page = generations[0].removeFirst()
      if take(page) { generations[generations.count - 1].append(page) } else { evict(page) }
    }
  }

  private func age() {
    generations.append([])
    newest = generations.count - 1
    for page in accessed.sorted() {
      for i in generations.indices { generations[i].removeAll { $0 == page } }
      generations[newest].append(page)
    }
    accessed = []
  }
}

/// A machine whose only listed pages are those of one mapping.
private final class PolicyBench {
  let bench: Bench
  let base: UInt64
  var system: SystemMemory { bench.kernel.system }

  init(_ policy: ReclaimPolicyKind, seed: UInt64 = 1, pages: UInt64 = 400) throws {
    bench = try swapBench {
      $0.reclaimPolicy = policy
      $0.swapPages = 1025
      $0.seed = seed
    }
    base = bench.map(pages, at: 0x4000_0000)
    for frame in 1..<system.frames.highWater { system.frames.lists.leave(frame) }
  }

  /// Makes an access whose walk sets the accessed bit.
  func touch(_ page: Int) {
    system.deliver(.all)
    bench.store(1, at: base + UInt64(page) * 4096)
  }

  func frame(_ page: Int) -> UInt64 {
    let entry = bench.space.tables.view(of: base + UInt64(page) * 4096) ?? 0
    return entry & 1 == 0 ? 0 : (entry & PageTableEntry.addressMask) >> 12
  }

  func isResident(_ page: Int) -> Bool { frame(page) != 0 }
  func scan(_ count: Int) { _ = system.policy.scan(.anonymous, UInt64(count), system) }
}

@Suite struct ReclaimPolicyTests {
  private static func naive(_ kind: ReclaimPolicyKind) -> NaivePolicy? {
    switch kind {
    case .fifo: NaiveClock(false)
    case .clock: NaiveClock(true)
    case .twoQueue: NaiveTwoQueue()
    case .twoList: NaiveTwoList()
    case .generations: NaiveGenerations()
    case .random: nil
    }
  }

  @Test(arguments: ReclaimPolicyKind.allCases.filter { $0 != .random })
  func `the pages go that go by a policy of arrays`(kind: ReclaimPolicyKind) throws {
    let machine = try PolicyBench(kind)
    let model = try #require(Self.naive(kind))
    var random = SeededGenerator(seed: 5)
    var next = 0
    var differences: [String] = []
    for step in 0..<700 {
      let dice = Int(random.next() % 100)
      if dice < 40 && next < 400 {
        machine.touch(next)
        model.enter(next)
        next += 1
      } else if dice < 75 {
        // Some pages are used more than others.
        let live = model.resident.sorted()
        if live.isEmpty { continue }
        let page = live[Int(random.next() & 0xffff) % max(1, live.count / 3)]
        machine.touch(page)
        model.accessed.insert(page)
      } else if dice < 80 && kind == .twoQueue {
        // A page that has come back.
        guard let page = model.lists[0].first else { continue }
        machine.system.policy.refaulted(
          machine.frame(page), isWorkingSet: true, machine.system.frames.lists)
        model.lists[0].removeFirst()
        model.lists[1].append(page)
      } else if model.resident.count > 20 {
        let count = 1 + Int(random.next() % 6)
        machine.scan(count)
        model.scan(count)
      }
      for page in 0..<next where machine.isResident(page) == model.evicted.contains(page) {
        differences.append("step \(step): page \(page)")
      }
      if !differences.isEmpty { break }
    }
    #expect(differences.isEmpty)
    #expect(model.evicted.count > 60)
    #expect(machine.bench.kernel.system.checkInvariants() == nil)
  }

  @Test func `random takes the same pages for the same seed, others for another`() throws {
    func left(_ seed: UInt64) throws -> [Int] {
      let machine = try PolicyBench(.random, seed: seed, pages: 60)
      for page in 0..<60 { machine.touch(page) }
      machine.scan(30)
      return (0..<60).filter(machine.isResident)
    }
    let first = try left(1)
    #expect(first.count == 30)
    #expect(try left(1) == first)
    #expect(try left(2) != first)
  }

  @Test func `a page used through a translation that is cached does not look accessed`() throws {
    let machine = try PolicyBench(.clock)
    for page in 0..<4 { machine.touch(page) }
    for page in 0..<4 { #expect(machine.system.wasUsed(machine.frame(page))) }
    // Page 3 was walked to last and is in the TLB; the kernel took its bit without a word to it.
    machine.bench.store(2, at: machine.base + 3 * 4096)
    #expect(!machine.system.wasUsed(machine.frame(3)))
    // Evicted from there, the walk sets the bit again.
    machine.touch(3)
    #expect(machine.system.wasUsed(machine.frame(3)))
  }

  @Test(arguments: ReclaimPolicyKind.allCases)
  func `locked pages stay, and are in nobody's way`(kind: ReclaimPolicyKind) throws {
    let machine = try PolicyBench(kind, pages: 40)
    #expect(machine.bench.call(228, machine.base, 8 * 4096) == 0)
    for page in 8..<40 { machine.touch(page) }
    for _ in 0..<20 { machine.scan(40) }
    #expect((0..<40).filter(machine.isResident) == Array(0..<8))
    #expect(machine.bench.finish() == nil)
  }

  @Test func `who uses a page twice in two rounds is active, and stays when others go`() throws {
    let machine = try PolicyBench(.twoList, pages: 20)
    for page in 0..<10 { machine.touch(page) }
    machine.scan(10)
    // All had one more round; now page 4 is used again, and becomes active.
    machine.touch(4)
    machine.scan(10)
    #expect((0..<10).filter(machine.isResident) == [4])
    let lists = machine.system.frames.lists
    #expect(lists.list(of: machine.frame(4)) == PageList(.anonymous, 1))
    machine.system.policy.cooled(machine.frame(4), lists)
    #expect(lists.list(of: machine.frame(4)) == PageList(.anonymous, 0))
  }
}
