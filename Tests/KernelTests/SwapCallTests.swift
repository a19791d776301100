@testable import MMUKernel
import MMUMemory
import Testing

// What programs see of swap: system calls, /proc, and what becomes of pages that are out.

/// A machine with a swap area of 256 pages, and what the tests of swap ask of it.
func swapBench(
  ram: UInt64 = 16 << 20, _ configure: (inout KernelConfiguration) -> Void = { _ in }
) throws -> Bench {
  let bench = try Bench(ram: ram) {
    $0.swapPages = 257
    $0.hugePages = .never
    configure(&$0)
  }
  bench.map(1, at: Bench.pathPage, flags: 0x10)
  bench.put(Array(bench.kernel.configuration.swapName.utf8) + [0], at: Bench.pathPage)
  return bench
}

extension Bench {
  var swap: SwapArea { kernel.system.swap! }
  var reclaimCounters: ReclaimCounters { kernel.system.reclaimCounters }

  /// Writes a different byte into each of so many pages.
  func fill(_ address: UInt64, _ pages: UInt64, from first: UInt64 = 1) {
    for i in 0..<pages { store(UInt8(truncatingIfNeeded: first + i), at: address + i * 4096) }
  }

  /// The first bytes of so many pages.
  func bytes(_ address: UInt64, _ pages: UInt64) -> [UInt8?] {
    (0..<pages).map { load(address + $0 * 4096) }
  }

  /// MADV_PAGEOUT.
  func pageOut(_ address: UInt64, _ pages: UInt64) {
    call(Number.madvise, address, pages * 4096, 21)
  }

  /// The kB behind a key of a text of /proc/self; nil if it is not there.
  func kilobytes(_ key: String, in text: String) -> Int? {
    for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
      return Int(line.split { !$0.isNumber }.first ?? "")
    }
    return nil
  }
}

@Suite struct SwapCallTests {
  @Test func `a file in memory gives its promise back for a page that is in swap`() throws {
    let bench = try swapBench()
    bench.put(Array("/dev/shm/f".utf8) + [0], at: Bench.pathPage + 64)
    let before = bench.kernel.system.committedPages
    let fd = bench.call(56, ~99, Bench.pathPage + 64, 0x42, 0o600)
    #expect(fd == 3)
    bench.call(46, 3, 4 * 4096)
    let at = UInt64(bitPattern: bench.call(Number.mmap, 0, 4 * 4096, 3, 1, 3, 0))
    bench.fill(at, 4)
    bench.pageOut(at, 4)
    #expect(bench.swap.used == 4)
    #expect(bench.kernel.system.committedPages == before + 4)
    bench.call(46, 3, 4096)
    #expect(bench.swap.used == 1)
    #expect(bench.kernel.system.committedPages == before + 1)
    #expect(bench.finish() == nil)
  }

  @Test func `a write behind the end keeps its page while the old end comes back from swap`() throws
  {
    let bench = try swapBench { $0.reclaimPolicy = .fifo }
    bench.put(Array("/dev/shm/f".utf8) + [0], at: Bench.pathPage + 64)
    bench.call(56, ~99, Bench.pathPage + 64, 0x42, 0o600)
    bench.call(46, 3, 100)
    let at = UInt64(bitPattern: bench.call(Number.mmap, 0, 4096, 3, 1, 3, 0))
    bench.fill(at, 1)
    bench.pageOut(at, 1)
    // The page of the write is the one frame there is; the old end's needs another.
    bench.kernel.system.frames.allocationsUntilFailure = 1
    #expect(bench.call(68, 3, Bench.pathPage, 8, 5 * 4096 + 10) == 8)
    #expect(bench.kernel.system.frames.allocationsUntilFailure == nil)
    let buffer = bench.map(1)
    #expect(bench.call(67, 3, buffer, 8, 5 * 4096 + 10) == 8)
    #expect(bench.loadString(buffer) == "/dev/vdb")
    #expect(bench.finish() == nil)
  }

  @Test(arguments: [224, 225] as [UInt64])
  func `swapon and swapoff know a path that is missing from one that is no area`(
    number: UInt64
  ) throws {
    let bench = try swapBench()
    bench.put(Array("/nowhere".utf8) + [0], at: Bench.pathPage + 64)
    #expect(bench.call(number, Bench.pathPage + 64, 0) == negative(.noEntry))
    bench.put(Array("/dev/null".utf8) + [0], at: Bench.pathPage + 64)
    #expect(bench.call(number, Bench.pathPage + 64, 0) == negative(.invalid))
    #expect(bench.call(number, 8, 0) == negative(.badAddress))
    #expect(bench.call(224, Bench.pathPage, 1 << 20) == negative(.invalid))
    #expect(bench.call(224, Bench.pathPage, 0) == negative(.busy))
    #expect(bench.call(225, Bench.pathPage) == 0)
    #expect(bench.call(225, Bench.pathPage) == negative(.invalid))
    #expect(bench.call(224, Bench.pathPage, 0x8005) == 0)
    #expect(bench.finish() == nil)
  }
}
