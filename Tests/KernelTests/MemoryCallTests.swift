@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

// Argument checks and effects of brk, mmap, munmap, mprotect, madvise and mincore. The expected
// values are those a real Linux kernel gave to programs that make the same calls.

@Suite struct MemoryCallTests {
  @Test func `munmap checks its arguments and ignores holes`() throws {
    let bench = try Bench()
    let p = bench.map(3)
    for i in 0..<3 as Range<UInt64> { bench.store(UInt8(i + 1), at: p + i * 4096) }
    #expect(bench.call(Number.munmap, p + 1, 4096) == negative(.invalid))
    #expect(bench.call(Number.munmap, p, 0) == negative(.invalid))
    #expect(bench.call(Number.munmap, p, 1) == 0)
    #expect(bench.areas(from: p, pages: 3) == "1-3 rw-")
    #expect(bench.call(Number.munmap, p, 4096) == 0)
    #expect(bench.call(Number.munmap, p, 8192) == 0)
    #expect(bench.call(Number.munmap, p, 0 &- 4096) == negative(.invalid))
    #expect(bench.call(Number.munmap, p, 1 << 62) == negative(.invalid))
    #expect(bench.load(p + 8192) == 3)
    #expect(bench.finish() == nil)
  }

  @Test func `mprotect checks its arguments in Linux's order`() throws {
    let bench = try Bench()
    let p = bench.map(4)
    let call = { bench.call(Number.mprotect, $0, $1, $2) }
    #expect(call(p + 1, 4096, 1) == negative(.invalid))
    #expect(call(p, 0, 1) == 0)
    #expect(call(p, 1, 1) == 0)
    #expect(bench.areas(from: p, pages: 4) == "0-1 r--, 1-4 rw-")
    #expect(call(p, 4096, 0x100) == negative(.invalid))
    #expect(call(4096, 4096, 1) == negative(.noMemory))
    #expect(call(p, 0 &- 4096, 1) == negative(.noMemory))
    #expect(call(p, 0 &- 4096, 0x100) == negative(.noMemory))
    #expect(call(p, 4096, 0x0300_0001) == negative(.invalid))
    #expect(call(p, 4096, 0x0100_0001) == negative(.invalid))
    #expect(bench.finish() == nil)
  }

  @Test func `mprotect changes what lies before a hole`() throws {
    let bench = try Bench()
    let p = bench.map(8) + 4096
    bench.call(Number.munmap, p - 4096, 4096)
    bench.call(Number.munmap, p + 6 * 4096, 4096)
    for i in 0..<6 as Range<UInt64> { bench.store(1, at: p + i * 4096) }
    bench.call(Number.munmap, p + 3 * 4096, 4096)
    #expect(bench.call(Number.mprotect, p, 6 * 4096, 1) == negative(.noMemory))
    #expect(bench.areas(from: p, pages: 6) == "0-3 r--, 4-6 rw-")
    #expect(bench.call(Number.mprotect, p + 3 * 4096, 8192, 0) == negative(.noMemory))
    #expect(bench.areas(from: p, pages: 6) == "0-3 r--, 4-6 rw-")
    #expect(bench.call(Number.madvise, p, 6 * 4096, 0) == negative(.noMemory))
    #expect(!bench.touch(p + 2 * 4096))
    #expect(bench.kernel.exitStatus == .killed(.segmentationFault))
    #expect(bench.finish() == nil)
  }

  @Test func `taking and giving back a right costs no fault for pages owned alone`() throws {
    let bench = try Bench()
    let p = bench.map(3)
    bench.store(7, at: p)
    bench.touch(p + 4096, .read)
    let before = bench.minorFaults
    for protection in [1, 3, 0, 3] as [UInt64] {
      #expect(bench.call(Number.mprotect, p, 3 * 4096, protection) == 0)
      #expect(bench.kernel.system.checkInvariants() == nil)
    }
    bench.store(8, at: p)
    #expect(bench.load(p) == 8)
    #expect(bench.minorFaults == before)
    bench.store(1, at: p + 4096)  // the zero page is never made writable
    #expect(bench.minorFaults == before + 1)
    #expect(bench.call(Number.mprotect, p, 4096, 0) == 0)
    #expect(!bench.touch(p, .read))
    #expect(bench.messages.last?.text.contains("no access at all (PROT_NONE)") == true)
    #expect(bench.finish() == nil)
  }

