import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

@Suite struct `Working sets and lost time` {
  private func text(_ bench: Bench, _ path: String) throws -> String {
    let fd = bench.open(path, readOnly)
    try #require(fd >= 0)
    let bytes = bench.pread(fd, 16 * 4096, at: 0)
    #expect(bench.call(FileNumber.close, UInt64(fd)) == 0)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The sum of a row of smaps, in pages.
  private func pages(_ row: String, _ bench: Bench) -> Int {
    bench.space.smapsText().split(separator: "\n").reduce(0) { sum, line in
      let fields = line.split(separator: " ")
      return sum + (fields[0] == row + ":" ? (Int(fields[1]) ?? 0) / 4 : 0)
    }
  }

  @Test func `a page counts if a walk came to it since its accessed bit was taken`() throws {
    let bench = try Bench()
    let start = bench.map(16)
    for i in 0..<16 { bench.touch(start + UInt64(i) * 4096) }
    #expect(bench.space.referencedPages == bench.space.residentAnonymous + bench.space.residentFile)
    bench.kernel.system.takeAccessed { _ in }
    #expect(bench.space.referencedPages == 0)
    // The translations are still in the TLB: nobody sees these accesses.
    for i in 0..<5 { bench.touch(start + UInt64(i) * 4096) }
    #expect(bench.space.referencedPages == 0)
    bench.kernel.system.deliver(.context(bench.space.pcid))
    for i in 0..<5 { bench.touch(start + UInt64(i) * 4096) }
    #expect(bench.space.referencedPages == 5)
    #expect(pages("Referenced", bench) == 5)
    #expect(bench.finish() == nil)
  }

  @Test func `a process has a working set only if memory was short`() throws {
    let bench = try Bench()
    bench.touch(bench.map(4))
    #expect(bench.finish() == nil)
    #expect(bench.process.workingSetPages == nil)

    let short = try Bench {
      $0.swapPages = 1024
      $0.residentLimit = 64
    }
    let start = short.map(100)
    for i in 0..<100 { short.touch(start + UInt64(i) * 4096) }
    let space = short.space
    let seen = space.referencedPages
    #expect(short.finish() == nil)
    #expect(short.process.workingSetPages == seen)
    #expect(seen > 0 && seen <= 65)
  }

  @Test func `a page of a file that is read twice becomes active, reading on in it is one use`()
    throws
  {
    let bench = try Bench()
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 3)
    let inode = try #require(bench.process.files.descriptors.file(UInt64(fd)).inode)
    let lists = bench.kernel.system.frames.lists
    func isActive(_ page: UInt64) -> Bool {
      lists.list(of: inode.cachedFrame(page)) == PageList(.file, 1)
    }
    func isMarked(_ page: UInt64) -> Bool {
      lists.has(PageLists.Mark.referenced, inode.cachedFrame(page))
    }
    #expect(!isMarked(0))
    for at in [0, 512, 1024, 4096] as [UInt64] { _ = bench.pread(fd, 512, at: at) }
    #expect(isMarked(0) && isMarked(1) && !isMarked(2))
    #expect(!isActive(0))
    _ = bench.pread(fd, 4096, at: 0)
    #expect(isActive(0) && !isMarked(0) && !isActive(1))
    #expect(bench.call(FileNumber.close, UInt64(fd)) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `lazily freed pages are clean until they are written`() throws {
    let bench = try Bench()
    let start = bench.map(16)
    for i in 0..<16 { bench.touch(start + UInt64(i) * 4096) }
    let before = pages("Private_Dirty", bench)
    bench.call(Number.madvise, start, 16 * 4096, 8)
    #expect(pages("Private_Dirty", bench) == before - 16)
    for i in 0..<2 { bench.touch(start + UInt64(i) * 4096) }
    #expect(pages("Private_Dirty", bench) == before - 14)
    #expect(bench.finish() == nil)
  }

  @Test(arguments: ReclaimPolicyKind.allCases)
  func `lazily freed pages go without swap, those written since stay`(
    policy: ReclaimPolicyKind
  ) throws {
    let bench = try Bench {
      $0.residentLimit = 64
      $0.reclaimPolicy = policy
    }
    let start = bench.map(36)
    for i in 0..<36 { bench.store(7, at: start + UInt64(i) * 4096) }
    bench.call(Number.madvise, start, 36 * 4096, 8)
    for i in 0..<4 { bench.store(8, at: start + UInt64(i) * 4096) }
    let more = bench.map(40)
    for i in 0..<40 { bench.store(9, at: more + UInt64(i) * 4096) }
    #expect(bench.kernel.memoryKills == 0)
    let values = (0..<36).map { bench.load(start + UInt64($0) * 4096) }
    #expect(values.prefix(4).allSatisfy { $0 == 8 })
    #expect(values.dropFirst(4).contains(0))
    #expect(values.dropFirst(4).allSatisfy { $0 == 0 || $0 == 7 })
    #expect((0..<40).allSatisfy { bench.load(more + UInt64($0) * 4096) == 9 })
    #expect(bench.finish() == nil)
  }

