import MMUAssembly

/// A script of allocations, replayed on heaps with different strategies.
///
///     let script = try FitScript(bytes, name: "demo.lab")
///     print(script.replay(size: 1000, [.first, .best]))
///
/// Lines are `alloc NAME SIZE` and `free NAME`.
public struct FitScript {
  enum Step {
    case allocate(name: String, size: UInt64)
    case free(name: String)
  }

  private let steps: [(text: String, step: Step)]

  /// Reads a script.
  ///
  /// - Throws: all that is wrong with it.
  public init(_ bytes: [UInt8], name file: String) throws(LabFailure) {
    var steps: [(text: String, step: Step)] = []
    var live: [String: Diagnostic.Place] = [:]
    try LabScript(bytes, name: file).read(empty: "\(file) has no commands") {
      (line) throws(LabError) in
      switch line.words[0].text {
      case "alloc":
        let name = try line.word(1, "a name")
        let size = try line.word(2, "a size").size()
        try line.end(after: 3)
        if live[name.text] != nil {
          throw LabError("'\(name.text)' is allocated already", name.place)
        }
        live[name.text] = name.place
        steps.append((line.text, .allocate(name: name.text, size: size)))
      case "free":
        let name = try line.word(1, "a name")
        try line.end(after: 2)
        if live.removeValue(forKey: name.text) == nil {
          throw LabError("'\(name.text)' is not allocated here", name.place)
        }
        steps.append((line.text, .free(name: name.text)))
      default: throw line.unknownCommand(among: ["alloc", "free"])
      }
    }
    self.steps = steps
  }

  /// What one strategy made of the script.
  struct Outcome {
    var heap: FitHeap
    var steps = ""
    var requests = 0
    var failures = 0
    /// Failures although enough was free, in pieces.
    var fragmentationFailures = 0
    /// The worst external fragmentation after any step: the parts of 1 - largest / free.
    var worst: (outside: UInt64, free: UInt64) = (0, 0)
  }

  /// Replays the script with each strategy.
  ///
  /// - Returns: each step with the free list, and a table of how the strategies did.
  public func replay(size: UInt64, _ strategies: [FitStrategy]) -> String {
    let outcomes = strategies.map { run(size, $0) }
    var text = outcomes.map(\.steps).joined(separator: "\n") + "\n"
    var table = LabTable()
    table.add("", strategies.map(\.rawValue))
    func row(_ name: String, _ value: (Outcome) -> String) {
      table.add(name, outcomes.map(value))
    }
    row("requests") { "\($0.requests)" }
    row("failed") { "\($0.failures)" }
    row("  though enough was free") { "\($0.fragmentationFailures)" }
    row("free at the end") { "\($0.heap.freeSize)" }
    row("  blocks") { "\($0.heap.freeList.count)" }
    row("  largest") { "\($0.heap.largestFree)" }
    row("external fragmentation") {
      LabNumber.percent($0.heap.freeSize - $0.heap.largestFree, of: $0.heap.freeSize)
    }
    row("  at most") { LabNumber.percent($0.worst.outside, of: $0.worst.free) }
    row("internal fragmentation") { _ in "0.0%" }
    row("blocks looked at") { "\($0.heap.examined)" }
    text += table.text
    return text
  }

  private func run(_ size: UInt64, _ strategy: FitStrategy) -> Outcome {
    var outcome = Outcome(heap: FitHeap(strategy, size: size))
    var live: [String: FitHeap.Block] = [:]
    var rows: [(step: String, what: String, free: String)] = []
    for (text, step) in steps {
      var what: String
      switch step {
      case .allocate(let name, let size):
        outcome.requests += 1
        if let address = outcome.heap.allocate(size) {
          live[name] = FitHeap.Block(address: address, size: size)
          what = "at \(address)"
        } else {
          outcome.failures += 1
          what = "fails"
          if outcome.heap.freeSize >= size {
            outcome.fragmentationFailures += 1
            what = "fails, \(outcome.heap.freeSize) free"
          }
        }
      case .free(let name):
        if let block = live.removeValue(forKey: name) {
          outcome.heap.free(block.address, block.size)
          what = "\(block.address)-\(block.end)"
        } else {
          what = "was not placed"
        }
      }
      let free = outcome.heap.freeSize
      let outside = free - outcome.heap.largestFree
      // a / b > c / d, without division
      let worst = outcome.worst
      let now = outside.multipliedFullWidth(by: max(worst.free, 1))
      let before = worst.outside.multipliedFullWidth(by: max(free, 1))
      if (now.high, now.low) > (before.high, before.low) { outcome.worst = (outside, free) }
      let list = outcome.heap.freeList.map { "\($0.address)-\($0.end)" }
      rows.append((text, what, list.isEmpty ? "nothing" : list.joined(separator: " ")))
    }
    outcome.steps = "\(strategy.rawValue) fit, \(LabNumber.text(size)) bytes\n"
    let width = rows.map(\.step.count).max() ?? 0
    let whatWidth = rows.map(\.what.count).max() ?? 0
    for row in rows {
      outcome.steps +=
        "  \(padded(row.step, width))  \(padded(row.what, whatWidth))  free: \(row.free)\n"
    }
    return outcome
  }
}
