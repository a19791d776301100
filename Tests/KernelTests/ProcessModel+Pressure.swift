import MMUMemory
import Testing

@testable import MMUKernel

// The model of processes where memory is short: most pages are in swap or on the disk at any time, and
// frames and transfers fail.

extension ProcessModel {
  /// Lets one of the next frames not be had, where that must change nothing.
  func failSome(_ operation: ModelOperation) {
    mayMissFrame = false
    guard limits.pressure?.failure == .frames, isSwapOn, below(4) == 0 else { return }
    // With nothing to reclaim, somebody would have to die for it.
    if bench.kernel.system.frames.lists.pages < 20 { return }
    switch operation {
    case .load, .store, .fork, .read, .readAt, .write, .writeAt, .advise, .swapOff:
      bench.kernel.system.frames.allocationsUntilFailure = UInt64(below(6))
      mayMissFrame = true
    default: break
    }
  }

  /// Whether what the test let fail explains an error, or less than was asked for: a page of swap that
  /// could not be read, or a frame that was not there when nothing could be reclaimed either.
  func isExcused(_ result: Int64, _ failedReads: UInt64) -> Bool {
    let errors = [Errno.badAddress, .inputOutput, .noMemory].map { -$0.rawValue }
    guard errors.contains(result) || result >= 0 else { return false }
    return bench.reclaimCounters.failedReads != failedReads
      || mayMissFrame && bench.kernel.system.frames.allocationsUntilFailure == nil
  }

  /// Finds out what stands in a page of MADV_FREE, once it is there.
  func look(_ process: ModelProcess, _ number: UInt64, _ host: UnsafeRawPointer) {
    guard let page = process.pages[number], page.isFreed else { return }
    let real = UnsafeRawBufferPointer(start: host, count: 4096)
    if real.elementsEqual(page.content) || real.contains(where: { $0 != 0 }) { return }
    process.pages[number]!.own = nil
    process.pages[number]!.isFreed = false
  }
}

/// How memory is short.
struct ModelPressure: Sendable, CustomTestStringConvertible {
  enum Failure: CaseIterable, Sendable {
    case none
    /// One write to swap in four.
    case writes
    /// Frames that are not to be had, now and then.
    case frames
    /// One transfer in a thousand.
    case transfers
  }

  var policy = ReclaimPolicyKind.twoList
  var zswapPercent: UInt64 = 0
  var swappiness: UInt64 = 60
  var failure = Failure.none
  /// By `residentLimit` instead of by little RAM.
  var isLimited = true
  var hugePages = HugePageMode.never

  func configure(_ configuration: inout KernelConfiguration, seed: UInt64) {
    configuration.swapPages = 4096
    configuration.reclaimPolicy = policy
    configuration.compressedSwapPercent = zswapPercent
    configuration.swappiness = swappiness
    if isLimited { configuration.residentLimit = hugePages == .always ? 540 : 60 }
    configuration.seed = seed
    if failure == .transfers { configuration.swapErrorOdds = 1000 }
    if failure == .writes { configuration.swapStore = FailingStore(seed: seed, pages: 4096) }
  }

  var testDescription: String {
    "\(policy) zswap \(zswapPercent) % swappiness \(swappiness) thp \(hugePages) failing \(failure), "
      + (isLimited ? "limited" : "in little RAM")
  }
}

extension ModelLimits {
  /// Those with which memory is short all the time.
  init(_ pressure: ModelPressure) {
    self.pressure = pressure
    checkInterval = 100
    hugePages = pressure.hugePages
    if hugePages == .always {
      windowPages = 2 * 512 + 40
      processes = 3
      ram = pressure.isLimited ? 8 << 20 : 9 << 19
    } else if !pressure.isLimited {
      ram = 1 << 19
    }
  }
}

/// A disk of which one write in four fails.
private final class FailingStore: SwapStore {
  private let store: MemorySwapStore
  private var dice: SeededGenerator

  init(seed: UInt64, pages: UInt64) {
    store = MemorySwapStore(pages: pages)
    dice = SeededGenerator(seed: seed)
  }

  func read(_ slot: UInt64, into page: UnsafeMutableRawPointer) -> Bool {
    store.read(slot, into: page)
  }

  func write(_ slot: UInt64, from page: UnsafeRawPointer) -> Bool {
    dice.next() % 4 != 0 && store.write(slot, from: page)
  }
}
