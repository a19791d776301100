import MMUPolicy
import Testing
import TestSupport

@Suite struct `Replacement algorithms` {
  private static let ruled = ReplacementPolicy.all.filter { $0.name != "random" }
  private static let belady = ReferenceString(pages: [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5])

  @Test(arguments: ruled) func `do as the rules say, step by step`(policy: ReplacementPolicy) {
    for seed in 0..<600 as Range<UInt64> {
      var dice = Dice(seed)
      let string = dice.string()
      let frames = 1 + dice.below(9)
      var policy = policy
      if case .twoQueue = policy, seed % 2 == 0 {
        policy = .twoQueue(kin: dice.below(frames + 1), kout: dice.below(2 * frames))
      }
      let naive = NaiveReplay(string, policy, frames: frames)
      let isRight =
        policy.replay(string, frames: frames) == naive.counts
        && policy.steps(string, frames: frames) == naive.steps
      if !isRight { Issue.record("\(policy), seed \(seed), \(frames) frames") }
    }
  }

  @Test func `OPT is never beaten`() {
    for seed in 0..<400 as Range<UInt64> {
      var dice = Dice(seed)
      let string = dice.string()
      for frames in 1...10 {
        let least = ReplacementPolicy.optimal.replay(string, frames: frames).faults
        for policy in ReplacementPolicy.all
        where policy.replay(string, frames: frames).faults < least {
          Issue.record("\(policy) beats OPT, seed \(seed), \(frames) frames")
        }
      }
    }
  }

  /// The pages in memory after each step, from the victims alone.
  private func contents(_ steps: [ReplayStep]) -> [Set<Int>] {
    var memory: Set<Int> = []
    return steps.map { step in
      if let victim = step.victim { memory.remove(victim) }
      memory.insert(step.page)
      return memory
    }
  }

  @Test func `with LRU a larger memory holds all that a smaller one does`() {
    for seed in 0..<400 as Range<UInt64> {
      var dice = Dice(seed)
      let string = dice.string()
      var smaller = contents(ReplacementPolicy.lru.steps(string, frames: 1))
      for frames in 2...10 {
        let larger = contents(ReplacementPolicy.lru.steps(string, frames: frames))
        if !zip(smaller, larger).allSatisfy({ $0.isSubset(of: $1) }) {
          Issue.record("seed \(seed), \(frames) frames")
        }
        smaller = larger
      }
    }
  }

  @Test func `Belady's anomaly: FIFO has more faults with four frames than with three`() {
    #expect(ReplacementPolicy.fifo.replay(Self.belady, frames: 3).faults == 9)
    #expect(ReplacementPolicy.fifo.replay(Self.belady, frames: 4).faults == 10)
    #expect(ReplacementPolicy.lru.replay(Self.belady, frames: 3).faults == 10)
    #expect(ReplacementPolicy.lru.replay(Self.belady, frames: 4).faults == 8)
    #expect(ReplacementPolicy.optimal.replay(Self.belady, frames: 3).faults == 7)
    #expect(ReplacementPolicy.optimal.replay(Self.belady, frames: 4).faults == 6)
  }

  @Test func `curves agree with a replay at every size`() {
    for seed in 0..<400 as Range<UInt64> {
      var dice = Dice(seed)
      // Long enough that times are renumbered.
      let string = dice.string(maximumLength: 400)
      let lru = MissCurve.lru(string)
      let optimal = MissCurve.optimal(string)
      #expect(lru.pages == string.names.count && optimal.pages == lru.pages)
      for frames in 1...lru.pages + 1 {
        let isRight =
          lru.faults(frames: frames)
          == ReplacementPolicy.lru.replay(string, frames: frames).faults
          && optimal.faults(frames: frames)
            == ReplacementPolicy.optimal.replay(string, frames: frames).faults
        if !isRight { Issue.record("seed \(seed), \(frames) frames") }
      }
    }
  }

  @Test func `curves of many pages agree with a replay`() {
    var dice = Dice(1)
    let pages = (0..<60_000).map { _ in UInt64(dice.below(1 + dice.below(3000))) }
    let string = ReferenceString(pages: pages)
    let lru = MissCurve.lru(string)
    let optimal = MissCurve.optimal(string)
    for frames in [1, 2, 63, 64, 65, 500, 2000, 2999, 4000] {
      #expect(
        lru.faults(frames: frames)
          == ReplacementPolicy.lru.replay(string, frames: frames).faults)
      #expect(
        optimal.faults(frames: frames)
          == ReplacementPolicy.optimal.replay(string, frames: frames).faults)
    }
  }

  @Test func `random takes every frame equally often, and the same ones for one seed`() {
    let string = ReferenceString(pages: (0..<8004).map { UInt64($0) })
    let steps = ReplacementPolicy.random(seed: 3).steps(string, frames: 4)
    var times = [0, 0, 0, 0]
    for step in steps.dropFirst(4) { if let frame = step.frame { times[frame] += 1 } }
    // Standard deviation 39.
    #expect(times.allSatisfy { abs($0 - 2000) < 160 }, "\(times)")
    #expect(ReplacementPolicy.random(seed: 3).steps(string, frames: 4) == steps)
    #expect(ReplacementPolicy.random(seed: 4).steps(string, frames: 4) != steps)
  }

  @Test func `an algorithm of one's own runs in the same loop`() {
    struct RoundRobin: ReplacementAlgorithm {
      let frames: Int
      var hand = -1
      mutating func victim(for page: Int, at time: Int) -> Int {
        hand = (hand + 1) % frames
        return hand
      }
    }
    var algorithm = RoundRobin(frames: 3)
    var observer = NoObserver()
    let counts = replay(Self.belady, frames: 3, by: &algorithm, observer: &observer)
    #expect(counts == ReplacementPolicy.fifo.replay(Self.belady, frames: 3))
  }

  @Test func `names lead back to policies`() {
    for policy in ReplacementPolicy.all { #expect(ReplacementPolicy(policy.name) == policy) }
    #expect(ReplacementPolicy("2q:1/2") == .twoQueue(kin: 1, kout: 2))
    #expect(ReplacementPolicy("random", seed: 9) == .random(seed: 9))
    for name in ["", "2q:", "2q:1", "2q:1/", "2q:-1/2", "2q:1/2/3", "LRU"] {
      #expect(ReplacementPolicy(name) == nil, "\(name)")
    }
  }
}
