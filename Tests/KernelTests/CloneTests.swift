@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

// What processes share by clone's flags, and what each keeps for itself.

@Suite struct CloneTests {
  private static let clone: UInt64 = 220
  private static let wait4: UInt64 = 260
  private static let yield: UInt64 = 124
  private static let setLimit: UInt64 = 164
  private static let words = Bench.bufferPages

  private func bench() throws -> Bench {
    let bench = try Bench()
    bench.prepareFiles()
    return bench
  }

  @Test func `a limit of a vfork child is not its parent's`() throws {
    let bench = try bench()
    #expect(bench.call(Self.clone, 0x4111) == 0)
    #expect(bench.kernel.current?.pid == 3)
    bench.put(words: [4096, 4096], at: Self.words)
    // RLIMIT_AS.
    #expect(bench.call(Self.setLimit, 9, Self.words) == 0)
    #expect(Int64(bitPattern: bench.map(1)) == negative(.noMemory))
    bench.call(Number.exit, 0)
    #expect(bench.kernel.current === bench.process)
    #expect(Int64(bitPattern: bench.map(1)) > 0)
    #expect(bench.finish() == nil)
  }

  @Test func `who shares descriptors obeys a limit of its own`() throws {
    let bench = try bench()
    // CLONE_VM, CLONE_FILES.
    #expect(bench.call(Self.clone, 0x511) == 3)
    bench.call(Self.yield)
    bench.put(words: [4, 4], at: Self.words)
    #expect(bench.call(Self.setLimit, 7, Self.words) == 0)
    #expect(bench.call(FileNumber.dup, 0) == 3)
    #expect(bench.call(FileNumber.dup, 0) == negative(.tooManyFiles))
    bench.call(Self.yield)
    #expect(bench.call(FileNumber.dup, 0) == 4)
    // prlimit64 on the other does not bind this one either.
    bench.put(words: [2, 2], at: Self.words)
    #expect(bench.call(261, 3, 7, Self.words, 0) == 0)
    #expect(bench.call(FileNumber.dup, 0) == 5)
    bench.call(Self.yield)
    #expect(bench.kernel.current?.pid == 3)
    #expect(bench.call(FileNumber.dup, 0) == negative(.tooManyFiles))
    #expect(bench.finish() == nil)
  }

