@testable import MMUKernel
import MMUMemory
import MMUPaging
import MMUTiming
import Testing

// Mappings of files: which access costs which fault, and what others see. Counts are those recorded
// on Linux 6.18.

@Suite struct FileMappingTests {
  @Test func `a read fault maps the cached pages of a 16-page window, a write fault only its own`()
    throws
  {
    let bench = try Bench()
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 64)
    let p = (bench.map(80) + 65535) & ~65535
    func read(_ pages: Range<UInt64>) { for i in pages { bench.touch(p + i * 4096, .read) } }
    func write(_ pages: Range<UInt64>) { for i in pages { bench.touch(p + i * 4096, .write) } }
    func map(shared: Bool) {
      #expect(bench.mapFile(fd, pages: 64, shared: shared, at: p) == p)
    }
    map(shared: true)
    #expect(bench.faults { read(0..<64) } == [4, 0])
    #expect(bench.space.residentFile == 64)
    map(shared: true)
    #expect(bench.faults { read(20..<21) } == [1, 0])
    #expect(bench.space.residentFile == 16)
    #expect(bench.faults { read(16..<32) } == [0, 0])
    #expect(bench.faults { read(0..<16) } == [1, 0])
    map(shared: false)
    #expect(bench.faults { read(0..<64) } == [4, 0])
    #expect(bench.faults { write(0..<64) } == [64, 0])
    map(shared: false)
    #expect(bench.faults { write(0..<64) } == [64, 0])
    map(shared: true)
    #expect(bench.faults { write(0..<64) } == [64, 0])
    #expect(bench.finish() == nil)
  }

  @Test func `a clean shared page faults once to become dirty, again after a synchronous msync`()
    throws
  {
    let bench = try Bench()
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 4)
    bench.call(FileNumber.fsync, UInt64(fd))
    let p = bench.mapFile(fd, pages: 4, shared: true)
    let q = bench.mapFile(fd, pages: 4, shared: true)
    func write() { for i in 0..<4 as Range<UInt64> { bench.touch(p + i * 4096, .write) } }
    #expect(bench.faults { bench.touch(p, .read) } == [1, 0])
    #expect(bench.faults(write) == [4, 0])
    #expect(bench.faults(write) == [0, 0])
    bench.call(FileNumber.msync, p, 4 * 4096, 1)
    #expect(bench.faults(write) == [0, 0])
    // Through the other mapping: msync cleans the pages for everybody.
    bench.call(FileNumber.msync, q, 2 * 4096, 4)
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(bench.faults(write) == [2, 0])
    bench.call(FileNumber.fsync, UInt64(fd))
    #expect(bench.faults(write) == [4, 0])
    // What is dirty stays writable over a change of protection; what is clean does not become so.
    bench.call(FileNumber.msync, p, 4096, 4)
    bench.call(Number.mprotect, p, 4 * 4096, 1)
    bench.call(Number.mprotect, p, 4 * 4096, 3)
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(bench.faults(write) == [1, 0])
    #expect(bench.finish() == nil)
  }

  @Test func `a page from the disk is one major fault and no minor one, and takes time`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 8)
    for (shared, kind) in [
      (true, Access.Kind.read), (true, .write), (false, .read), (false, .write),
    ] {
      bench.dropCache(fd)
      let p = bench.mapFile(fd, pages: 8, shared: shared)
      bench.call(Number.madvise, p, 8 * 4096, 1)
      let before = bench.clock
      #expect(bench.faults { bench.touch(p + 2 * 4096, kind) } == [0, 1])
      #expect(bench.clock - before > bench.kernel.system.costs.diskRequest)
      #expect(bench.residency(p, pages: 8) == "00100000")
      #expect(bench.load(p + 2 * 4096 + 9) == 3)
      bench.call(Number.munmap, p, 8 * 4096)
    }
    // Mapped pages and dirty pages are not dropped.
    bench.dropCache(fd)
    let p = bench.mapFile(fd, pages: 8, shared: true)
    bench.call(Number.madvise, p, 8 * 4096, 1)
    bench.touch(p, .read)
    #expect(bench.residency(p, pages: 8) == "10000000")
    _ = bench.pwrite(fd, [1], at: 5 * 4096)
    bench.call(FileNumber.fadvise64, UInt64(fd), 0, 0, 4)
    #expect(bench.residency(p, pages: 8) == "10000100")
    #expect(bench.call(Number.madvise, p, 8 * 4096, 3) == 0)
    #expect(bench.residency(p, pages: 8) == "11111111")
    #expect(bench.finish() == nil)
  }

  @Test func `a fault on the first page reads the 32 pages around it, as on any other`() throws {
    let bench = try Bench(ram: 32 << 20)
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 64)
    for (page, cached) in [(UInt64(0), 0..<32), (20, 4..<36)] {
      bench.dropCache(fd)
      let p = bench.mapFile(fd, pages: 64, shared: true)
      bench.touch(p + page * 4096, .read)
      let expected = (0..<64).map { cached.contains($0) ? "1" : "0" }.joined()
      #expect(bench.residency(p, pages: 64) == expected)
      bench.call(Number.munmap, p, 64 * 4096)
    }
    #expect(bench.finish() == nil)
  }

  @Test func `reading on doubles the window read ahead`() throws {
    let bench = try Bench(ram: 32 << 20)
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 128)
    let p = bench.mapFile(fd, pages: 128, shared: true)
    func cached() -> Int { bench.residency(p, pages: 128).count { $0 == "1" } }
    bench.dropCache(fd)
    var seen: [Int] = []
    for page in 0..<128 as Range<UInt64> {
      _ = bench.pread(fd, 10, at: page * 4096)
      if seen.last != cached() { seen.append(cached()) }
    }
    #expect(seen == [4, 12, 28, 60, 92, 124, 128])
    #expect(bench.finish() == nil)
  }

  @Test func `a file read in order through a mapping waits for the disk once`() throws {
    let bench = try Bench(ram: 32 << 20)
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 256)
    bench.dropCache(fd)
    let p = bench.mapFile(fd, pages: 256, shared: true)
    func cached() -> Int { bench.residency(p, pages: 256).count { $0 == "1" } }
    for page in 0..<256 as Range<UInt64> {
      bench.touch(p + page * 4096, .read)
      // The mark in page 24 asks for the next window, then the first page of each.
      let expected = page < 24 ? 32 : page < 32 ? 64 : (page / 32 + 2) * 32
      #expect(cached() == min(256, Int(expected)), "page \(page)")
    }
    #expect(bench.process.majorFaults == 1)
    #expect(bench.finish() == nil)
  }

  /// Counts of cached pages that Linux 6.18 gave with windows of 128 KiB.
  @Test(arguments: [
    (4096, 50, [1, 5]), (4096, 100, [1, 5]), (16384, 50, [4, 12]), (20000, 0, [16, 48]),
    (20000, 100, [5, 21]), (65536, 0, [32, 64]), (65536, 50, [16, 48]), (1, 50, [1, 1]),
  ])
  func `a read() elsewhere reads what it wants, and the next one ahead`(
    count: Int, page: Int, expected: [Int]
  ) throws {
    let bench = try Bench(ram: 32 << 20)
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 256)
    bench.dropCache(fd)
    let p = bench.mapFile(fd, pages: 256, shared: true)
    for (i, pages) in expected.enumerated() {
      _ = bench.pread(fd, count, at: UInt64(page * 4096 + i * count))
      #expect(bench.residency(p, pages: 256).count { $0 == "1" } == pages)
    }
    #expect(bench.finish() == nil)
  }

  @Test func `behind the end of a file is SIGBUS, and cutting it takes private copies too`() throws
  {
    func attempt(_ work: (Bench, Int64) -> UInt64) throws -> TerminationStatus? {
      let bench = try Bench()
      bench.prepareFiles()
      let fd = bench.makeFile("f", pages: 4)
      bench.touch(work(bench, fd), .read)
      let status = bench.kernel.exitStatus
      #expect(bench.finish() == nil)
      return status
    }
    let bus = TerminationStatus.killed(.busError)
    #expect(try attempt { $0.mapFile($1, pages: 5, shared: true) + 3 * 4096 } == nil)
    #expect(try attempt { $0.mapFile($1, pages: 5, shared: true) + 4 * 4096 } == bus)
    for shared in [true, false] {
      let status = try attempt { bench, fd in
        let p = bench.mapFile(fd, pages: 4, shared: shared)
        bench.store(77, at: p + 3 * 4096)
        bench.store(78, at: p + 4096 + 200)
        bench.call(FileNumber.ftruncate, UInt64(fd), 4096 + 100)
        // The page with the end stays; a private copy of it keeps what was written.
        #expect(bench.load(p + 4096 + 99) == 2)
        #expect(bench.load(p + 4096 + 200) == (shared ? 0 : 78))
        #expect(bench.kernel.system.checkInvariants() == nil)
        return p + 3 * 4096
      }
      #expect(status == bus)
    }
  }

  @Test func `a mapping may do what its file was opened for`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    _ = bench.makeFile("f", pages: 2)
    func map(_ fd: Int64, _ protection: UInt64, _ flags: UInt64, offset: UInt64 = 0) -> Int64 {
      bench.call(Number.mmap, 0, 4096, protection, flags, UInt64(bitPattern: fd), offset)
    }
    let reader = bench.open("f", readOnly)
    let writer = bench.open("f", writeOnly)
    #expect(map(reader, 3, 1) == negative(.accessDenied))
    #expect(map(writer, 3, 1) == negative(.accessDenied))
    #expect(map(writer, 1, 2) == negative(.accessDenied))
    #expect(map(reader, 3, 2) > 0)
    #expect(map(reader, 1, 1, offset: 100) == negative(.invalid))
    #expect(map(reader, 1, 1, offset: 0xffff_ffff_ffff_f000) == negative(.overflow))
    #expect(map(bench.open("/tmp", readOnly), 1, 1) == negative(.noDevice))
    let shared = UInt64(bitPattern: map(reader, 1, 1))
    #expect(bench.call(Number.mprotect, shared, 4096, 3) == negative(.accessDenied))
    #expect(bench.call(FileNumber.msync, shared, 4096, 5) == negative(.invalid))
    #expect(bench.call(FileNumber.msync, shared + 1, 4096, 4) == negative(.invalid))
    #expect(bench.call(FileNumber.msync, shared, 1 << 40, 4) == negative(.noMemory))
    #expect(bench.call(FileNumber.msync, shared, 0, 4) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `nameless shared memory is zeros, one fault a page, and goes with its last area`()
    throws
  {
    let bench = try Bench()
    bench.prepareFiles()
    let before = bench.kernel.system.cachedFrames
    let p = UInt64(bitPattern: bench.call(Number.mmap, 0, 4 * 4096, 3, 0x21, ~0, 0))
    #expect(bench.faults { bench.touch(p, .read) } == [1, 0])
    #expect(bench.faults { bench.store(1, at: p) } == [0, 0])
    #expect(bench.faults { bench.store(2, at: p + 4096) } == [1, 0])
    #expect(bench.space.residentFile == 2)
    bench.call(Number.madvise, p, 2 * 4096, 4)
    #expect(bench.space.residentFile == 0)
    #expect(bench.load(p) == 1 && bench.load(p + 4096) == 2)
    #expect(bench.kernel.system.checkInvariants() == nil)
    bench.call(Number.munmap, p, 2 * 4096)
    #expect(bench.kernel.system.cachedFrames == before + 2)
    bench.call(Number.munmap, p + 2 * 4096, 2 * 4096)
    #expect(bench.kernel.system.cachedFrames == before)
    // memfd: the same with a descriptor.
    let fd = bench.call(FileNumber.memfdCreate, bench.path("m"), 1)
    #expect(bench.call(FileNumber.memfdCreate, bench.path("m"), 0x100) == negative(.invalid))
    bench.call(FileNumber.ftruncate, UInt64(fd), 4 * 4096)
    let s = bench.mapFile(fd, pages: 4, shared: true)
    let q = bench.mapFile(fd, pages: 4, shared: false)
    #expect(
      bench.faults { for i in 0..<4 as Range<UInt64> { bench.store(7, at: s + i * 4096) } } == [
        4, 0,
      ])
    #expect(bench.load(q) == 7)
    bench.store(8, at: q)
    #expect(bench.load(s) == 7 && bench.pread(fd, 1, at: 0) == [7])
    bench.call(FileNumber.close, UInt64(fd))
    #expect(bench.load(s + 4096) == 7)
    #expect(bench.finish() == nil)
    #expect(bench.kernel.system.cachedFrames == before)
  }

  @Test func `a file larger than RAM can be written, mapped and read`() throws {
    let bench = try Bench(ram: 2 << 20)
    bench.prepareFiles()
    let pages = 1200
    let fd = bench.makeFile("f", pages: pages, first: 1)
    #expect(bench.kernel.system.checkInvariants() == nil)
    var wrong = 0
    for i in 0..<pages
    where bench.pread(fd, 2, at: UInt64(i) * 4096 + 4094).first != UInt8((1 + i) & 255) {
      wrong += 1
    }
    // Untouched memory in exchange for cached pages.
    let p = bench.map(300)
    for i in 0..<300 as Range<UInt64> { bench.store(UInt8(i & 255), at: p + i * 4096) }
    for i in 0..<300 as Range<UInt64> where bench.load(p + i * 4096) != UInt8(i & 255) {
      wrong += 1
    }
    bench.call(Number.munmap, p, 300 * 4096)
    for i in stride(from: 0, to: pages, by: 100) {
      let q = bench.mapFile(fd, pages: 100, shared: true, offset: UInt64(i) * 4096)
      for k in 0..<100 where bench.load(q + UInt64(k) * 4096) != UInt8((1 + i + k) & 255) {
        wrong += 1
      }
      bench.call(Number.munmap, q, 100 * 4096)
    }
    #expect(wrong == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `fallocate of a file in memory is all or nothing, and adds nothing behind its end`()
    throws
  {
    let bench = try Bench(ram: 8 << 20)
    bench.prepareFiles()
    let fd = UInt64(bench.makeFile("/tmp/f", pages: 2))
    let before = bench.kernel.system.frames.used
    // KEEP_SIZE, then more than there is, for which the page cache goes.
    #expect(bench.call(47, fd, 1, 0, 20 * 4096) == 0)
    #expect(bench.kernel.system.frames.used == before)
    #expect(bench.call(47, fd, 0, 0, 64 << 20) == negative(.noSpace))
    let used = bench.kernel.system.frames.used
    #expect(used <= before)
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(bench.call(47, fd, 0, 0, 6 * 4096) == 0)
    #expect(bench.kernel.system.frames.used == used + 4)
    #expect(bench.finish() == nil)
  }

  @Test func `no allocation that fails in a file call loses a frame`() throws {
    for n in 0..<60 as Range<UInt64> {
      let bench = try Bench()
      bench.prepareFiles()
      bench.put(Array("f\0".utf8), at: Bench.pathPage)
      bench.kernel.system.frames.allocationsUntilFailure = n
      bench.kernel.system.frames.failsForever = n % 2 == 0
      let fd = UInt64(
        bench.call(FileNumber.openat, here, Bench.pathPage, readWrite | create, 0o644))
      bench.call(FileNumber.pwrite64, fd, Bench.bufferPages, 9 * 4096, 0)
      bench.call(FileNumber.fsync, fd)
      bench.call(FileNumber.fadvise64, fd, 0, 0, 4)
      let p = bench.mapFile(Int64(fd), pages: 9, shared: n % 3 == 0)
      for i in 0..<9 as Range<UInt64> { bench.touch(p + i * 4096, i % 2 == 0 ? .read : .write) }
      bench.call(FileNumber.pread64, fd, Bench.bufferPages, 9 * 4096, 0)
      bench.call(FileNumber.ftruncate, fd, 4096)
      bench.kernel.system.frames.failsForever = false
      bench.kernel.system.frames.allocationsUntilFailure = nil
      #expect(bench.finish() == nil, "allocation \(n)")
    }
  }
}