  @Test func `a fixed mapping replaces what was there and joins its neighbours`() throws {
    let bench = try Bench()
    let p = bench.map(8) + 4096
    bench.call(Number.munmap, p - 4096, 4096)
    bench.call(Number.munmap, p + 6 * 4096, 4096)
    for i in 0..<6 as Range<UInt64> { bench.store(UInt8(31 + i), at: p + i * 4096) }
    #expect(bench.map(2, at: p + 8192, flags: 0x10) == p + 8192)
    #expect((0..<6).map { bench.load(p + $0 * 4096) } == [31, 32, 0, 0, 35, 36])
    #expect(bench.areas(from: p, pages: 6) == "0-6 rw-")
    #expect(bench.map(1, 1, at: p + 8192, flags: 0x10) == p + 8192)
    #expect(bench.areas(from: p, pages: 6) == "0-2 rw-, 2-3 r--, 3-6 rw-")
    #expect(bench.map(2, at: p + 5 * 4096, flags: 0x10) == p + 5 * 4096)
    #expect(bench.load(p + 5 * 4096) == 0 && bench.load(p + 6 * 4096) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `MAP_FIXED_NOREPLACE fails when any page is taken`() throws {
    let bench = try Bench()
    let p = bench.map(6)
    let flags: UInt64 = 0x10_0000
    for i in 0..<6 as Range<UInt64> { bench.store(UInt8(i + 1), at: p + i * 4096) }
    bench.call(Number.munmap, p + 8192, 8192)
    #expect(bench.map(1, at: p + 8192, flags: flags) == p + 8192)
    let exists = UInt64(bitPattern: negative(.exists))
    #expect(bench.map(1, at: p + 8192, flags: flags) == exists)
    #expect(bench.map(2, at: p + 3 * 4096, flags: flags) == exists)
    #expect(bench.load(p + 4 * 4096) == 5)
    #expect(bench.map(1, at: p + 3 * 4096, flags: flags) == p + 3 * 4096)
    #expect(bench.map(1, at: p + 1, flags: flags) == UInt64(bitPattern: negative(.invalid)))
    #expect(bench.finish() == nil)
  }

  @Test func `mappings go top down, into the highest hole that fits`() throws {
    let bench = try Bench()
    let a = bench.map(64)
    let b = bench.map(64, 1)
    let d = bench.map(64)
    #expect(b == a - 64 * 4096 && d == b - 64 * 4096)
    bench.call(Number.munmap, a, 64 * 4096)
    #expect(bench.map(64, 1) == a)
    bench.call(Number.munmap, b, 64 * 4096)
    #expect(bench.map(16, 0) == b + 48 * 4096)
    #expect(bench.map(49, 0) < d)
    // Whole 2 MiB are aligned to 2 MiB.
    #expect(bench.map(512) % (2 << 20) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `mmap checks its arguments in Linux's order`() throws {
    let bench = try Bench(ram: 8 << 20)
    func map(_ a: UInt64, _ n: UInt64, _ flags: UInt64, fd: UInt64 = ~0, at: UInt64 = 0) -> Int64 {
      bench.call(Number.mmap, a, n, 3, flags, fd, at)
    }
    #expect(map(0, 4096, 0x22, at: 1) == negative(.invalid))
    #expect(map(0, 0, 0x22) == negative(.invalid))
    #expect(map(0, 4096, 0x02, fd: 9) == negative(.badDescriptor))
    #expect(map(0, 0, 0x02, fd: 9) == negative(.badDescriptor))
    #expect(map(0, 4096, 0x02, fd: 1) == negative(.accessDenied))
    #expect(bench.call(Number.mmap, 0, 4096, 1, 0x02, 0, 0) == negative(.noDevice))
    #expect(map(0, 4096, 0x20) == negative(.invalid))
    #expect(map(0, ~0, 0x22) == negative(.noMemory))
    #expect(map(0, 1 << 48, 0x22) == negative(.noMemory))
    #expect(map(0x1_2345, 4096, 0x32) == negative(.invalid))
    #expect(map(0, 4096, 0x32) == negative(.notPermitted))
    #expect(map(1 << 47, 4096, 0x32) == negative(.noMemory))
    // More than all RAM is refused unless MAP_NORESERVE says it need not exist.
    #expect(map(0, 9 << 20, 0x22) == negative(.noMemory))
    #expect(map(0, 1 << 30, 0x4022) > 0)
    #expect(map(0, 4096, 0x23) == negative(.invalid))
    // A hint below the lowest address is raised to it, a taken one ignored.
    #expect(map(0x1000, 4096, 0x22) == Int64(bench.space.mapTop) - 4096)
    bench.call(Number.munmap, Bench.text, 4096)
    #expect(map(0x1000, 4096, 0x22) == 0x10000)
    #expect(map(0x4000_0123, 4096, 0x22) == 0x4000_0000)
    #expect(bench.finish() == nil)
  }

