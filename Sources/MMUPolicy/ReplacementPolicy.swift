/// The algorithms that can be named, with their parameters.
public enum ReplacementPolicy: Hashable, Sendable {
  /// The page loaded earliest leaves.
  case fifo
  /// The least recently used page leaves.
  case lru
  /// The most recently used page leaves.
  case mru
  /// The page whose next use lies farthest ahead leaves.
  case optimal
  /// FIFO with a second chance; a load counts as a reference if `setsAtLoad`.
  case clock(setsAtLoad: Bool)
  /// The page with the fewest references since its load leaves.
  case lfu
  /// A FIFO of `kin` pages in front of an LRU list, and `kout` page numbers remembered; nil is a quarter
  /// and a half of the frames, as its authors advise.
  case twoQueue(kin: Int? = nil, kout: Int? = nil)
  /// Any page leaves.
  case random(seed: UInt64)

  /// All of them as they are without parameters, in the order of `list policies`.
  public static let all: [ReplacementPolicy] = [
    .fifo, .lru, .mru, .optimal, .clock(setsAtLoad: true), .clock(setsAtLoad: false), .lfu,
    .twoQueue(), .random(seed: 1),
  ]

  /// The name without parameters.
  public var name: String {
    switch self {
    case .fifo: "fifo"
    case .lru: "lru"
    case .mru: "mru"
    case .optimal: "opt"
    case .clock(setsAtLoad: true): "clock"
    case .clock(setsAtLoad: false): "clock-load0"
    case .lfu: "lfu"
    case .twoQueue: "2q"
    case .random: "random"
    }
  }

  /// What leaves, in a line.
  public var summary: String {
    switch self {
    case .fifo: "the page loaded earliest"
    case .lru: "the page whose last use lies farthest back"
    case .mru: "the page used last"
    case .optimal: "the page whose next use lies farthest ahead (Belady's OPT)"
    case .clock(setsAtLoad: true):
      "the next page not referenced since the hand passed (second chance)"
    case .clock(setsAtLoad: false): "clock, but a load leaves the referenced bit clear"
    case .lfu: "the page with the fewest references since its load"
    case .twoQueue: "2Q: a FIFO for new pages, LRU for pages that come back; 2q:KIN/KOUT"
    case .random: "any page, by a generator seeded with --seed"
    }
  }

  /// The policy that a name stands for; for `2q`, `2q:KIN/KOUT` gives the parameters.
  ///
  /// - Parameter seed: for `random`.
  public init?(_ text: String, seed: UInt64 = 1) {
    if let policy = Self.all.first(where: { $0.name == text }) {
      self = policy
      if case .random = policy { self = .random(seed: seed) }
      return
    }
    guard text.hasPrefix("2q:") else { return nil }
    let numbers = text.dropFirst(3).split(separator: "/", omittingEmptySubsequences: false)
    guard numbers.count == 2, let kin = Int(numbers[0]), let kout = Int(numbers[1]), kin >= 0,
      kout >= 0
    else { return nil }
    self = .twoQueue(kin: kin, kout: kout)
  }

  /// Replays a string with `frames` frames, at least 1.
  ///
  /// - Complexity: O(n) for n references; OPT O(n log n).
  public func replay(_ string: ReferenceString, frames: Int) -> ReplayCounts {
    var observer = NoObserver()
    return replay(string, frames: frames, observer: &observer)
  }

  /// The same, with every step.
  public func steps(_ string: ReferenceString, frames: Int) -> [ReplayStep] {
    var observer = StepRecorder()
    _ = replay(string, frames: frames, observer: &observer)
    return observer.steps
  }

  private func replay<Observer: ReplayObserver>(
    _ string: ReferenceString, frames: Int, observer: inout Observer
  ) -> ReplayCounts {
    precondition(frames >= 1, "\(frames) frames")
    func run<Algorithm: ReplacementAlgorithm & ~Copyable>(
      _ algorithm: consuming Algorithm, _ observer: inout Observer
    ) -> ReplayCounts {
      var algorithm = algorithm
      return MMUPolicy::replay(string, frames: frames, by: &algorithm, observer: &observer)
    }
    // Frames beyond the number of pages are never used.
    let used = max(1, min(frames, string.names.count))
    switch self {
    case .fifo: return run(FirstInFirstOut(frames: used), &observer)
    case .lru: return run(LeastRecentlyUsed(frames: used), &observer)
    case .mru: return run(MostRecentlyUsed(), &observer)
    case .optimal: return run(Optimal(string, frames: used), &observer)
    case .clock(let setsAtLoad):
      return run(Clock(frames: used, setsAtLoad: setsAtLoad), &observer)
    case .lfu: return run(LeastFrequentlyUsed(frames: used), &observer)
    case .twoQueue(let kin, let kout):
      return run(
        TwoQueue(
          frames: used, pages: string.names.count, kin: kin ?? max(1, frames / 4),
          kout: kout ?? max(1, frames / 2)), &observer)
    case .random(let seed): return run(RandomChoice(frames: used, seed: seed), &observer)
    }
  }
}
