import MMUPolicy

/// Replays by policy, and the curves of all sizes: ten million references, skewed, with scans.
var policyWorkloads: [Workload] {
  let count = 10_000_000
  let string = PageString(count: count)
  func workload(_ name: String, _ summary: String, _ run: @escaping () -> Int) -> Workload {
    Workload(name: name, event: "reference", summary: summary, count: count) {
      var faults = 0
      return {
        faults = run()
        precondition(faults > 0, "a replay without a fault")
      }
    }
  }
  return ReplacementPolicy.all.map { policy in
    workload("replay-\(policy.name)", "10,000 frames for 100,000 pages, skewed, with scans") {
      policy.replay(string.value, frames: 10_000).faults
    }
  } + [
    workload("curve-lru", "faults at all 100,000 sizes, stack distances") {
      MissCurve.lru(string.value).faults(frames: 1)
    },
    workload("curve-opt", "faults at all 100,000 sizes, the stack of OPT") {
      MissCurve.optimal(string.value).faults(frames: 1)
    },
  ]
}

/// A reference string made when it is first asked for.
private final class PageString {
  private let count: Int
  lazy var value = Self.make(count)

  init(count: Int) { self.count = count }

  /// Nine references of ten are skewed as in Zipf's law, the tenth is part of a scan of a thousand.
  ///
  /// The skewed ones are uniform below 100,000 by a power of two, the powers equally likely.
  private static func make(_ count: Int) -> ReferenceString {
    var state: UInt64 = 1
    func random() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
    var string = ReferenceString()
    while string.count < count {
      for _ in 0..<min(9000, count - string.count) {
        let bits = random()
        let bound: UInt64 = max(1, 100_000 >> (bits & 15))
        string.append(PageName((bits >> 32) % bound), isWrite: bits & 0x300 == 0)
      }
      let first = random() % 99_000
      for page in first..<first + UInt64(min(1000, count - string.count)) {
        string.append(PageName(page))
      }
    }
    return string
  }
}