  @Test func `the break moves as on Linux`() throws {
    let bench = try Bench()
    let b = UInt64(bench.call(Number.brk, 0))
    #expect(b == Bench.data + 3 * 4096)
    #expect(bench.call(Number.brk, b + 1) == Int64(b + 1))
    bench.store(9, at: b + 100)
    #expect(bench.call(Number.brk, b + 200) == Int64(b + 200))
    #expect(bench.call(Number.brk, b + 50) == Int64(b + 50))
    #expect(bench.load(b + 100) == 9)
    #expect(bench.call(Number.brk, b + 4097) == Int64(b + 4097))
    #expect(bench.areas(from: b, pages: 4) == "-1-2 rw-")  // joined with .bss
    #expect(bench.touch(b + 8191))
    // Below its start, or into a neighbour: nothing changes. One free page stays below a mapping.
    #expect(bench.call(Number.brk, b - 1) == Int64(b + 4097))
    #expect(bench.map(1, at: b + 16 * 4096, flags: 0x10) == b + 16 * 4096)
    #expect(bench.call(Number.brk, b + 16 * 4096) == Int64(b + 4097))
    #expect(bench.call(Number.brk, b + 15 * 4096) == Int64(b + 15 * 4096))
    #expect(bench.call(Number.brk, b) == Int64(b))
    #expect(bench.areas(from: b, pages: 4) == "")
    #expect(bench.call(Number.brk, b + 4096) == Int64(b + 4096))
    #expect(bench.load(b + 100) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `mincore tells what is present`() throws {
    let bench = try Bench()
    let p = bench.map(8)
    let vector = Bench.data
    func present(_ pages: UInt64) -> [UInt8?] {
      #expect(bench.call(232, p, pages * 4096, vector) == 0)
      return (0..<pages).map { bench.load(vector + $0) }
    }
    for i in [1, 4, 7] as [UInt64] { bench.touch(p + i * 4096) }
    #expect(present(8) == [0, 1, 0, 0, 1, 0, 0, 1])
    bench.touch(p + 8192, .read)
    #expect(present(8) == [0, 1, 1, 0, 1, 0, 0, 1])
    #expect(bench.call(232, p + 1, 4096, vector) == negative(.invalid))
    #expect(bench.call(232, p, 0, vector) == 0)
    #expect(bench.call(232, p, 4096, 8) == negative(.badAddress))
    bench.call(Number.munmap, p + 3 * 4096, 4096)
    #expect(bench.call(232, p, 8 * 4096, vector) == negative(.noMemory))
    #expect(bench.call(232, p + 3 * 4096, 4096, vector) == negative(.noMemory))
    bench.call(Number.mprotect, p + 4096, 4096, 0)
    #expect(present(2) == [0, 1])
    #expect(bench.finish() == nil)
  }

  @Test func `MADV_DONTNEED drops pages, also behind a hole, and populate brings them`() throws {
    let bench = try Bench()
    let p = bench.map(32)
    let before = bench.minorFaults
    #expect(bench.call(Number.madvise, p, 32 * 4096, 23) == 0)
    #expect(bench.minorFaults - before == 32)
    bench.store(5, at: p + 31 * 4096)
    #expect(bench.minorFaults - before == 32)
    bench.call(Number.munmap, p + 8 * 4096, 4096)
    #expect(bench.call(Number.madvise, p, 32 * 4096, 4) == negative(.noMemory))
    #expect(bench.load(p + 31 * 4096) == 0)
    #expect(bench.call(Number.madvise, p, 4096, 77) == negative(.invalid))
    #expect(bench.map(4, flags: 0x8000) > 0)
    #expect(bench.finish() == nil)
  }

  @Test func `the number of areas is limited`() throws {
    let bench = try Bench { $0.maximumAreas = 20 }
    let p = bench.map(64)
    var last: Int64 = 0
    var made = 0
    while last == 0 && made < 64 {
      last = bench.call(Number.mprotect, p + UInt64(2 * made) * 4096, 4096, 1)
      made += 1
    }
    #expect(last == negative(.noMemory))
    #expect(bench.space.areaCount <= 20)
    // Cutting a hole needs one more area, cutting at an end does not.
    let rest = bench.space.allAreas.first { $0.pages > 8 }!
    if bench.space.areaCount == 20 {
      #expect(bench.call(Number.munmap, rest.lower + 4096, 4096) == negative(.noMemory))
    }
    #expect(bench.call(Number.munmap, rest.lower, 4096) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `advice for a range that is refused somewhere holds for what lies before`() throws {
    let bench = try Bench()
    let p = bench.map(6)
    bench.call(Number.munmap, p + 4096, 4096)
    // A shared page in the middle: MADV_WIPEONFORK is EINVAL there, hole or not.
    bench.call(Number.mmap, p + 3 * 4096, 4096, 3, 0x31, ~0, 0)
    #expect(bench.call(Number.madvise, p, 6 * 4096, 18) == negative(.invalid))
    let wiped = (0..<6 as Range<UInt64>).filter {
      bench.space.area(at: VirtualAddress(p + $0 * 4096))?.flags.contains(.wipedOnFork) ?? false
    }
    #expect(wiped == [0, 2])
    #expect(bench.call(Number.madvise, p, 3 * 4096, 18) == negative(.noMemory))
    #expect(bench.finish() == nil)
  }

  /// What Linux 6.18 does: dontunmap_complete clears VM_LOCKED of the whole old area.
  @Test func `MREMAP_DONTUNMAP of a part unlocks all of the area`() throws {
    let bench = try Bench()
    let p = bench.map(4)
    #expect(bench.call(228, p, 4 * 4096) == 0)
    #expect(bench.call(Number.madvise, p, 4096, 4) == negative(.invalid))
    #expect(bench.call(216, p + 4096, 4096, 4096, 5, 0) > 0)
    for page in 0..<4 as Range<UInt64> {
      #expect(bench.call(Number.madvise, p + page * 4096, 4096, 4) == 0)
    }
    #expect(bench.areas(from: p, pages: 4) == "0-4 rw-")
    #expect(bench.finish() == nil)
  }
}
