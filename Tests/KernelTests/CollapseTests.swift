import MMUMemory
import MMUPaging
import MMUTiming
import Testing

@testable import MMUKernel

// Huge pages made of small ones, by MADV_COLLAPSE and by khugepaged.

private let huge: UInt64 = 2 << 20

@Suite struct CollapseTests {
  private func collapse(_ bench: Bench, _ address: UInt64, _ length: UInt64) -> Int64 {
    bench.call(Number.madvise, address, length, 25)
  }

  /// A bench without huge pages by faults, and eight MiB of which every third page is written.
  private func small(_ configure: (inout KernelConfiguration) -> Void = { _ in }) throws
    -> (Bench, UInt64)
  {
    let bench = try Bench(ram: 64 << 20) {
      $0.collapse.interval = 1_000_000
      $0.collapse.pause = 5_000_000
      configure(&$0)
    }
    let p = bench.map(2048)
    for page in stride(from: 0, to: 1024, by: 3) as StrideTo<UInt64> {
      bench.store(UInt8(truncatingIfNeeded: page + 1), at: p + page * 4096)
    }
    return (bench, p)
  }

  private func isKept(_ bench: Bench, _ p: UInt64) -> Bool {
    (0..<1024 as Range<UInt64>).allSatisfy {
      bench.load(p + $0 * 4096) == ($0 % 3 == 0 ? UInt8(truncatingIfNeeded: $0 + 1) : 0)
    }
  }

  /// Lets the clock reach the next look.
  private func pass(_ bench: Bench, _ cycles: Cycles = 1_000_000) {
    bench.clock += cycles
    bench.trap(.timer)
  }

  @Test func `MADV_COLLAPSE makes a huge page of small ones, with their content`() throws {
    let (bench, p) = try small()
    let tables = bench.space.tablePages
    #expect(collapse(bench, p, 2 * huge) == 0)
    #expect(bench.leaves(from: p) == [0, 2])
    // The old page tables wait for a split.
    #expect(bench.space.tablePages == tables)
    #expect(bench.books.collapses == 2 && bench.books.mapped == 2)
    #expect(bench.kernel.system.checkInvariants() == nil)
    let before = bench.minorFaults
    #expect(isKept(bench, p))
    bench.store(1, at: p + 4096)
    #expect(bench.minorFaults == before)
    // Again: it is one already.
    #expect(collapse(bench, p, 2 * huge) == 0)
    #expect(bench.books.collapses == 2)
    #expect(bench.finish() == nil)
  }

  @Test func `MADV_COLLAPSE takes whole 2 MiB only, and fails as on Linux`() throws {
    let (bench, p) = try small()
    #expect(collapse(bench, p, 0) == 0)
    #expect(collapse(bench, p + 4096, huge) == 0)
    #expect(collapse(bench, p, 4096) == 0)
    #expect(bench.leaves(from: p) == [])
    #expect(collapse(bench, p + 4096, 4096) == negative(.invalid))
    // Nothing was ever there.
    #expect(collapse(bench, p + 2 * huge, huge) == negative(.invalid))
    #expect(collapse(bench, p + 4096, 2 * huge - 8192) == 0)
    #expect(collapse(bench, p, huge + 4096) == 0)
    #expect(bench.leaves(from: p) == [0])
    bench.call(Number.madvise, p + huge, huge, 15)
    #expect(collapse(bench, p + huge, huge) == negative(.invalid))
    bench.call(Number.madvise, p + huge, huge, 14)
    bench.kernel.system.frames.allocationsUntilFailure = 0
    #expect(collapse(bench, p + huge, huge) == negative(.noMemory))
    #expect(isKept(bench, p))
    let q = bench.map(16)
    bench.store(1, at: q)
    #expect(collapse(bench, q, 65536) == negative(.invalid))
    #expect(bench.finish() == nil)
  }

  @Test func `a collapse costs the copies, the zeroing and the allocation`() throws {
    let (bench, p) = try small()
    let costs = bench.kernel.system.costs
    let before = bench.kernel.chargedCycles
    #expect(collapse(bench, p, huge) == 0)
    let copied: UInt64 = 171
    let expected =
      costs.systemCallEntry + (1 + copied) * costs.frameAllocation + copied * costs.pageCopy
      + (512 - copied) * costs.pageZero + 2 * costs.entryEdit
    #expect(bench.kernel.chargedCycles - before == expected)
    #expect(bench.finish() == nil)
  }

  @Test func `khugepaged collapses what may be huge after its interval, some pages each time`()
    throws
  {
    let (bench, p) = try small {
      $0.hugePages = .madvise
      $0.collapse.pages = 1024
    }
    pass(bench)
    #expect(bench.leaves(from: p) == [])
    bench.call(Number.madvise, p, 4 * huge, 14)
    #expect(bench.kernel.deadline <= bench.clock + 1_000_000)
    pass(bench, 990_000)
    #expect(bench.leaves(from: p) == [])
    pass(bench, 20_000)
    #expect(bench.leaves(from: p) == [0, 2])
    #expect(isKept(bench, p))
    // The third one comes with the next look, for which its first page is enough.
    bench.call(Number.madvise, p + 2 * huge, huge, 15)
    bench.store(1, at: p + 2 * huge)
    bench.call(Number.madvise, p + 2 * huge, huge, 14)
    pass(bench)
    #expect(bench.leaves(from: p) == [0, 2, 4])
    #expect(bench.finish() == nil)
  }