  @Test func `lost time is in microseconds, with the wait that goes on`() throws {
    let calm = try Bench()
    calm.prepareFiles()
    let nothing = "avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    #expect(try text(calm, "/proc/pressure/memory") == "some \(nothing)full \(nothing)")
    #expect(calm.finish() == nil)

    let short = try Bench {
      $0.swapPages = 1024
      $0.residentLimit = 64
      $0.cyclesPerSecond = 1_000_000
    }
    short.prepareFiles()
    let start = short.map(200)
    for round in 0..<4 {
      for i in 0..<200 { short.touch(start + UInt64((i * 37 + round) % 200) * 4096) }
    }
    let lines = try text(short, "/proc/pressure/memory").split(separator: "\n")
    let pressure = short.kernel.pressure
    try #require(lines.count == 2 && pressure.stalledFull > 2_000_000)
    // A program that is alone is stopped by each of its waits. At 1 MHz a cycle is a microsecond.
    #expect(lines[0].hasSuffix(" total=\(pressure.stalledSome)"))
    #expect(lines[1].hasSuffix(" total=\(pressure.stalledFull)"))
    #expect(!lines[0].contains("avg10=0.00"))
    #expect(short.finish() == nil)
  }
}

extension `Working sets and lost time` {
  @Test func `a wait for the disk is a stall only if the page had been evicted`() throws {
    let bench = try Bench {
      $0.swapPages = 1024
      $0.residentLimit = 64
      $0.compressedSwapPercent = 20
    }
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 8)
    bench.dropCache(fd)
    let start = bench.map(100)
    for round in 0..<2 {
      for i in 0..<100 { bench.touch(start + UInt64((i * 37 + round) % 100) * 4096) }
    }
    // All of it compressed: pages have come back, but nobody has waited.
    let pressure = bench.kernel.pressure
    try #require(pressure.refaultsAnonymous > 0 && pressure.diskIn == 0)
    let idle = bench.kernel.idleCycles
    _ = bench.pread(fd, 16, at: 0)
    #expect(bench.kernel.idleCycles > idle)
    let after = bench.kernel.pressure
    #expect(after.refaultsFile == 0)
    // What was lost is reclaim's own work, not the wait for the file.
    #expect(after.stalledFull - pressure.stalledFull < bench.kernel.idleCycles - idle)
    #expect(bench.call(FileNumber.close, UInt64(fd)) == 0)
    #expect(bench.finish() == nil)
  }
}

@Suite struct `Averages of lost time` {
  private func shares(_ averages: PressureAverages) -> String { averages.text(0) }

  @Test func `a quarter of one period is 4.5 per cent of ten seconds`() {
    var averages = PressureAverages(period: 1000)
    averages.add(250, until: 600)
    averages.advance(to: 999)
    #expect(shares(averages) == "avg10=0.00 avg60=0.00 avg300=0.00 total=0")
    averages.advance(to: 1000)
    // 25 * (2048 - 1677) / 2048 = 4.53, 25 * 67 / 2048 = 0.82, 25 * 14 / 2048 = 0.17
    #expect(shares(averages) == "avg10=4.52 avg60=0.81 avg300=0.17 total=0")
  }

  @Test func `a machine that does nothing else reaches a hundred per cent, and returns to nothing`()
  {
    var averages = PressureAverages(period: 1000)
    averages.add(2_000_000, until: 2_000_000)
    #expect(shares(averages) == "avg10=100.00 avg60=100.00 avg300=100.00 total=0")
    averages.advance(to: 2_005_000)
    // 100 times the fifth power of 1677, 1981 and 2034 over 2048.
    #expect(shares(averages) == "avg10=36.81 avg60=84.67 avg300=96.62 total=0")
    averages.advance(to: 20_000_000)
    #expect(shares(averages) == "avg10=0.00 avg60=0.00 avg300=0.00 total=0")
  }

  @Test func `the averages do not depend on how a stretch is cut or when they are looked at`() {
    var whole = PressureAverages(period: 1000)
    var parts = whole
    var time: UInt64 = 0
    for i in 1...200 as ClosedRange<UInt64> {
      time += i * 31 % 700
      let lost = i * 57 % 900
      whole.add(lost, until: time + lost)
      for j in stride(from: UInt64(0), to: lost, by: 100) {
        parts.advance(to: time + j)
        parts.add(min(100, lost - j), until: time + min(j + 100, lost))
      }
      time += lost
    }
    #expect(whole == parts)
    #expect(shares(whole) == "avg10=46.20 avg60=53.36 avg300=36.34 total=0")
  }
}
