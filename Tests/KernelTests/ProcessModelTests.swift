import Foundation
import Testing

@testable import MMUKernel

// Random system calls and accesses of several processes against the model of ProcessModel.swift.

@Suite struct ProcessModelTests {
  /// Operations of all seeds together; `.ci/models` sets it.
  private static let operations =
    ProcessInfo.processInfo.environment["MMUEMU_OPERATIONS"].flatMap { Int($0) } ?? 50_000
  /// A seed for each 10,000 operations.
  private static let seeds = 1...UInt64(max(1, operations / 10_000))

  @Test(arguments: seeds)
  func `several processes agree with dictionaries of pages and arrays of bytes`(
    seed: UInt64
  ) throws {
    var limits = ModelLimits()
    switch seed % 4 {
    // Larger files than RAM holds: the page cache gives way all the time.
    case 0:
      limits.ram = 6 << 20
      limits.filePages = 900
      limits.windowPages = 40
      limits.processes = 4
    // More processes with little.
    case 3:
      limits.processes = 9
      limits.windowPages = 24
      limits.filePages = 12
    default: break
    }
    let model = try ProcessModel(seed: seed, limits: limits)
    if let problem = model.run(10_000) { Issue.record("seed \(seed), \(problem)") }
    #expect(model.steps >= 10_000 || model.problem != nil)
  }

  @Test func `huge pages wherever they fit change nothing that the model knows of`() throws {
    var limits = ModelLimits()
    limits.hugePages = .always
    limits.ram = 64 << 20
    limits.windowPages = 3 * 512 + 40
    limits.processes = 4
    limits.checkInterval = 1000
    var allocations: UInt64 = 0
    var splits: UInt64 = 0
    let seeds = 1...UInt64(max(2, Self.operations / 20_000))
    for seed in seeds {
      let model = try ProcessModel(seed: seed, limits: limits)
      if let problem = model.run(4000) { Issue.record("seed \(seed), \(problem)") }
      #expect(model.steps >= 4000 || model.problem != nil)
      allocations += model.bench.books.faultAllocations
      splits += model.bench.books.splits
    }
    #expect(allocations > 20 * seeds.upperBound && splits > 20 * seeds.upperBound)
  }

  /// Every two choices meet: six policies, three values of swappiness, and the rest in turn.
  static let pressures: [ModelPressure] = ReclaimPolicyKind.allCases.enumerated()
    .flatMap { i, policy in
      (0..<4).map { j in
        ModelPressure(
          policy: policy, zswapPercent: (i + j) % 2 == 0 ? 0 : 20,
          swappiness: [60, 0, 200][(i + j) % 3], failure: ModelPressure.Failure.allCases[j],
          isLimited: (i + j / 2) % 2 == 0, hugePages: (i / 2 + j / 2) % 2 == 0 ? .never : .always)
      }
    }

  @Test(arguments: pressures)
  func `no page changes while it is out of memory`(pressure: ModelPressure) throws {
    let limits = ModelLimits(pressure)
    var reads: UInt64 = 0
    var failedWrites: UInt64 = 0
    for seed in 1...UInt64(max(1, Self.operations / 50_000)) {
      let model = try ProcessModel(seed: seed, limits: limits)
      if let problem = model.run(1000) { Issue.record("seed \(seed), \(problem)") }
      #expect(model.steps >= 1000 || model.isLost || model.problem != nil)
      reads += model.bench.reclaimCounters.swapIn
      failedWrites += model.bench.reclaimCounters.failedWrites
    }
    #expect(reads > 0)
    #expect((failedWrites > 0) == (pressure.failure == .writes) || pressure.failure == .transfers)
  }
}
