import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

// MAP_HUGETLB. The numbers and errors are those a real Linux kernel (6.18) gave to a program that makes
// the same calls with a pool of eight pages.

private let huge: UInt64 = 2 << 20

@Suite struct HugePoolTests {
  private let bench: Bench

  init() throws { bench = try Bench(ram: 64 << 20) { $0.hugePool2M = 8 } }

  /// mmap of `count` huge pages; `flags` without MAP_ANONYMOUS and MAP_HUGETLB.
  @discardableResult
  private func map(_ count: UInt64, _ flags: UInt64, at: UInt64 = 0) -> Int64 {
    bench.call(Number.mmap, at, count * huge, 3, 0x4_0020 | flags, ~0, 0)
  }

  private func mapped(_ count: UInt64, _ flags: UInt64) -> UInt64 {
    let address = map(count, flags)
    #expect(address > 0 && UInt64(bitPattern: address) % huge == 0)
    return UInt64(bitPattern: address)
  }

  /// HugePages_Free and HugePages_Rsvd.
  private var pool: [UInt64] {
    let pool = bench.kernel.system.pool(.size2M)
    #expect(bench.kernel.system.checkInvariants() == nil)
    return [pool.free, pool.promised]
  }

  private let shared: UInt64 = 1
  private let own: UInt64 = 2
  private let noReserve: UInt64 = 0x4002

  /// Makes the only child the running process.
  private func switchToChild() {
    bench.call(124)
    #expect(bench.kernel.current !== bench.process)
  }

  @Test func `a private mapping promises itself pages and takes them by touch`() throws {
    let p = mapped(4, own)
    #expect(pool == [8, 4])
    bench.store(1, at: p)
    #expect(pool == [7, 3])
    var before = bench.minorFaults
    #expect(bench.load(p + huge) == 0 && bench.load(p + 2 * huge - 1) == 0)
    #expect(bench.minorFaults == before + 1 && pool == [6, 2])
    // Read first, then written: the page is its own already.
    bench.store(1, at: p + huge)
    #expect(bench.minorFaults == before + 2 && pool == [6, 2])
    #expect(bench.call(Number.mprotect, p, huge, 1) == 0)
    #expect(bench.call(Number.mprotect, p, huge, 3) == 0)
    #expect(bench.space.area(at: VirtualAddress(p))?.flags.contains(.accounted) == false)
    before = bench.minorFaults
    bench.store(2, at: p)
    #expect(bench.minorFaults == before + 1)
    #expect(bench.call(Number.madvise, p, huge, 4) == 0)
    #expect(pool == [7, 3])
    #expect(bench.load(p) == 0)
    #expect(pool == [6, 2])
    #expect(map(5, own) == negative(.noMemory))
    let q = mapped(4, noReserve)
    #expect(pool == [6, 2])
    #expect(bench.call(Number.munmap, p + 2 * huge, huge) == 0)
    #expect(pool == [6, 1])
    #expect(bench.call(Number.munmap, p, huge) == 0)
    #expect(pool == [7, 1])
    #expect(bench.call(Number.munmap, p, 4 * huge) == 0)
    #expect(bench.call(Number.munmap, q, 4 * huge) == 0)
    #expect(pool == [8, 0])
    #expect(bench.space.residentAnonymous < 64)
    #expect(bench.finish() == nil)
  }

  @Test func `a shared mapping's pages are its file's, and stay through MADV_DONTNEED and fork`()
    throws
  {
    let p = mapped(4, shared)
    #expect(pool == [8, 4])
    bench.store(1, at: p)
    #expect(bench.call(Number.madvise, p, huge, 4) == 0)
    #expect(pool == [7, 3])
    #expect(bench.load(p) == 1)
    bench.call(220, 17)
    switchToChild()
    #expect(bench.load(p) == 1)
    bench.store(7, at: p + huge)
    bench.call(94, 0)
    #expect(bench.load(p + huge) == 7 && pool == [6, 2])
    #expect(bench.call(Number.munmap, p + 2 * huge, 2 * huge) == 0)
    #expect(pool == [6, 2])
    #expect(bench.call(Number.munmap, p, 2 * huge) == 0)
    #expect(pool == [8, 0])
    #expect(bench.finish() == nil)
  }

