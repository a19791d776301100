import MMUMemory
import MMUPaging
import MMUTiming
import Testing

@testable import MMUKernel

// Transparent huge pages: what makes one, what splits it, and that nobody sees a difference but in
// faults and walks.

private let huge: UInt64 = 2 << 20

extension Bench {
  /// A bench whose anonymous memory has huge pages wherever they fit.
  static func withHugePages(
    ram: UInt64 = 64 << 20, _ mode: HugePageMode = .always
  ) throws -> Bench {
    try Bench(ram: ram) { $0.hugePages = mode }
  }

  /// The huge leaves of the process, as their places relative to an address in MiB.
  func leaves(from base: UInt64, bytes: UInt64 = 64 << 20) -> [UInt64] {
    var result: [UInt64] = []
    kernel.current?.space?.tables.forEachHugeLeaf(in: base, base + bytes) { address, _, _ in
      result.append((address - base) >> 20)
    }
    return result
  }

  var books: HugePages { kernel.system.huge }
}

@Suite struct HugePageFaultTests {
  @Test func `a write to untouched aligned 2 MiB makes a huge page by one fault`() throws {
    let bench = try Bench.withHugePages()
    let p = bench.map(1024)
    let before = bench.minorFaults
    bench.store(7, at: p + 5000)
    #expect(bench.leaves(from: p) == [0])
    for page in 0..<512 as Range<UInt64> { #expect(bench.load(p + page * 4096 + 8) == 0) }
    #expect(bench.load(p + 5000) == 7)
    #expect(bench.minorFaults == before + 1)
    #expect(bench.space.residentAnonymous >= 512)
    #expect(bench.books.faultAllocations == 1 && bench.books.mapped == 1)
    #expect(bench.finish() == nil)
  }

  @Test func `a huge page charges the zeroing of 512 frames, and its table is paid at once`() throws
  {
    let bench = try Bench.withHugePages()
    let p = bench.map(1024)
    bench.store(1, at: p + huge)  // the tables above are there now
    let tables = bench.space.tablePages
    let before = bench.kernel.chargedCycles
    bench.store(1, at: p)
    let costs = bench.kernel.system.costs
    // Exception, decision; a table to deposit; 512 frames of zeros in one allocation; the entry.
    let expected =
      costs.exceptionEntry + costs.faultHandling + costs.frameAllocation + costs.pageZero
      + costs.frameAllocation + 512 * costs.pageZero + costs.entryEdit
    #expect(bench.kernel.chargedCycles - before == expected)
    #expect(bench.space.tablePages == tables + 1)
    #expect(bench.finish() == nil)
  }

  @Test(
    arguments: [
      (HugePageMode.never, 14, false), (.madvise, 0, false), (.madvise, 14, true),
      (.madvise, 15, false), (.always, 0, true), (.always, 14, true), (.always, 15, false),
    ] as [(HugePageMode, UInt64, Bool)])
  func `the mode and madvise decide who gets huge pages`(
    mode: HugePageMode, advice: UInt64, isHuge: Bool
  ) throws {
    let bench = try Bench.withHugePages(mode)
    let p = bench.map(512)
    #expect(bench.call(Number.madvise, p, huge, advice) == 0)
    bench.store(1, at: p)
    #expect(bench.leaves(from: p) == (isHuge ? [0] : []))
    #expect(bench.books.faultFallbacks == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `PR_SET_THP_DISABLE forbids them, to children, too`() throws {
    let bench = try Bench.withHugePages()
    #expect(bench.call(167, 41, 1, 0, 0, 0) == 0)
    let p = bench.map(512)
    bench.store(1, at: p)
    #expect(bench.leaves(from: p) == [])
    bench.call(220, 17)
    bench.call(124)
    #expect(bench.kernel.current !== bench.process)
    #expect(bench.call(167, 42, 0, 0, 0, 0) == 1)
    let q = bench.map(512)
    bench.store(1, at: q)
    #expect(bench.leaves(from: q) == [])
    bench.call(94, 0)
    #expect(bench.finish() == nil)
  }

  @Test func `2 MiB that are not all in the area, or have a page table, get 4 KiB pages`() throws {
    let bench = try Bench.withHugePages()
    let p = bench.map(1536)
    // Only the middle one is whole.
    bench.call(Number.munmap, p, 4096)
    bench.call(Number.munmap, p + 3 * huge - 4096, 4096)
    for i in 0..<3 as Range<UInt64> { bench.store(1, at: p + i * huge + 8192) }
    #expect(bench.leaves(from: p) == [2])
    // A table that is there, even an empty one, stands in the way.
    #expect(bench.call(Number.madvise, p + huge, 4096, 4) == 0)
    #expect(bench.leaves(from: p) == [])
    #expect(bench.call(Number.madvise, p + huge, huge, 4) == 0)
    bench.store(1, at: p + huge)
    #expect(bench.leaves(from: p) == [])
    #expect(bench.load(p + huge + 4096) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `files and shared memory get none`() throws {
    let bench = try Bench.withHugePages()
    let shared = UInt64(bitPattern: bench.call(Number.mmap, 0, huge, 3, 0x21, ~0, 0))
    bench.store(1, at: shared)
    #expect(bench.leaves(from: shared & ~(huge - 1)) == [])
    #expect(bench.books.faultAllocations == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `a read maps the one block of zeros, which is nobody's memory`() throws {
    let bench = try Bench.withHugePages()
    let p = bench.map(1024)
    let before = bench.minorFaults
    let resident = bench.space.residentAnonymous
    for page in 0..<1024 as Range<UInt64> { #expect(bench.load(p + page * 4096) == 0) }
    #expect(bench.minorFaults == before + 2)
    #expect(bench.leaves(from: p) == [0, 2])
    #expect(bench.space.residentAnonymous == resident)
    #expect(bench.books.zeroAllocations == 1 && bench.books.mapped == 0)
    // A write to it takes the whole 2 MiB for its own.
    bench.store(9, at: p + 4096)
    #expect(bench.leaves(from: p) == [0, 2])
    #expect(bench.books.mapped == 1 && bench.books.splits == 0)
    #expect(bench.load(p) == 0 && bench.load(p + 4096) == 9 && bench.load(p + huge + 4096) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `the block of zeros is split for a page if there is no block to write to`() throws {
    let bench = try Bench.withHugePages()
    let p = bench.map(512)
    #expect(bench.load(p) == 0)
    bench.kernel.system.frames.allocationsUntilFailure = 0
    bench.store(3, at: p + 4096)
    #expect(bench.leaves(from: p) == [])
    #expect(bench.books.faultFallbacks == 1)
    #expect(bench.load(p) == 0 && bench.load(p + 4096) == 3 && bench.load(p + 8192) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `without a block of 512 frames a fault falls back to 4 KiB and is counted`() throws {
    for failing in 0..<2 as Range<UInt64> {
      let bench = try Bench.withHugePages()
      let p = bench.map(1024)
      bench.store(1, at: p + huge)
      // The block, or the table that goes with it.
      bench.kernel.system.frames.allocationsUntilFailure = failing
      bench.store(1, at: p)
      #expect(bench.leaves(from: p) == [2])
      #expect(bench.books.faultFallbacks == 1 && bench.books.faultAllocations == 1)
      #expect(bench.finish() == nil)
    }
  }

  @Test func `the kernel's own writes make and use huge pages like the program's`() throws {
    let bench = try Bench.withHugePages()
    let p = bench.map(512)
    // getrandom, into two pages.
    #expect(bench.call(278, p + 4092, 8, 0) == 8)
    #expect(bench.leaves(from: p) == [0])
    #expect(bench.loadWord(p + 4092) != 0)
    #expect(bench.finish() == nil)
  }

  @Test func `MAP_POPULATE and mlock make huge pages, one fault each`() throws {
    let bench = try Bench.withHugePages()
    let before = bench.minorFaults
    let p = bench.map(1024, flags: 0x8000)
    #expect(bench.leaves(from: p) == [0, 2])
    #expect(bench.minorFaults == before + 2)
    let q = bench.map(512)
    #expect(bench.call(228, q, huge) == 0)
    #expect(bench.leaves(from: q, bytes: huge) == [0])
    // Locked, it lies in an area of its own: what unlocks a part of it splits it.
    #expect(bench.call(229, q, 4096) == 0)
    #expect(bench.leaves(from: q, bytes: huge) == [])
    #expect(bench.finish() == nil)
  }
}

@Suite struct HugePageSplitTests {
  /// A bench with two huge pages, in which each page begins with its number plus one.
  private func twoPages() throws -> (Bench, UInt64) {
    let bench = try Bench.withHugePages()
    let p = bench.map(1024)
    for page in 0..<1024 as Range<UInt64> {
      bench.store(UInt8(truncatingIfNeeded: page + 1), at: p + page * 4096)
    }
    #expect(bench.leaves(from: p) == [0, 2])
    return (bench, p)
  }

  private func isKept(_ bench: Bench, _ p: UInt64, _ pages: Range<UInt64>) -> Bool {
    pages.allSatisfy { bench.load(p + $0 * 4096) == UInt8(truncatingIfNeeded: $0 + 1) }
  }

  @Test func `munmap of a part splits, and of the whole frees 512 frames`() throws {
    let (bench, p) = try twoPages()
    let tables = bench.space.tablePages
    #expect(bench.call(Number.munmap, p + 8 * 4096, 4096) == 0)
    #expect(bench.leaves(from: p) == [2])
    // The deposited table took the leaf's place.
    #expect(bench.space.tablePages == tables)
    #expect(isKept(bench, p, 0..<8) && isKept(bench, p, 9..<1024))
    #expect(bench.kernel.system.checkInvariants() == nil)
    let used = bench.kernel.system.frames.used
    #expect(bench.call(Number.munmap, p + huge, huge) == 0)
    // 512 frames and the table kept for the split.
    #expect(bench.kernel.system.frames.used == used - 513)
    #expect(bench.books.splits == 1 && bench.books.mapped == 0 && bench.books.peakMapped == 2)
    #expect(bench.finish() == nil)
  }

  @Test func `a split drops the translation of the 2 MiB, by one INVLPG`() throws {
    let (bench, p) = try twoPages()
    let before = bench.mmu.counters[.flushPage]
    _ = bench.space.tables.existingEntry(for: p)
    #expect(bench.leaves(from: p) == [2])
    #expect(bench.mmu.counters[.flushPage] == before + 1)
    #expect(isKept(bench, p, 0..<1024))
    #expect(bench.finish() == nil)
  }

  @Test func `a split keeps accessed, dirty, rights and references, and takes no frame`() throws {
    let (bench, p) = try twoPages()
    bench.call(Number.mprotect, p, huge, 1)
    let views = (0..<512).map { bench.space.tables.view(of: p + $0 * 4096) }
    let used = bench.kernel.system.frames.used
    bench.kernel.system.frames.allocationsUntilFailure = 0
    for page in 0..<512 as Range<UInt64> {
      #expect(bench.space.tables.existingEntry(for: p + page * 4096)?.pointee == views[Int(page)])
    }
    bench.kernel.system.frames.allocationsUntilFailure = nil
    #expect(views[0]! & 0xfff == 0x65 && bench.kernel.system.frames.used == used)
    #expect(bench.finish() == nil)
  }

  @Test func `MADV_DONTNEED of a whole huge page gives it back, and the next fault makes another`()
    throws
  {
    let (bench, p) = try twoPages()
    #expect(bench.call(Number.madvise, p, huge, 4) == 0)
    #expect(bench.leaves(from: p) == [2])
    #expect(bench.load(p) == 0)
    bench.store(5, at: p)
    #expect(bench.leaves(from: p) == [0, 2])
    #expect(bench.books.splits == 0)
    #expect(bench.call(Number.madvise, p + huge + 4096, 4096, 4) == 0)
    #expect(bench.leaves(from: p) == [0])
    #expect(bench.load(p + huge + 4096) == 0 && isKept(bench, p, 514..<1024))
    #expect(bench.finish() == nil)
  }

  @Test func `mprotect of whole huge pages keeps them, of a part splits them`() throws {
    let (bench, p) = try twoPages()
    for protection in [1, 3, 0, 3] as [UInt64] {
      #expect(bench.call(Number.mprotect, p, 2 * huge, protection) == 0)
      #expect(bench.leaves(from: p) == [0, 2])
      #expect(bench.kernel.system.checkInvariants() == nil)
    }
    let before = bench.minorFaults
    bench.store(1, at: p)
    #expect(bench.minorFaults == before)
    #expect(bench.call(Number.mprotect, p + huge - 4096, 8192, 1) == 0)
    #expect(bench.leaves(from: p) == [])
    #expect(isKept(bench, p, 0..<1024))
    #expect(!bench.touch(p + huge))
    #expect(bench.finish() == nil)
  }

  @Test func `PROT_NONE keeps a huge page, and no access`() throws {
    let (bench, p) = try twoPages()
    #expect(bench.call(Number.mprotect, p, 2 * huge, 0) == 0)
    #expect(bench.leaves(from: p) == [0, 2])
    // A part of it, inaccessible as it is, can be split.
    #expect(bench.call(Number.mprotect, p, 4096, 3) == 0)
    #expect(bench.leaves(from: p) == [2])
    #expect(isKept(bench, p, 0..<1))
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(bench.call(Number.mprotect, p, 2 * huge, 1) == 0)
    #expect(isKept(bench, p, 0..<1024))
    #expect(bench.call(Number.mprotect, p + huge, huge, 0) == 0)
    #expect(!bench.touch(p + huge + 4096, .read))
    #expect(bench.messages.last?.text.contains("no access at all (PROT_NONE)") == true)
    #expect(bench.finish() == nil)
  }

  @Test(arguments: [(0, true), (4096, false)] as [(UInt64, Bool)])
  func `mremap moves a whole huge page to an aligned place, else splits it`(
    shift: UInt64, isWhole: Bool
  ) throws {
    let (bench, p) = try twoPages()
    let target = bench.map(2048)
    #expect(bench.call(216, p, 2 * huge, 2 * huge, 3, target + shift) == Int64(target + shift))
    #expect(bench.leaves(from: target) == (isWhole ? [0, 2] : []))
    #expect(isKept(bench, target + shift, 0..<1024))
    #expect(bench.kernel.system.checkInvariants() == nil)
    // And back again, in two parts.
    #expect(bench.call(216, target + shift, huge, huge, 3, p) == Int64(p))
    #expect(bench.leaves(from: p) == (isWhole ? [0] : []))
    #expect(isKept(bench, p, 0..<512))
    #expect(bench.call(216, target + shift + huge, huge, huge, 7, p + huge) == Int64(p + huge))
    #expect(isKept(bench, p, 0..<1024))
    #expect(bench.load(target + shift + huge) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `a huge page lies in one area: advice on a part of it splits it`() throws {
    let (bench, p) = try twoPages()
    #expect(bench.call(Number.madvise, p + 4096, 4096, 16) == 0)
    #expect(bench.leaves(from: p) == [2])
    #expect(bench.call(Number.madvise, p + huge, huge, 16) == 0)
    #expect(bench.leaves(from: p) == [2])
    #expect(isKept(bench, p, 0..<1024))
    #expect(bench.finish() == nil)
  }

  @Test func `a handler of one's own maps, protects and unmaps single pages of a huge one`() throws
  {
    var services = try KernelServices(ram: 16 << 20)
    let space = services.space
    space.system.huge.mode = .always
    try space.insert(
      VirtualMemoryArea(VirtualAddress(huge), pages: 512, permissions: [.read, .write]))
    #expect(services.touch(VirtualAddress(huge), .write, handler: ByDefault()) == .resume)
    #expect(space.tables.hugeLeaf(for: huge) != nil)
    let page = PageNumber(huge >> 12 + 7)
    services.protect(page, .read)
    #expect(space.tables.hugeLeaf(for: huge) == nil)
    #expect(services.entry(at: page.address)?.contains(.writable) == false)
    let frame = try #require(services.allocateFrame())
    #expect(services.map(page, to: frame, [.read, .write]))
    services.unmap(PageNumber(huge >> 12))
    #expect(space.residentAnonymous == 511)
    #expect(space.system.checkInvariants() == nil)
  }

  private struct ByDefault: PageFaultHandler {
    func handle(
      _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
    ) -> FaultOutcome {
      services.handleByDefault(fault)
    }
  }

  @Test func `who only looks splits nothing`() throws {
    let (bench, p) = try twoPages()
    let vector = bench.map(1)
    #expect(bench.call(232, p, 2 * huge, vector) == 0)
    #expect((0..<1024).allSatisfy { bench.load(vector + $0) == 1 })
    let text = bench.space.smapsText()
    #expect(text.contains("Rss:                4096 kB"))
    #expect(bench.space.entry(at: VirtualAddress(p + 4096))?.isPresent == true)
    let frame = bench.space.entry(at: VirtualAddress(p + huge + 4096))!.frame.rawValue
    var found: [UInt64] = []
    bench.kernel.system.forEachMapping(of: frame) { _, address in
      found.append(address)
      return true
    }
    #expect(found == [p + huge + 4096])
    #expect(bench.leaves(from: p) == [0, 2] && bench.books.splits == 0)
    #expect(bench.finish() == nil)
  }
}

@Suite struct HugePageForkTests {
  @Test func `fork shares a huge page, and a write to it splits it and copies 4 KiB`() throws {
    let bench = try Bench.withHugePages()
    let p = bench.map(512)
    for page in 0..<512 as Range<UInt64> { bench.store(1, at: p + page * 4096) }
    let used = bench.kernel.system.frames.used
    #expect(bench.call(220, 17) > 0)
    let child = bench.kernel.processes[1]
    #expect(bench.books.mapped == 2)
    #expect(bench.kernel.system.checkInvariants() == nil)
    // Tables only, no memory.
    #expect(bench.kernel.system.frames.used - used < 16)
    bench.store(2, at: p + 4096)
    #expect(bench.leaves(from: p) == [])
    #expect(bench.kernel.system.checkInvariants() == nil)
    bench.call(124)
    #expect(bench.kernel.current === child)
    #expect(bench.leaves(from: p) == [0])
    #expect(bench.load(p + 4096) == 1)
    // From a frame to its mappings, one in a leaf and one in a page table.
    let frame = bench.kernel.current!.space!.entry(at: VirtualAddress(p + 8192))!.frame
    var mappings = 0
    bench.kernel.system.forEachMapping(of: frame.rawValue) { _, address in
      mappings += address == p + 8192 ? 1 : 100
      return true
    }
    #expect(mappings == 2)
    bench.call(94, 0)
    #expect(bench.kernel.current === bench.process)
    #expect(bench.load(p + 4096) == 2 && bench.load(p) == 1)
    #expect(bench.finish() == nil)
  }

  @Test func `a huge page nobody else has any more is taken over whole`() throws {
    let bench = try Bench.withHugePages()
    let p = bench.map(512)
    bench.store(1, at: p)
    bench.call(220, 17)
    bench.call(124)
    bench.call(94, 0)
    #expect(bench.kernel.current === bench.process)
    let before = bench.minorFaults
    for page in 0..<512 as Range<UInt64> { bench.store(2, at: p + page * 4096) }
    #expect(bench.minorFaults == before + 1)
    #expect(bench.leaves(from: p) == [0] && bench.books.splits == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `a fork that runs out of tables returns all it took`() throws {
    var failures = 0
    for allocations in 0..<40 as Range<UInt64> {
      let bench = try Bench.withHugePages()
      let p = bench.map(1024)
      bench.store(1, at: p)
      bench.store(1, at: p + huge)
      bench.kernel.system.frames.allocationsUntilFailure = allocations
      bench.kernel.system.frames.failsForever = true
      let result = bench.call(220, 17)
      bench.kernel.system.frames.allocationsUntilFailure = nil
      if result < 0 { failures += 1 }
      #expect(bench.kernel.system.checkInvariants() == nil)
      #expect(bench.leaves(from: p) == [0, 2])
      bench.kernel.shutDown()
      #expect(bench.kernel.leak == nil)
    }
    #expect(failures > 3 && failures < 40)
  }

  @Test func `the block of zeros is forked like any other`() throws {
    let bench = try Bench.withHugePages()
    let p = bench.map(1024)
    bench.store(1, at: p)
    #expect(bench.load(p + huge) == 0)
    bench.call(220, 17)
    #expect(bench.books.mapped == 2)
    #expect(bench.kernel.system.checkInvariants() == nil)
    bench.call(124)
    #expect(bench.leaves(from: p) == [0, 2])
    bench.store(1, at: p + huge)
    #expect(bench.leaves(from: p) == [0, 2])
    bench.call(94, 0)
    #expect(bench.load(p + huge) == 0)
    #expect(bench.finish() == nil)
  }
}
