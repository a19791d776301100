// Benchmarks: named workloads on the library itself, best of several runs after a warm-up.
//
//     swift run -c release Benchmarks [NAME...]
//
// Each prints host nanoseconds for an event; the programs under Programs/bench measure whole runs.

import MMUMemory

@main
struct Main {
  static func main() {
    let wanted = Set(CommandLine.arguments.dropFirst())
    let all =
      translationWorkloads + kernelWorkloads + reclaimWorkloads + policyWorkloads
      + allocationWorkloads + compressionWorkloads
    let growth = growthWorkloads
    let names = all.map(\.name) + growth.map(\.name)
    for name in wanted where !names.contains(name) {
      print("there is no workload '\(name)'; these are: \(names.joined(separator: " "))")
      return
    }
    #if DEBUG
      print("a debug build: figures mean nothing; use -c release")
    #endif
    for workload in all where wanted.isEmpty || wanted.contains(workload.name) {
      let nanoseconds = workload.measure()
      let tenths = Int(nanoseconds * 10 + 0.5)
      let padded = workload.name + String(repeating: " ", count: max(0, 18 - workload.name.count))
      print("\(padded) \(tenths / 10).\(tenths % 10) ns/\(workload.event)  \(workload.summary)")
    }
    for workload in growth
    where wanted.contains(workload.name) || wanted.isEmpty && workload.largeRAM == nil {
      workload.report()
    }
  }
}

/// Something to measure: `prepare` returns a closure that causes `count` events, and what is to be done
/// before each measurement.
struct Workload {
  let name: String
  let event: String
  let summary: String
  let count: Int
  let prepare: () -> (reset: () -> Void, run: () -> Void)

  /// Host nanoseconds an event takes: the best of nine runs after one to warm up.
  func measure() -> Double {
    let (reset, run) = prepare()
    reset()
    run()
    var best = UInt64.max
    for _ in 0..<9 {
      reset()
      let start = Platform.nanoseconds()
      run()
      best = min(best, Platform.nanoseconds() - start)
    }
    return Double(best) / Double(count)
  }
}

extension Workload {
  /// Work that leaves things as it found them.
  init(
    name: String, event: String, summary: String, count: Int, prepare: @escaping () -> () -> Void
  ) {
    self.init(name: name, event: event, summary: summary, count: count) {
      (reset: {}, run: prepare())
    }
  }
}