  @Test func `fork shares private huge pages, and a write copies a whole one`() throws {
    let p = mapped(4, own)
    for i in 0..<4 as Range<UInt64> { bench.store(UInt8(i + 1), at: p + i * huge + 4096) }
    bench.call(220, 17)
    #expect(pool == [4, 0])
    switchToChild()
    bench.store(9, at: p)
    #expect(pool == [3, 0])
    #expect(bench.load(p + 4096) == 1 && bench.load(p) == 9)
    bench.call(94, 0)
    #expect(pool == [4, 0])
    let before = bench.minorFaults
    bench.store(3, at: p)
    #expect(bench.minorFaults == before + 1)
    #expect(pool == [4, 0] && bench.load(p + 4096) == 1)
    #expect(bench.finish() == nil)
  }

  @Test func `without a page to copy to a child gets SIGBUS`() throws {
    let p = mapped(4, own)
    let z = mapped(4, own)
    for i in 0..<4 as Range<UInt64> {
      bench.store(1, at: p + i * huge)
      bench.store(1, at: z + i * huge)
    }
    #expect(pool == [0, 0])
    bench.call(220, 17)
    switchToChild()
    let child = bench.kernel.current!
    bench.touch(p)
    #expect(child.exitStatus == .killed(.busError))
    #expect(bench.messages.last?.text.contains("--huge-pages") == true)
    #expect(pool == [0, 0])
    #expect(bench.finish() == nil)
  }

  @Test func `a parent that cannot copy takes the page from its child, which gets SIGBUS`() throws {
    let p = mapped(8, own)
    for i in 0..<8 as Range<UInt64> { bench.store(1, at: p + i * huge) }
    bench.call(220, 17)
    bench.store(42, at: p)
    #expect(pool == [0, 0])
    switchToChild()
    let child = bench.kernel.current!
    #expect(bench.load(p + huge) == 1)
    bench.touch(p, .read)
    #expect(child.exitStatus == .killed(.busError))
    #expect(bench.load(p) == 42)
    #expect(bench.finish() == nil)
  }

  @Test func `MAP_NORESERVE takes what is free, and SIGBUS where nothing is`() throws {
    let q = mapped(9, noReserve)
    for i in 0..<7 as Range<UInt64> { bench.store(1, at: q + i * huge) }
    let p = mapped(1, own)
    #expect(pool == [1, 1])
    bench.store(1, at: p)
    #expect(pool == [0, 0])
    #expect(!bench.touch(q + 8 * huge))
    #expect(bench.kernel.exitStatus == .killed(.busError))
    #expect(bench.finish() == nil)
  }

  @Test func `a system call on a page the pool does not have is EFAULT`() throws {
    let q = mapped(9, noReserve)
    for i in 0..<8 as Range<UInt64> { bench.store(1, at: q + i * huge) }
    #expect(bench.call(278, q + 8 * huge, 8, 0) == negative(.badAddress))
    #expect(bench.call(278, q + 7 * huge, 8, 0) == 8)
    #expect(bench.finish() == nil)
  }

  @Test func `mremap moves huge pages and their promises`() throws {
    let p = mapped(2, own)
    let t = mapped(2, noReserve)
    bench.store(5, at: p)
    #expect(pool == [7, 1])
    #expect(bench.call(216, p, 2 * huge, 2 * huge, 3, t) == Int64(t))
    #expect(bench.load(t) == 5 && pool == [7, 1])
    #expect(bench.call(216, t, 2 * huge, huge, 0) == Int64(t))
    #expect(pool == [7, 0])
    #expect(bench.finish() == nil)
  }

