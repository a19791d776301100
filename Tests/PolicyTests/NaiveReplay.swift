import MMUPolicy
import TestSupport

extension Dice {
  /// A string of one of several shapes: uniform, skewed, loops, a hot set with scans, phases.
  mutating func string(maximumLength: Int = 120) -> ReferenceString {
    let count = 1 + below(maximumLength)
    let pages = 1 + below(14)
    let shape = below(5)
    var numbers: [UInt64] = []
    for i in 0..<count {
      switch shape {
      case 0: numbers.append(UInt64(below(pages)))
      case 1: numbers.append(UInt64(below(1 + below(pages))))
      case 2: numbers.append(UInt64(below(10) == 0 ? below(pages) : i % pages))
      case 3: numbers.append(UInt64(below(3) == 0 ? 100 + i % pages : below(3)))
      default: numbers.append(UInt64(i / 20 * 5 + below(pages)))
      }
    }
    return ReferenceString(pages: numbers, writes: numbers.map { _ in below(3) == 0 })
  }
}

/// Replays by arrays that are searched from one end to the other: the rules as they are said.
struct NaiveReplay {
  private struct Page {
    var number: Int
    var loaded: Int
    var used: Int
    var count = 1
    var isReferenced: Bool
    var isMain = false
  }

  let string: ReferenceString
  let policy: ReplacementPolicy
  let frames: Int
  private(set) var counts = ReplayCounts()
  private(set) var steps: [ReplayStep] = []
  /// The pages in memory after each reference.
  private(set) var contents: [Set<Int>] = []
  private var memory: [Page] = []
  private var dirty: Set<Int> = []
  private var hand = 0
  private var remembered: [Int] = []
  private let pages: [Int]

  init(_ string: ReferenceString, _ policy: ReplacementPolicy, frames: Int) {
    self.string = string
    self.policy = policy
    self.frames = frames
    pages = (0..<string.count).map { Int(string.references[$0] >> 1) }
    for time in 0..<string.count { step(time) }
  }

  private mutating func step(_ time: Int) {
    let number = pages[time]
    counts.references += 1
    if let i = memory.firstIndex(where: { $0.number == number }) {
      memory[i].used = time
      memory[i].count += 1
      memory[i].isReferenced = true
      steps.append(ReplayStep(page: number, isFault: false))
    } else {
      counts.faults += 1
      var page = Page(number: number, loaded: time, used: time, isReferenced: loadCounts)
      var frame = memory.count
      var victim: Int?
      if memory.count == frames {
        frame = choose(time)
        let old = memory[frame]
        victim = old.number
        counts.evictions += 1
        if dirty.remove(old.number) != nil { counts.writebacks += 1 }
        if case .twoQueue(_, let kout) = policy, !old.isMain {
          remembered.append(old.number)
          if remembered.count > kout ?? max(1, frames / 2) { remembered.removeFirst() }
        }
      }
      if let i = remembered.firstIndex(of: number) {
        remembered.remove(at: i)
        page.isMain = true
      }
      if victim == nil { memory.append(page) } else { memory[frame] = page }
      steps.append(ReplayStep(page: number, isFault: true, victim: victim, frame: frame))
    }
    if string.isWrite(at: time) { dirty.insert(number) }
    contents.append(Set(memory.map(\.number)))
  }

  private var loadCounts: Bool {
    if case .clock(let setsAtLoad) = policy { return setsAtLoad }
    return true
  }

  /// The frame with the least value.
  private func least(_ value: (Page) -> [Int]) -> Int {
    memory.indices.min { value(memory[$0]).lexicographicallyPrecedes(value(memory[$1])) } ?? 0
  }

  private mutating func choose(_ time: Int) -> Int {
    switch policy {
    case .fifo: return least { [$0.loaded] }
    case .lru: return least { [$0.used] }
    case .mru: return least { [-$0.used] }
    case .lfu: return least { [$0.count, $0.used] }
    case .optimal:
      return least { page in
        let next = pages[time...].firstIndex(of: page.number) ?? Int.max
        return [-next, page.loaded]
      }
    case .clock:
      while memory[hand].isReferenced {
        memory[hand].isReferenced = false
        hand = (hand + 1) % frames
      }
      defer { hand = (hand + 1) % frames }
      return hand
    case .twoQueue(let kin, _):
      let incoming = memory.count { !$0.isMain }
      if incoming > kin ?? max(1, frames / 4) || incoming == memory.count {
        return least { [$0.isMain ? 1 : 0, $0.loaded] }
      }
      return least { [$0.isMain ? 0 : 1, $0.used] }
    case .random: preconditionFailure("chance has no rule")
    }
  }
}