  /// An ELF program of one page that consists of its headers.
  static var program: [UInt8] {
    var bytes: [UInt8] = []
    func add<Word: FixedWidthInteger>(_ words: [Word]) {
      for word in words {
        bytes += (0..<Word.bitWidth / 8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
      }
    }
    add([0x0001_0102_464c_457f, 0] as [UInt64])
    add([2, 243, 1, 0] as [UInt16])
    add([0x10078, 64, 0] as [UInt64])
    add([0, 0, 64, 56, 1, 64, 0, 0] as [UInt16])
    add([1, 5] as [UInt32])
    add([0, 0x10000, 0x10000, 128, 128, 4096, 0] as [UInt64])
    return bytes
  }

  @Test func `execve clears the CHILD_CLEARTID word, wakes, and ends with SIGCHLD`() throws {
    let bench = try bench()
    let fd = bench.call(FileNumber.openat, here, bench.path("p"), readWrite | create, 0o755)
    #expect(bench.pwrite(fd, Self.program, at: 0) == Self.program.count)
    bench.call(FileNumber.close, UInt64(fd))
    bench.put(words: [1], at: Self.words)
    // CLONE_VM, CLONE_CHILD_CLEARTID, SIGUSR1.
    #expect(bench.call(Self.clone, 0x20_010a, 0, 0, 0, Self.words) == 3)
    let child = try #require(bench.kernel.processes.last)
    #expect(child.exitSignal?.rawValue == 10)
    bench.call(98, Self.words, 0, 1, 0)
    #expect(bench.kernel.current === child)
    bench.call(221, bench.path("p"), 0, 0)
    #expect(child.path == "p" && child.exitSignal == .child)
    bench.call(Self.yield)
    #expect(bench.kernel.current === bench.process)
    #expect(bench.loadWord(Self.words) == 0)
    bench.trap(.environmentCall)
    #expect(bench.registers[10] == 0)
    #expect(bench.finish() == nil)
  }

  @Test(arguments: [false, true])
  func `CLONE_FS shares the current directory and the umask`(isShared: Bool) throws {
    let bench = try bench()
    #expect(bench.call(Self.clone, isShared ? 0x211 : 17) == 3)
    bench.call(Self.yield)
    #expect(bench.call(FileNumber.chdir, bench.path("/tmp")) == 0)
    #expect(bench.call(166, 0o77) == 0o22)
    bench.call(Number.exit, 0)
    #expect(bench.kernel.current === bench.process)
    #expect(bench.call(FileNumber.getcwd, Self.words, 100) == (isShared ? 5 : 2))
    #expect(bench.loadString(Self.words) == (isShared ? "/tmp" : "/"))
    #expect(bench.call(166, 0) == (isShared ? 0o77 : 0o22))
    #expect(bench.finish() == nil)
  }

  @Test func `a thread that does not share files is refused and named`() throws {
    let bench = try bench()
    for flags in [0x1_0900, 0x1_0b00, 0x1_0d00] as [UInt64] {
      #expect(bench.call(Self.clone, flags) == negative(.invalid))
    }
    #expect(bench.messages.last?.text.contains("but not CLONE_FS and CLONE_FILES") == true)
    #expect(bench.call(Self.clone, 0x1_0f00) == 3)
    #expect(bench.finish() == nil)
  }

  @Test func `a sibling by CLONE_PARENT ends with its maker's signal`() throws {
    let bench = try bench()
    #expect(bench.call(Self.clone, 10) == 3)
    bench.call(Self.yield)
    #expect(bench.call(Self.clone, 0x8011) == 4)
    let sibling = try #require(bench.kernel.processes.last)
    #expect(sibling.parent == 2 && sibling.exitSignal?.rawValue == 10)
    #expect(bench.finish() == nil)
  }

  @Test func `wait4 writes the status before it finds the usage has nowhere to go`() throws {
    let bench = try bench()
    #expect(bench.call(Self.clone, 17) == 3)
    bench.call(Self.yield)
    bench.call(Number.exit, 7)
    bench.put(words: [0], at: Self.words)
    #expect(bench.call(Self.wait4, ~0, Self.words, 0, 0x1000) == negative(.badAddress))
    #expect(bench.loadWord(Self.words) == 7 << 8)
    #expect(bench.finish() == nil)
  }

  @Test func `a disk that a new thread's number had to wait for keeps it waiting, nobody else`()
    throws
  {
    let bench = try bench()
    let page = try filePage(bench)
    // CLONE_CHILD_SETTID.
    #expect(bench.call(Self.clone, 0x100_0011, 0, 0, 0, page) == 3)
    bench.call(Self.yield)
    #expect(bench.kernel.system.diskWait == 0)
    #expect(bench.kernel.current === bench.process)
    let idle = bench.kernel.idleCycles
    bench.call(Self.wait4, ~0, 0, 0, 0)
    #expect(bench.kernel.current?.pid == 3 && bench.kernel.idleCycles > idle)
    #expect(bench.loadWord(page) == 3)
    #expect(bench.finish() == nil)
  }

  /// A shared page of a file that the cache does not hold.
  private func filePage(_ bench: Bench) throws -> UInt64 {
    let fd = UInt64(bitPattern: bench.makeFile("f", pages: 1))
    bench.put([UInt8](repeating: 0, count: 4096), at: Bench.bufferPages)
    bench.call(FileNumber.pwrite64, fd, Bench.bufferPages, 4096, 0)
    bench.call(FileNumber.fsync, fd)
    bench.trap(.environmentCall)
    #expect(bench.call(FileNumber.fadvise64, fd, 0, 0, 4) == 0)
    let page = UInt64(bitPattern: bench.call(Number.mmap, 0, 4096, 3, 1, fd, 0))
    try #require(page < 1 << 47)
    return page
  }

  @Test func `a disk that a signal's frame had to wait for keeps its thread waiting`() throws {
    let bench = try bench()
    let page = try filePage(bench)
    bench.put(words: [page, 0, 4096], at: Self.words)
    #expect(bench.call(132, Self.words, 0) == 0)
    // SA_ONSTACK.
    bench.handle(10, flags: 0x0800_0000)
    let idle = bench.kernel.idleCycles
    bench.call(129, 2, 10)
    #expect(bench.frame.programCounter == Bench.handler)
    #expect(bench.registers[2] == page + 4096 - 1088)
    #expect(bench.kernel.system.diskWait == 0 && bench.kernel.idleCycles > idle)
    #expect(bench.finish() == nil)
  }
}
