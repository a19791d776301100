@testable import MMUKernel
import MMUMemory
import MMUPaging
import MMUTiming
import Testing

// Waits: what a call keeps while it waits belongs to it alone, and what a signal makes of it.

extension Bench {
  /// Writes 64-bit words.
  func put(words: [UInt64], at address: UInt64) {
    put(
      words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } },
      at: address)
  }

  /// Handles a signal at `handler`.
  func handle(_ signal: UInt64, flags: UInt64 = 0) {
    put(words: [Bench.handler, flags, 0], at: Bench.bufferPages + 0x800)
    call(134, signal, Bench.bufferPages + 0x800, 0, 8)
  }

  static let handler = Bench.text + 0x100
}

@Suite struct WaitTests {
  private static let clone: UInt64 = 220
  private static let yield: UInt64 = 124
  private static let futex: UInt64 = 98
  private static let nanosleep: UInt64 = 101
  private static let restart: UInt64 = 0x1000_0000
  private static let second: Cycles = 3_000_000_000

  /// A bench with one second at `time` and zeros at `word`.
  private func bench() throws -> Bench {
    let bench = try Bench()
    bench.prepareFiles()
    bench.put(words: [1, 0, 0, 0], at: Self.time)
    return bench
  }
  private static let time = Bench.bufferPages
  private static let word = Bench.bufferPages + 16

  /// Sleeps a second alone; how long that took.
  private func sleep(_ bench: Bench) -> Cycles {
    let start = bench.clock
    bench.call(Self.nanosleep, Self.time, 0)
    if bench.result == .systemCallRestarts { bench.trap(.environmentCall) }
    return bench.clock - start
  }

  @Test func `a timed call that fails leaves no end to the next sleep`() throws {
    let bench = try bench()
    // FUTEX_WAIT at an address that is none, or at a word that has another value.
    #expect(bench.call(Self.futex, 0x1000, 0, 0, Self.time) == negative(.badAddress))
    bench.clock += Self.second / 2
    #expect(sleep(bench) >= Self.second)
    #expect(bench.call(Self.futex, Self.word, 0, 7, Self.time) == negative(.tryAgain))
    bench.clock += Self.second / 2
    #expect(sleep(bench) >= Self.second)
    // rt_sigtimedwait that is over.
    bench.call(137, Self.word, 0, Self.time, 8)
    bench.trap(.environmentCall)
    #expect(Int64(bitPattern: bench.registers[10]) == negative(.tryAgain))
    #expect(sleep(bench) >= Self.second)
    #expect(bench.finish() == nil)
  }

  /// Sends the first process, which waits, signal 10, and gives it the core back.
  private func interrupt(_ bench: Bench) {
    #expect(bench.kernel.current?.pid == 3)
    #expect(bench.call(129, 2, 10) == 0)
    bench.call(Self.yield)
    #expect(bench.kernel.current === bench.process)
    bench.trap(.environmentCall)
    #expect(bench.frame.programCounter == Bench.handler)
  }

  @Test(arguments: [false, true])
  func `FUTEX_WAIT is restarted by SA_RESTART only without a timeout`(isTimed: Bool) throws {
    let bench = try bench()
    bench.handle(10, flags: Self.restart)
    #expect(bench.call(Self.clone, 17) == 3)
    let counter = bench.frame.programCounter
    bench.call(Self.futex, Self.word, 0, 0, isTimed ? Self.time : 0)
    interrupt(bench)
    let frame = bench.registers[2]
    #expect(bench.loadWord(frame + 304) == counter + (isTimed ? 4 : 0))
    let result = isTimed ? UInt64(bitPattern: negative(.interrupted)) : Self.word
    #expect(bench.loadWord(frame + 304 + 8 * 10) == result)
    #expect(bench.finish() == nil)
  }

  @Test func `a handler does not see the wait it interrupts, though that is restarted`() throws {
    let bench = try bench()
    bench.handle(10, flags: Self.restart)
    #expect(bench.call(Self.clone, 17) == 3)
    bench.put(words: [5, 0], at: Self.time + 64)
    bench.call(Self.futex, Self.word, 0, 0, Self.time + 64)
    interrupt(bench)
    let thread = try #require(bench.kernel.currentThread)
    #expect(thread.progress.end == nil)
    // The handler's own sleep is as long as it says: the child ends meanwhile.
    let start = bench.clock
    bench.call(Self.nanosleep, Self.time, 0)
    bench.call(Number.exit, 0)
    bench.trap(.environmentCall)
    #expect(bench.kernel.current === bench.process)
    #expect(bench.clock - start >= Self.second && bench.clock - start < 2 * Self.second)
    #expect(bench.finish() == nil)
  }

  @Test func `a futex wait that is over is ETIMEDOUT, whatever the word says by then`() throws {
    let bench = try bench()
    // Memory both see.
    let page = UInt64(bitPattern: bench.call(Number.mmap, 0, 4096, 3, 0x21, ~0, 0))
    #expect(bench.call(Self.clone, 17) == 3)
    bench.call(Self.futex, page, 0, 0, Self.time)
    #expect(bench.kernel.current?.pid == 3)
    bench.store(1, at: page)
    bench.call(Number.exit, 0)
    bench.call(Self.futex, page, 0, 0, Self.time)
    #expect(Int64(bitPattern: bench.registers[10]) == negative(.timedOut))
    #expect(bench.finish() == nil)
  }

  @Test func `clocks nobody can sleep by are EOPNOTSUPP, numbers that are none EINVAL`() throws {
    let bench = try bench()
    for clock in [3, 4, 5, 6, 8, 9] as [UInt64] {
      #expect(bench.call(115, clock, 0, Self.word, 0) == negative(.notSupported))
    }
    for clock in [10, 12] as [UInt64] {
      #expect(bench.call(115, clock, 0, Self.word, 0) == negative(.invalid))
    }
    for clock in [0, 1, 7, 11] as [UInt64] {
      #expect(bench.call(115, clock, 0, Self.word, 0) == 0)
    }
    #expect(bench.finish() == nil)
  }

  @Test func `SIGPIPE comes from the writer`() throws {
    let bench = try bench()
    bench.handle(13)
    #expect(bench.call(59, Bench.bufferPages, 0) == 0)
    bench.call(FileNumber.close, 3)
    bench.call(Number.write, 4, Bench.bufferPages, 1)
    #expect(bench.frame.programCounter == Bench.handler)
    // si_code SI_USER, si_pid.
    #expect(bench.loadWord(bench.registers[2] + 8).map { $0 & 0xffff_ffff } == 0)
    #expect(bench.loadWord(bench.registers[2] + 16) == 2)
    #expect(bench.finish() == nil)
  }

  @Test func `signals sent to the thread come before those sent to the process`() throws {
    let bench = try bench()
    bench.put(words: [1 << 9 | 1 << 39, 0, 0], at: Bench.bufferPages + 64)
    #expect(bench.call(135, 0, Bench.bufferPages + 64, 0, 8) == 0)
    #expect(bench.call(129, 2, 10) == 0 && bench.call(130, 2, 40) == 0)
    #expect(bench.call(137, Bench.bufferPages + 64, 0, 0, 8) == 40)
    #expect(bench.call(137, Bench.bufferPages + 64, 0, 0, 8) == 10)
    #expect(bench.finish() == nil)
  }
}
