import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

// When memory is reclaimed, how much of it, and which kind of pages goes.

@Suite struct ReclaimTests {
  /// A file with so many clean pages in the cache.
  private func cacheFile(_ bench: Bench, pages: UInt64) throws -> Inode {
    bench.put(Array("/f".utf8) + [0], at: Bench.pathPage + 64)
    let fd = bench.call(56, ~99, Bench.pathPage + 64, 0x42, 0o600)
    let source = bench.map(16)
    for i in 0..<pages / 16 { bench.call(68, UInt64(fd), source, 65536, i * 65536) }
    bench.call(82, UInt64(fd))
    bench.call(Number.munmap, source, 65536)
    return try #require(bench.process.files.descriptors.file(UInt64(fd)).inode)
  }

  @Test func `kswapd wakes below the low watermark and frees up to the high one`() throws {
    let bench = try swapBench { $0.swapPages = 8193 }
    let frames = bench.kernel.system.frames
    let marks = frames.watermarks
    #expect([marks.min, marks.low, marks.high] == [128, 160, 192])
    let at = bench.map(5000)
    var lowest = UInt64.max
    var runs: UInt64 = 0
    for i in 0..<5000 as Range<UInt64> {
      bench.touch(at + i * 4096)
      let now = bench.reclaimCounters.daemonRuns
      if now != runs { #expect(frames.available >= marks.high) }
      runs = now
      lowest = min(lowest, frames.available)
    }
    #expect(runs > 5 && lowest >= marks.low)
    #expect(bench.reclaimCounters.directReclaims == 0)
    #expect(bench.kernel.pressure.stalledSome == 0 && bench.kernel.pressure.stalledFull == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `who goes below the lowest watermark in one call reclaims for itself`() throws {
    let bench = try swapBench { $0.swapPages = 8193 }
    let at = bench.map(5000, flags: 0x8000)
    let counters = bench.reclaimCounters
    #expect(counters.directReclaims > 10 && counters.freedDirectly >= counters.directReclaims)
    #expect(bench.space.swapEntries > 1000)
    let pressure = bench.kernel.pressure
    #expect(pressure.stalledSome > 0 && pressure.stalledSome >= pressure.stalledFull)
    #expect(bench.load(at) == 0)
    #expect(bench.finish() == nil)
  }

  @Test(arguments: ReclaimPolicyKind.allCases)
  func `a resident limit holds to a page at every step`(policy: ReclaimPolicyKind) throws {
    let bench = try swapBench {
      $0.residentLimit = 50
      $0.reclaimPolicy = policy
    }
    let at = bench.map(200)
    var most: UInt64 = 0
    for i in 0..<400 as Range<UInt64> {
      bench.store(UInt8(i % 200 + 1), at: at + i % 200 * 4096)
      most = max(most, bench.kernel.system.frames.lists.pages)
    }
    #expect(most == 51)
    #expect(bench.bytes(at, 200) == (1...200).map { $0 })
    #expect(bench.finish() == nil)
  }

  @Test func `where nothing can go the resident limit ends in the OOM killer`() throws {
    let bench = try Bench {
      $0.residentLimit = 50
      $0.hugePages = .never
    }
    let at = bench.map(200)
    let survived = (0..<200).prefix { bench.touch(at + $0 * 4096) }.count
    #expect(survived > 20 && survived < 51)
    #expect(bench.kernel.exitStatus == .killed(.kill))
    #expect(bench.messages.contains { $0.text.contains("oom-killer") })
  }

  @Test func `a huge page that does not fit below the resident limit becomes small ones`() throws {
    let bench = try swapBench {
      $0.residentLimit = 400
      $0.hugePages = .always
    }
    let at = bench.map(512, at: 0x4020_0000)
    bench.fill(at, 500)
    #expect(bench.kernel.system.huge.faultAllocations == 0)
    #expect(bench.kernel.system.huge.faultFallbacks > 0)
    #expect(bench.kernel.system.frames.lists.pages <= 401)
    #expect(bench.finish() == nil)
  }

  @Test func `while inactive pages of files abound, nothing is swapped`() throws {
    let bench = try swapBench()
    _ = try cacheFile(bench, pages: 640)
    let at = bench.map(200)
    bench.fill(at, 200)
    bench.kernel.system.reclaim(300, by: .direct)
    #expect(bench.reclaimCounters.droppedClean >= 300)
    #expect(bench.reclaimCounters.swapOut == 0)
    #expect(bench.finish() == nil)
  }

  @Test(arguments: [0, 60] as [UInt64])
  func `where few pages of files and few frames are left, the files keep theirs`(
    swappiness: UInt64
  ) throws {
    let bench = try swapBench(ram: 1 << 20) {
      $0.swappiness = swappiness
      $0.reclaimPolicy = .fifo
    }
    let frames = bench.kernel.system.frames
    _ = try cacheFile(bench, pages: 20)
    let at = bench.map(256)
    var pages: UInt64 = 0
    while frames.lists.count(.file) + frames.available > frames.watermarks.high {
      bench.store(1, at: at + pages * 4096)
      pages += 1
    }
    bench.kernel.system.reclaim(1, by: .direct)
    #expect(bench.reclaimCounters.swapOut == 1 && bench.reclaimCounters.droppedClean == 0)
    // With more frames free the others' turn comes.
    bench.kernel.system.reclaim(32, by: .direct)
    #expect(bench.reclaimCounters.droppedClean > 0)
    #expect(bench.finish() == nil)
  }

  @Test func `with a swappiness of 0 pages of files go first, and then the others all the same`()
    throws
  {
    let bench = try swapBench { $0.swappiness = 0 }
    let inode = try cacheFile(bench, pages: 64)
    let at = bench.map(200)
    bench.fill(at, 200)
    let system = bench.kernel.system
    while inode.pages.count > 0 {
      #expect(system.reclaim(32, by: .direct) > 0)
      #expect(bench.reclaimCounters.swapOut == 0)
    }
    var freed: UInt64 = 0
    for _ in 0..<3 { freed += system.reclaim(32, by: .direct) }
    #expect(freed > 32 && bench.reclaimCounters.swapOut > 32)
    #expect(bench.finish() == nil)
  }

  @Test func `a page of a file that is back soon is active, later it is not`() throws {
    let bench = try swapBench()
    let inode = try cacheFile(bench, pages: 64)
    let system = bench.kernel.system
    // A file's pages count as competition only as far as they are active, private ones always.
    let own = bench.map(100)
    bench.fill(own, 100)
    for (page, evictions) in [(3, 0), (4, 100_000)] as [(UInt64, UInt32)] {
      #expect(system.evict(inode.cachedFrame(page)))
      system.evictions &+= evictions
      let before = bench.reclaimCounters
      #expect(inode.fill(page) != 0)
      #expect(bench.reclaimCounters.refaultsFile == before.refaultsFile + 1)
      let isActive = system.frames.lists.list(of: inode.cachedFrame(page)) == PageList(.file, 1)
      #expect(isActive == (evictions == 0))
      #expect(bench.reclaimCounters.activatedFile == before.activatedFile + (isActive ? 1 : 0))
    }
    #expect(bench.finish() == nil)
  }

  @Test func `mremap whose tables need reclaim sees that it split a huge page`() throws {
    let bench = try swapBench {
      $0.hugePages = .always
      $0.swapPages = 2049
    }
    let at = bench.map(1024, at: 0x4020_0000)
    bench.touch(at)
    bench.touch(at + 0x20_0000)
    #expect(bench.kernel.system.huge.faultAllocations == 2)
    let value: UInt8 = 42
    bench.store(value, at: at + 511 * 4096)
    // A directory's table for another gigabyte: the first frame is not to be had.
    bench.kernel.system.frames.allocationsUntilFailure = 0
    let target: UInt64 = 0x1_8020_0000
    #expect(bench.call(216, at, 1024 * 4096, 1024 * 4096, 3, target) == Int64(target))
    #expect(bench.kernel.system.huge.splits > 0)
    #expect(bench.load(target + 511 * 4096) == value)
    #expect(bench.finish() == nil)
  }
}