  @Test func `what would cut a huge page is EINVAL, and nothing changes`() throws {
    let m = mapped(4, noReserve)
    for i in 0..<4 as Range<UInt64> { bench.store(1, at: m + i * huge) }
    let invalid = negative(.invalid)
    #expect(bench.call(Number.munmap, m, 4096) == invalid)
    #expect(bench.call(Number.munmap, m + 4096, huge) == invalid)
    #expect(bench.call(Number.mprotect, m, 4096, 1) == invalid)
    #expect(bench.call(Number.madvise, m + 4096, huge, 4) == invalid)
    // The part of a page at the end is left out.
    #expect(bench.call(Number.madvise, m, 4096, 4) == 0)
    #expect(bench.load(m) == 1)
    #expect(bench.call(Number.madvise, m, huge + 4096, 4) == 0)
    #expect(bench.load(m) == 0 && bench.load(m + huge) == 1)
    #expect(bench.call(Number.madvise, m, 4096, 16) == invalid)
    for advice in [8, 18, 20, 25] as [UInt64] {
      #expect(bench.call(Number.madvise, m, huge, advice) == invalid)
    }
    let last = m + 2 * huge
    #expect(bench.call(216, last, 2 * huge, 4 * huge, 1) == invalid)
    #expect(bench.call(216, last, 4096, 4096, 1) == Int64(last))
    #expect(bench.call(216, last, 0, huge, 1) == invalid)
    #expect(bench.call(216, last, huge, huge, 5, 0) == invalid)
    #expect(bench.call(216, last + 4096, huge, huge, 1) == invalid)
    #expect(map(1, own | 0x10, at: m + 4096) == invalid)
    #expect(bench.call(Number.mmap, m, 4096, 3, 0x32, ~0, 0) == invalid)
    // Locking is ignored, also of a part.
    #expect(bench.call(228, m + huge, 4096) == 0)
    #expect(bench.space.allAreas.filter { $0.hugeSize != nil }.count == 1)
    #expect(bench.call(Number.mmap, m, huge, 3, 0x32, ~0, 0) == Int64(m))
    #expect(bench.areas(from: m, pages: 2048) == "0-512 rw-, 512-2048 rw-")
    #expect(bench.finish() == nil)
  }

  @Test func `mmap checks size, type, place and offset`() throws {
    let invalid = negative(.invalid)
    #expect(map(1, own | 12 << 26) == invalid)
    #expect(map(1, own | 21 << 26) > 0)
    #expect(map(1, own | 30 << 26) == negative(.noMemory))
    #expect(map(0, own) == invalid)
    #expect(map(1, 0x4000) == invalid)
    #expect(map(1, 3) > 0)
    #expect(bench.call(Number.mmap, 0, huge, 3, 0x4_0022, ~0, 4096) == invalid)
    // 5,000 bytes are a whole page.
    #expect(bench.call(Number.mmap, 0, 5000, 3, 0x4_0022, ~0, 0) > 0)
    #expect(pool == [8, 3])
    #expect(map(6, own) == negative(.noMemory))
    #expect(pool == [8, 3])
    #expect(bench.finish() == nil)
  }

  @Test func `smaps, status and meminfo tell of them apart from resident memory`() throws {
    let p = mapped(2, own)
    bench.store(1, at: p)
    bench.store(1, at: p + huge)
    let lines = bench.space.smapsText().split(separator: "\n")
    let area = try #require(lines.firstIndex { $0.hasSuffix("/anon_hugepage (deleted)") })
    let rows = lines[area...].prefix(26)
    for row in [
      "KernelPageSize:     2048 kB", "MMUPageSize:        2048 kB", "Rss:                   0 kB",
      "Private_Hugetlb:    4096 kB", "Shared_Hugetlb:        0 kB",
      "VmFlags: rd wr mr mw me de ht ",
    ] {
      #expect(rows.contains { $0 == row }, "\(row)")
    }
    bench.call(220, 17)
    #expect(bench.space.smapsText().contains("Shared_Hugetlb:     4096 kB"))
    let info = bench.kernel.memoryText
    for row in [
      "HugePages_Total:       8\n", "HugePages_Free:        6\n", "HugePages_Rsvd:        0\n",
      "HugePages_Surp:        0\n", "Hugepagesize:       2048 kB\n",
      "Hugetlb:           16384 kB\n",
    ] {
      #expect(info.contains(row), "\(row)")
    }
    #expect(bench.finish() == nil)
  }

