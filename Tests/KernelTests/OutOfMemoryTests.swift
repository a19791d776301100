import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

/// What programs do until memory runs out.
extension Bench {
  static let clone: UInt64 = 220
  static let yield: UInt64 = 124

  /// Forks; the child runs when `yield` gives it the core.
  func fork(_ flags: UInt64 = 17) -> Int32 { Int32(call(Self.clone, flags)) }

  /// Gives the core to the next process in turn until that is `pid`.
  func run(_ pid: Int32) {
    for _ in 0..<20 where kernel.current?.pid != pid { call(Self.yield) }
  }

  /// Maps pages of the running process and writes each, until it has lost the core; how many it got.
  @discardableResult
  func eat(_ pages: UInt64, flags: UInt64 = 0x4022) -> UInt64 {
    let pid = kernel.current?.pid
    let p = UInt64(bitPattern: call(Number.mmap, 0, pages * 4096, 3, flags, ~0, 0))
    for page in 0..<pages {
      var isThere = false
      while !isThere && kernel.current?.pid == pid && kernel.panic == nil {
        do throws(TranslationFault) {
          _ = try mmu.translate(linear: p + page * 4096, for: Access(.write, .user))
          isThere = true
        } catch {
          trap(.fault(error))
        }
      }
      if !isThere { return page }
    }
    return pages
  }

  /// Takes frames until so many are left.
  func exhaust(leaving count: UInt64 = 0) -> [FrameNumber] {
    _ = kernel.system.reclaim()
    let frames = kernel.system.frames
    var taken: [FrameNumber] = []
    while frames.available > count, let frame = frames.allocate(.kernel) { taken.append(frame) }
    return taken
  }

  func giveBack(_ frames: [FrameNumber]) {
    for frame in frames { kernel.system.frames.release(frame) }
  }

  /// Sets oom_score_adj; the process must have one.
  func adjust(_ pid: Int32, _ value: Int64) throws {
    let process = try #require(kernel.processTable[pid])
    try kernel.setOutOfMemoryAdjustment(of: process, to: value)
  }

  /// The numbers of those killed for memory, in order.
  var killed: [Int32] {
    messages.filter { $0.kind == .story }.compactMap { message in
      let line = message.text.split(separator: "\n").first { $0.hasPrefix("Out of memory: Killed") }
      return line.flatMap { Int32($0.split(separator: " ")[5]) }
    }
  }

  /// The status wait4 gives for a child, as the shell shows it; nil if there is none.
  func waitStatus(_ pid: Int32) -> UInt64? {
    call(260, UInt64(pid), Bench.data, 0, 0)
    // It waited, while the child ended: the call is made again.
    if result != .systemCallCompleted { trap(.environmentCall) }
    guard registers[10] == UInt64(pid) else { return nil }
    return loadWord(Bench.data).map { $0 & 0xffff }
  }
}

@Suite struct OutOfMemoryTests {
  /// A machine of 4 MiB whose child 3 has written 600 pages, and whose parent runs.
  private func crowded() throws -> Bench {
    let bench = try Bench(ram: 4 << 20)
    #expect(bench.touch(Bench.data))
    #expect(bench.fork() == 3)
    bench.run(3)
    #expect(bench.eat(600) == 600)
    bench.run(2)
    return bench
  }

  @Test func `the largest process is killed, and the one that found no frame goes on`() throws {
    let bench = try crowded()
    #expect(bench.eat(500) == 500)
    #expect(bench.killed == [3])
    #expect(bench.kernel.memoryKills == 1)
    #expect(bench.kernel.vmstatText.contains("oom_kill 1\n"))
    #expect(bench.kernel.current?.pid == 2)
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(bench.waitStatus(3) == 9)
    #expect(bench.finish() == nil)
  }