  @Test func `khugepaged goes round the processes, from where it stopped`() throws {
    let (bench, p) = try small {
      $0.hugePages = .madvise
      $0.collapse.pages = 512
      $0.collapse.maximumShared = 512
    }
    bench.call(Number.madvise, p, 2 * huge, 14)
    bench.call(220, 17)
    // A child's entries begin without A.
    bench.call(124)
    #expect(bench.kernel.current !== bench.process)
    #expect(bench.load(p) == 1 && bench.load(p + huge + 4096) == 2)
    bench.call(124)
    #expect(bench.kernel.current === bench.process)
    var seen: [[UInt64]] = []
    for _ in 0..<4 {
      pass(bench)
      seen.append(
        bench.kernel.processes.flatMap { process in
          (0..<2 as Range<UInt64>).map {
            process.space?.tables.hugeLeaf(for: p + $0 * huge) == nil ? 0 : 1
          }
        })
    }
    #expect(seen == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
    #expect(bench.kernel.system.checkInvariants() == nil)
    for _ in 0..<2 {
      #expect(isKept(bench, p))
      bench.call(124)
    }
    if bench.kernel.current !== bench.process { bench.call(94, 0) }
    #expect(bench.finish() == nil)
  }

  @Test func `khugepaged stops looking when nothing may be huge any more`() throws {
    let (bench, p) = try small { $0.hugePages = .madvise }
    bench.call(Number.madvise, p, huge, 14)
    bench.call(Number.munmap, p, 2048 * 4096)
    #expect(bench.kernel.deadline != .max)
    pass(bench)
    #expect(bench.kernel.deadline == .max)
    #expect(bench.finish() == nil)
  }

  @Test func `too many absent or shared pages, or one that was not accessed, are left`() throws {
    let (bench, p) = try small {
      $0.collapse.maximumAbsent = 340
      $0.collapse.maximumShared = 171
    }
    bench.call(Number.madvise, p, 4 * huge, 14)
    // 171 of the first 512 pages are there, so 341 are not.
    pass(bench)
    #expect(bench.leaves(from: p) == [])
    bench.store(1, at: p + 4096)
    bench.store(0, at: p + 4096)
    bench.call(220, 17)
    // Now 172 are there, and shared.
    pass(bench)
    #expect(bench.leaves(from: p) == [])
    bench.store(0, at: p + 4096)
    pass(bench)
    #expect(bench.leaves(from: p) == [0])
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(isKept(bench, p))
    #expect(bench.finish() == nil)
  }

  @Test func `without a block khugepaged pauses, and nothing changes`() throws {
    let (bench, p) = try small()
    bench.call(Number.madvise, p, 2 * huge, 14)
    bench.kernel.system.frames.allocationsUntilFailure = 0
    pass(bench)
    #expect(bench.leaves(from: p) == [] && bench.books.failedCollapses == 1)
    pass(bench, 4_000_000)
    #expect(bench.leaves(from: p) == [])
    pass(bench)
    // It goes on behind where it failed, and comes round.
    #expect(bench.leaves(from: p) == [0, 2])
    #expect(isKept(bench, p))
    #expect(bench.finish() == nil)
  }

  @Test func `files, PROT_NONE and pages of others in it are no reason to fail`() throws {
    let (bench, p) = try small { $0.hugePages = .always }
    let shared = UInt64(bitPattern: bench.call(Number.mmap, 0, huge, 3, 0x21, ~0, 0))
    bench.store(1, at: shared)
    bench.call(Number.mprotect, p, 2 * huge, 0)
    #expect(collapse(bench, shared, huge) == negative(.invalid))
    pass(bench)
    pass(bench)
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(bench.finish() == nil)
  }

  @Test func `meminfo, vmstat and smaps count huge pages`() throws {
    let bench = try Bench.withHugePages()
    let p = bench.map(1024)
    bench.store(1, at: p)
    bench.store(1, at: p + huge)
    bench.call(220, 17)
    bench.call(Number.munmap, p, 4096)
    // One shared by two processes, one of which only the child has a leaf.
    #expect(bench.kernel.memoryText.contains("AnonHugePages:      4096 kB\n"))
    #expect(bench.space.smapsText().contains("AnonHugePages:      2048 kB\n"))
    #expect(bench.space.smapsText().contains("THPeligible:           1\n"))
    let text = bench.kernel.vmstatText
    for row in [
      "thp_fault_alloc 2\n", "thp_fault_fallback 0\n", "thp_split_pmd 1\n",
      "thp_collapse_alloc 0\n", "nr_anon_transparent_hugepages 2\n",
    ] {
      #expect(text.contains(row), "\(row)")
    }
    #expect(bench.finish() == nil)
  }
}