  @Test func `a random sequence keeps the pool's books and the contents`() throws {
    var random = SeededGenerator(seed: 4711)
    func below(_ n: UInt64) -> UInt64 { random.next() % n }
    let window: UInt64 = 0x4000_0000
    var content: [UInt64: UInt8] = [:]
    for step in 0..<400 {
      let place = window + below(10) * huge
      let count = 1 + below(3)
      switch below(8) {
      case 0, 1:
        if map(count, [own, own, shared, noReserve][Int(below(4))] | 0x10, at: place) > 0 {
          for i in 0..<count { content[place + i * huge] = 0 }
        }
      case 2:
        #expect(bench.call(Number.munmap, place, count * huge) == 0)
        for i in 0..<count { content[place + i * huge] = nil }
      case 3: bench.call(Number.mprotect, place, count * huge, below(2) == 0 ? 0 : 3)
      case 4:
        let target = window + below(10) * huge
        guard let area = bench.space.area(at: VirtualAddress(place)), target != place else { break }
        let result = bench.call(216, place, huge, huge, 3, target)
        #expect(result == Int64(target))
        content[target] = content[place]
        content[place] = nil
        _ = area
      default:
        guard let area = bench.space.area(at: VirtualAddress(place)),
          area.permissions.contains(.write)
        else { break }
        let free = bench.kernel.system.pool(.size2M)
        let isThere = bench.space.tables.hugeLeaf(for: place).map { $0.pointee != 0 } ?? false
        // One more page than there is would end the program.
        if !isThere && free.free <= free.promised && area.flags.contains(.noReserve) { break }
        let value = UInt8(truncatingIfNeeded: step)
        bench.store(value, at: place + 100)
        content[place] = value
      }
      for (address, value) in content {
        guard let area = bench.space.area(at: VirtualAddress(address)),
          area.permissions.rawValue != 0, let host = bench.space.peek(address + 100)
        else { continue }
        if host.load(as: UInt8.self) != value {
          Issue.record("step \(step): other bytes at \(hex(address))")
        }
      }
      if let problem = bench.kernel.system.checkInvariants() {
        Issue.record("step \(step): \(problem)")
        break
      }
    }
    #expect(bench.kernel.system.pool(.size2M).peakUsed > 3)
    #expect(bench.finish() == nil)
  }
}

@Suite struct GiganticPageTests {
  @Test func `a page of 1 GiB is one leaf of the page-directory-pointer table`() throws {
    let bench = try Bench(ram: 3 << 30) { $0.hugePool1G = 1 }
    let gigabyte: UInt64 = 1 << 30
    let flags: UInt64 = 0x4_0021 | 30 << 26
    let p = UInt64(bitPattern: bench.call(Number.mmap, 0, gigabyte, 3, flags, ~0, 0))
    #expect(p % gigabyte == 0)
    #expect(bench.call(Number.mmap, 0, gigabyte, 3, flags, ~0, 0) == negative(.noMemory))
    let tables = bench.space.tablePages
    let walks = bench.mmu.counters[.readsPDPTE]
    bench.store(1, at: p + 5)
    bench.store(2, at: p + gigabyte - 1)
    #expect(bench.load(p + 5) == 1 && bench.load(p + gigabyte - 1) == 2)
    #expect(bench.mmu.counters[.readsPDPTE] > walks && bench.space.tablePages <= tables + 1)
    #expect(bench.call(Number.munmap, p, huge) == negative(.invalid))
    let t = p - 2 * gigabyte
    #expect(bench.call(216, p, gigabyte, gigabyte, 3, t) == Int64(t))
    #expect(bench.load(t + 5) == 1)
    // With a quarter of a million frames to look at, once.
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(bench.call(Number.munmap, t, gigabyte) == 0)
    #expect(bench.kernel.system.pool(.size1G).free == 1)
    bench.kernel.shutDown()
    #expect(bench.kernel.leak == nil)
  }
}