  @Test func `the report names who asked, the state of memory, the candidates and the victim`()
    throws
  {
    let bench = try crowded()
    try bench.adjust(3, 5)
    bench.eat(500)
    let text = try #require(bench.messages.first { $0.text.contains("oom-killer") }).text
    let lines = text.split(separator: "\n").map(String.init)
    #expect(
      lines[0].hasPrefix(
        "prog invoked oom-killer: pid 2, order=0, oom_score_adj=0, write at 0x"))
    #expect(lines[0].hasSuffix(" rw- anonymous"))
    #expect(lines[1].hasPrefix("Mem-Info: total:4096kB free:0kB kernel:"))
    #expect(lines[4] == "Tasks state (memory values in pages):")
    #expect(
      lines[5] == "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem "
        + "pgtables_bytes swapents oom_score_adj name")
    #expect(lines[6].hasPrefix("[      2]     0     2 "))
    #expect(lines[7].hasPrefix("[      3]     0     3 "))
    #expect(lines[7].hasSuffix("        0             5 prog"))
    #expect(lines[6].count == lines[7].count)
    let last = lines[8]
    #expect(last.hasPrefix("Out of memory: Killed process 3 (prog) total-vm:"))
    #expect(last.hasSuffix("shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:5"))
    #expect(last.contains(" anon-rss:24"))
    #expect(lines[9].hasPrefix("freed 24"))
    #expect(lines.count == 10)
    #expect(bench.finish() == nil)
  }

  @Test func `of equals the youngest is killed`() throws {
    let bench = try Bench(ram: 4 << 20)
    for child in [3, 4, 5] as [Int32] {
      #expect(bench.fork() == child)
      bench.run(child)
      bench.eat(200)
      bench.run(2)
    }
    try bench.adjust(2, -1000)
    #expect(bench.eat(500) == 500)
    #expect(bench.killed == [5])
    #expect(bench.finish() == nil)
  }

  @Test func `oom_score_adj moves the choice by thousandths of the machine`() throws {
    // 1,024 pages: 1,000 points are 1,000 pages, for the quotient is taken first.
    for (adjustment, victim) in [(-500, 3), (-600, 2), (-1000, 2), (1000, 3)] as [(Int64, Int32)] {
      let bench = try crowded()
      try bench.adjust(3, adjustment)
      let process = try #require(bench.kernel.processTable[3]?.space)
      let pages =
        Int64(process.residentAnonymous + process.residentFile) + Int64(process.tablePages)
      let points = bench.kernel.badness(of: bench.kernel.processTable[3]!)
      #expect(points == (adjustment == -1000 ? nil : pages + adjustment))
      // 90 pages are the parent's own when memory ends, for -500 fewer than the child's points.
      let rest = bench.exhaust(leaving: 60)
      bench.eat(100)
      #expect(bench.killed == [victim], "\(adjustment)")
      bench.giveBack(rest)
      #expect(bench.finish() == nil)
    }
  }

  @Test func `those that share the victim's memory die with it`() throws {
    let bench = try Bench(ram: 4 << 20)
    #expect(bench.fork() == 3)
    bench.run(3)
    // CLONE_VM without CLONE_THREAD.
    #expect(bench.fork(0x100 | 17) == 4)
    bench.eat(600)
    bench.run(2)
    #expect(bench.eat(500) == 500)
    #expect(bench.killed == [4])
    #expect(bench.messages.contains { $0.text.contains("and with it process 3 (prog)") })
    #expect(bench.kernel.memoryKills == 1)
    #expect(bench.waitStatus(3) == 9)
    // Its own parent is gone: init has reaped it.
    #expect(bench.kernel.processTable[4] == nil)
    #expect(bench.finish() == nil)
  }

  @Test func `a vfork child is spared, its parent is not, and both end`() throws {
    let bench = try Bench(ram: 4 << 20)
    #expect(bench.fork() == 3)
    bench.run(3)
    bench.eat(600)
    _ = bench.fork(0x4111)
    #expect(bench.kernel.processTable[4]?.vforkWaiter != nil)
    let child = try #require(bench.kernel.processTable[4])
    #expect(bench.kernel.badness(of: child) == nil)
    bench.run(2)
    bench.eat(500)
    #expect(bench.killed == [3])
    #expect(bench.waitStatus(3) == 9)
    #expect(bench.kernel.processTable[4] == nil)
    #expect(bench.finish() == nil)
  }

  @Test func `whoever is dying already gives its memory first, and nobody else is killed`() throws {
    let bench = try crowded()
    #expect(bench.call(129, 3, 9) == 0)
    #expect(bench.eat(500) == 500)
    #expect(bench.killed == [])
    #expect(bench.kernel.memoryKills == 0)
    #expect(bench.waitStatus(3) == 9)
    #expect(bench.finish() == nil)
  }

  @Test func `a kill that frees too little is followed by the next, to the end of all`() throws {
    let bench = try Bench(ram: 4 << 20)
    bench.eat(600)
    try bench.adjust(2, -1000)
    // All they have is their parent's.
    for child in [3, 4, 5] as [Int32] {
      #expect(bench.fork() == child)
      try bench.adjust(child, 0)
    }
    let got = bench.eat(600)
    #expect(bench.killed == [5, 4, 3])
    #expect(got > 300 && got < 600)
    let panic = try #require(bench.kernel.panic)
    #expect(panic.contains("Out of memory and no killable processes"))
    #expect(bench.result == .ended(retiresSystemCall: false))
    #expect(bench.process.exitStatus == nil)
    #expect(bench.finish() == nil)
  }

  @Test func `a run ends in a system call too if nobody can be killed`() throws {
    let bench = try Bench(ram: 4 << 20)
    try bench.adjust(2, -1000)
    let p = bench.map(2)
    let rest = bench.exhaust()
    bench.call(160, p)
    #expect(bench.kernel.panic != nil)
    #expect(bench.result == .ended(retiresSystemCall: true))
    bench.giveBack(rest)
    #expect(bench.finish() == nil)
  }

  @Test func `memory files that only the victim shows are freed with it`() throws {
    let bench = try Bench(ram: 4 << 20)
    #expect(bench.fork() == 3)
    bench.run(3)
    // MAP_SHARED | MAP_ANONYMOUS, then a System V segment that is removed already.
    bench.eat(300, flags: 0x21)
    let id = UInt64(bench.call(194, 0, 300 * 4096, 0o600))
    let p = UInt64(bench.call(196, id, 0, 0))
    for page in 0..<300 as Range<UInt64> { bench.touch(p + page * 4096) }
    #expect(bench.call(195, id, 0) == 0)
    bench.run(2)
    #expect(bench.eat(500) == 500)
    #expect(bench.killed == [3])
    let text = bench.messages.first { $0.text.contains("Killed process 3") }?.text ?? ""
    #expect(text.contains("shmem-rss:2400kB"))
    #expect(bench.finish() == nil)
  }

  @Test func `a transfer into untouched memory goes on over a kill`() throws {
    let bench = try crowded()
    bench.prepareFiles()
    let fd = bench.makeFile("/tmp/f", pages: 16)
    let p = bench.map(16)
    let rest = bench.exhaust()
    #expect(bench.call(FileNumber.pread64, UInt64(fd), p, 16 * 4096, 0) == 16 * 4096)
    #expect(bench.killed == [3])
    #expect(bench.load(p + 15 * 4096) == 16)
    bench.giveBack(rest)
    #expect(bench.finish() == nil)
  }

  @Test func `MAP_POPULATE, mlock and MADV_POPULATE_WRITE kill for their pages as faults do`()
    throws
  {
    for way in 0..<3 {
      let bench = try crowded()
      let p = bench.map(32)
      let rest = bench.exhaust()
      switch way {
      case 0: #expect(bench.map(32, flags: 0x8000) > 0)
      case 1: #expect(bench.call(228, p, 32 * 4096) == 0)
      default: #expect(bench.call(Number.madvise, p, 32 * 4096, 23) == 0)
      }
      #expect(bench.killed == [3])
      #expect(bench.kernel.current?.pid == 2)
      bench.giveBack(rest)
      #expect(bench.finish() == nil)
    }
  }

  @Test func `a process chosen in its own system call ends with the call`() throws {
    let bench = try Bench(ram: 4 << 20)
    #expect(bench.fork() == 3)
    bench.run(3)
    bench.eat(500)
    let p = bench.map(600)
    bench.call(228, p, 600 * 4096)
    #expect(bench.killed == [3])
    #expect(bench.kernel.current?.pid == 2)
    #expect(bench.waitStatus(3) == 9)
    #expect(bench.finish() == nil)
  }

  @Test func `no memory for a signal's frame is SIGKILL for its process and nothing for others`()
    throws
  {
    let bench = try Bench(ram: 4 << 20)
    try bench.adjust(2, -1000)
    let stack = bench.map(16)
    #expect(bench.touch(Bench.data))
    #expect(bench.fork() == 3)
    try bench.adjust(3, 0)
    bench.run(3)
    bench.store(1, at: Bench.data)
    // sigaltstack, and SIGUSR1 handled there.
    bench.put(words: [stack, 0, 16 * 4096, Bench.text, 0x0800_0000, 0], at: Bench.data)
    #expect(bench.call(132, Bench.data, 0) == 0)
    #expect(bench.call(134, 10, Bench.data + 24, 0, 8) == 0)
    let rest = bench.exhaust()
    bench.call(129, 3, 10)
    #expect(bench.killed == [3])
    #expect(bench.kernel.current?.pid == 2)
    bench.giveBack(rest)
    #expect(bench.call(172) == 2)
    #expect(bench.waitStatus(3) == 9)
    #expect(bench.finish() == nil)
  }

  @Test func `a handler that finds no frame is asked again after a kill`() throws {
    struct OwnFrames: PageFaultHandler {
      func handle(
        _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
      ) -> FaultOutcome {
        if fault.address.rawValue >> 40 != 1 { return services.handleByDefault(fault) }
        guard let frame = services.allocateFrame() else { return .outOfMemory }
        services.map(PageNumber(fault.address.rawValue >> 12), to: frame, [.read, .write])
        return .resume
      }
    }
    let bench = try Bench(ram: 4 << 20) { $0.pageFaultHandler = OwnFrames() }
    #expect(bench.fork() == 3)
    bench.run(3)
    bench.eat(600)
    bench.run(2)
    bench.map(16, at: 1 << 40, flags: 0x10)
    #expect(bench.touch(1 << 40))
    let rest = bench.exhaust()
    #expect(bench.touch(1 << 40 + 4096))
    // uname to a page that is not there.
    #expect(bench.call(160, 1 << 40 + 8192) == 0)
    #expect(bench.killed == [3])
    bench.giveBack(rest)
    #expect(bench.finish() == nil)
  }

  @Test func `a process that ends does not kill for the word it has to clear`() throws {
    let bench = try crowded()
    let word = bench.map(1)
    // A second user of the memory makes exit clear the word of set_tid_address.
    #expect(bench.fork(0x100 | 17) == 4)
    bench.run(4)
    #expect(bench.call(96, word) == 4)
    let rest = bench.exhaust()
    bench.call(Number.exit, 0)
    #expect(bench.killed == [] && bench.kernel.memoryKills == 0)
    #expect(bench.kernel.processTable[4]?.exitStatus == .exited(0))
    bench.giveBack(rest)
    #expect(bench.finish() == nil)
  }

  @Test func `a map of what was is shown once, before the victim's memory goes`() throws {
    let bench = try crowded()
    var shown: [Int32: UInt64] = [:]
    bench.kernel.onExit = { process in
      #expect(shown[process.pid] == nil)
      shown[process.pid] = process.space?.residentAnonymous
    }
    bench.eat(500)
    #expect(bench.waitStatus(3) == 9)
    #expect(bench.finish() == nil)
    #expect((shown[3] ?? 0) > 600)
  }

  // MARK: /proc

  private func text(_ bench: Bench, _ path: String) -> String {
    let fd = bench.open(path, readOnly)
    defer { bench.call(FileNumber.close, UInt64(fd)) }
    return String(decoding: bench.pread(fd, 4096, at: 0), as: UTF8.self)
  }

  /// As recorded on Linux 6.18: what write returns, and what is read then.
  @Test(
    arguments: [
      ("5", 1, "5\n"), ("+5", 2, "5\n"), ("0x10", 4, "16\n"), ("010", 3, "8\n"),
      (" 7 \n", 4, "7\n"), ("5\n\n", 3, "5\n"), ("5\0", 2, "5\n"), ("0X1f", 4, "31\n"),
      ("500         xxx", 12, "500\n"), ("-1000", 5, "-1000\n"), ("1000", 4, "1000\n"),
      ("5 6", -22, "1\n"), ("1001", -22, "1\n"), ("-1001", -22, "1\n"), ("", -22, "1\n"),
      ("99999999999", -34, "1\n"), ("\n", -22, "1\n"), ("0x", -22, "1\n"), ("-", -22, "1\n"),
      ("1a", -22, "1\n"), ("+-5", -22, "1\n"), ("08", -22, "1\n"),
    ] as [(String, Int64, String)])
  func `oom_score_adj takes what Linux takes`(input: String, result: Int64, shown: String) throws {
    let bench = try Bench()
    bench.prepareFiles()
    bench.process.outOfMemoryAdjustment = 1
    let fd = UInt64(bench.open("/proc/self/oom_score_adj", readWrite))
    bench.put(Array(input.utf8), at: Bench.bufferPages)
    #expect(bench.call(Number.write, fd, Bench.bufferPages, UInt64(input.utf8.count)) == result)
    // The position has not moved.
    let got = bench.call(Number.read, fd, Bench.bufferPages, 100)
    #expect(String(decoding: bench.take(Int(got), at: Bench.bufferPages), as: UTF8.self) == shown)
    #expect(text(bench, "/proc/2/oom_score_adj") == shown)
    #expect(bench.finish() == nil)
  }

  @Test func `oom_score_adj is inherited by fork and belongs to all who share memory`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    try bench.adjust(2, 300)
    #expect(bench.fork() == 3)
    #expect(text(bench, "/proc/3/oom_score_adj") == "300\n")
    try bench.adjust(3, -5)
    #expect(bench.process.outOfMemoryAdjustment == 300)
    #expect(bench.fork(0x100 | 17) == 4)
    try bench.adjust(4, 7)
    #expect(text(bench, "/proc/2/oom_score_adj") == "7\n")
    // A vfork child sets its own.
    bench.run(3)
    _ = bench.fork(0x4111)
    let child = try #require(bench.kernel.processTable[5])
    try bench.kernel.setOutOfMemoryAdjustment(of: child, to: 1000)
    #expect(bench.kernel.processTable[3]?.outOfMemoryAdjustment == -5)
    #expect(bench.finish() == nil)
  }

  @Test func `oom_score is two thirds of a scale on which the adjustment counts as memory`() throws
  {
    let bench = try Bench(ram: 4 << 20)
    bench.prepareFiles()
    bench.eat(400)
    _ = text(bench, "/proc/self/oom_score")
    let points = try #require(bench.kernel.badness(of: bench.process))
    // 1,024 pages are 1,000.
    let expected = (1000 + points * 1000 / 1024) * 2 / 3
    #expect(expected > 900)
    #expect(text(bench, "/proc/self/oom_score") == "\(expected)\n")
    try bench.adjust(2, -1000)
    #expect(text(bench, "/proc/self/oom_score") == "0\n")
    try bench.adjust(2, -999)
    let least = (1000 + (points - 999) * 1000 / 1024) * 2 / 3
    #expect(text(bench, "/proc/self/oom_score") == "\(least)\n")
    #expect(bench.open("/proc/self/oom_score", writeOnly) == negative(.accessDenied))
    #expect(bench.finish() == nil)
  }
}
