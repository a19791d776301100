@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

// Programs that take all they can get. Each ends as Spec/Processes.md says, and everything returns.
// Others of the kind stand where their subject is: forks in ProcessTests, descriptors in FileCallTests,
// stacks in SignalTests, programs that start themselves in CommandTests.

@Suite struct BombTests {
  private static let clone: UInt64 = 220
  private static let wait4: UInt64 = 260
  private static let yield: UInt64 = 124

  @Test func `one area more than 65,530 is the last`() throws {
    let bench = try Bench(ram: 64 << 20)
    var last: Int64 = 1
    var address: UInt64 = 1 << 40
    // Neighbours that differ do not join.
    while last > 0 {
      last = bench.call(Number.mmap, address, 4096, address >> 11 & 2 | 1, 0x32, ~0, 0)
      address += 4096
    }
    #expect(last == negative(.noMemory))
    // Linux's check is for more than that before the call.
    #expect(bench.space.areaCount == 65_531)
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(bench.call(Number.munmap, 1 << 40, 4096) == 0)
    #expect(bench.map(1) > 0)
    #expect(bench.call(Self.clone, 17) == 3)
    #expect(bench.finish() == nil)
  }

  @Test func `whoever touches memory until there is no frame is killed, and its frames return`()
    throws
  {
    let bench = try Bench(ram: 4 << 20)
    // A child does it, so that somebody is left to see what it gave back.
    let used = bench.kernel.system.frames.used
    #expect(bench.call(Self.clone, 17) == 3)
    bench.call(Self.yield)
    let p = bench.map(1 << 16, flags: 0x4000)
    var pages: UInt64 = 0
    let write = Access(.write, .user)
    while bench.kernel.current?.pid == 3 && pages < 1 << 16 {
      do throws(TranslationFault) {
        _ = try bench.mmu.translate(linear: p + pages * 4096, for: write)
        pages += 1
      } catch {
        bench.trap(.fault(error))
      }
    }
    #expect(pages > 700 && pages < 1024)
    #expect(bench.messages.contains { $0.text.contains("pid 3 (prog) killed by SIGKILL") })
    #expect(bench.kernel.system.frames.used <= used + 2)
    #expect(bench.call(Self.wait4, ~0, Bench.data, 0, 0) == 3)
    #expect(bench.loadWord(Bench.data).map { $0 & 0xffff } == 9)
    #expect(bench.finish() == nil)
  }

  @Test func `two that wait to read from each other are a deadlock that names both`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    #expect(bench.call(59, Bench.bufferPages, 0) == 0)
    #expect(bench.call(59, Bench.bufferPages, 0) == 0)
    #expect(bench.call(Self.clone, 17) == 3)
    // Each keeps one end of each pipe: 3 and 4 are the first, 5 and 6 the second.
    for end in [4, 5] as [UInt64] { bench.call(FileNumber.close, end) }
    bench.call(Number.read, 3, Bench.bufferPages, 1)
    #expect(bench.kernel.current?.pid == 3)
    for end in [3, 6] as [UInt64] { bench.call(FileNumber.close, end) }
    bench.call(Number.read, 5, Bench.bufferPages, 1)
    #expect(bench.result == .ended(retiresSystemCall: false))
    let text = bench.kernel.deadlock ?? ""
    #expect(text.contains("pid 2 (prog) waits for data in a pipe"))
    #expect(text.contains("pid 3 (prog) waits for data in a pipe"))
    #expect(bench.finish() == nil)
  }

  @Test(arguments: [false, true])
  func `a writer nobody reads from any more gets SIGPIPE, or EPIPE if it ignores that`(
    ignores: Bool
  ) throws {
    let bench = try Bench()
    bench.prepareFiles()
    #expect(bench.call(59, Bench.bufferPages, 0) == 0)
    #expect(bench.call(Self.clone, 17) == 3)
    bench.call(FileNumber.close, 3)
    if ignores {
      bench.put([1] + [UInt8](repeating: 0, count: 23), at: Bench.bufferPages)
      #expect(bench.call(134, 13, Bench.bufferPages, 0, 8) == 0)
    }
    // It fills the pipe and waits; then the only reader ends.
    bench.call(Number.write, 4, Bench.bufferPages, 65_000)
    #expect(bench.registers[10] == 65_000)
    bench.call(Number.write, 4, Bench.bufferPages, 4000)
    #expect(bench.kernel.current?.pid == 3)
    bench.call(Number.exit, 0)
    if ignores {
      bench.call(Number.write, 4, Bench.bufferPages, 4000)
    } else {
      bench.trap(.environmentCall)
    }
    if ignores {
      #expect(Int64(bitPattern: bench.registers[10]) == negative(.brokenPipe))
    } else {
      #expect(bench.kernel.exitStatus == .killed(.brokenPipe))
    }
    #expect(bench.finish() == nil)
  }

  @Test func `children nobody waits for count until fork is EAGAIN, and go with their parent`()
    throws
  {
    let bench = try Bench { $0.maximumThreads = 40 }
    var children = 0
    while bench.call(Self.clone, 17) > 0 {
      children += 1
      bench.call(Self.yield)
      #expect(bench.kernel.current !== bench.process)
      bench.call(Number.exit, 0)
      if children > 100 { break }
    }
    #expect(children == 39)
    #expect(Int64(bitPattern: bench.registers[10]) == negative(.tryAgain))
    #expect(bench.kernel.processTable.count == 40)
    // One that is waited for makes room for another.
    #expect(bench.call(Self.wait4, ~0, 0, 0, 0) == 3)
    #expect(bench.call(Self.clone, 17) > 0)
    #expect(bench.call(Self.clone, 17) == negative(.tryAgain))
    // Of those nobody is left to wait for, init does.
    bench.call(Self.yield)
    bench.call(Number.exit, 0)
    for _ in 0..<39 { #expect(bench.call(Self.wait4, ~0, 0, 0, 0) > 0) }
    #expect(bench.kernel.processTable.count == 1)
    #expect(bench.finish() == nil)
  }

  @Test func `when all fork for ever all meet the limit, and the end of the first ends all`() throws
  {
    let bench = try Bench(ram: 32 << 20) { $0.maximumThreads = 100 }
    var refused: Set<Int32> = []
    for _ in 0..<1000 {
      let pid = bench.kernel.current?.pid ?? 0
      if bench.call(Self.clone, 17) == negative(.tryAgain) { refused.insert(pid) }
      bench.call(Self.yield)
    }
    #expect(refused.count == 100)
    while bench.kernel.current !== bench.process { bench.call(Self.yield) }
    bench.call(94, 0)
    #expect(bench.result == .ended(retiresSystemCall: true))
    #expect(bench.finish() == nil)
  }

  @Test func `there is a limit to threads`() throws {
    let bench = try Bench { $0.maximumThreads = 200 }
    let stack = bench.map(1)
    var threads = 1
    while bench.call(Self.clone, 0x50f00, stack + 4096, 0, 0, 0) > 0 { threads += 1 }
    #expect(threads == 200)
    #expect(Int64(bitPattern: bench.registers[10]) == negative(.tryAgain))
    // The end of the process is that of them all.
    bench.call(94, 0)
    #expect(bench.kernel.threadTable.isEmpty)
    #expect(bench.finish() == nil)
  }

  @Test func `pipes end where descriptors do, without half a pipe`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    var pipes = 0
    while bench.call(59, Bench.bufferPages, 0) == 0 { pipes += 1 }
    // 1,021 descriptors are left for pairs.
    #expect(pipes == 510)
    #expect(Int64(bitPattern: bench.registers[10]) == negative(.tooManyFiles))
    #expect(bench.process.files.descriptors.count == 3 + 1020)
    #expect(bench.finish() == nil)
    #expect(bench.kernel.system.openFiles == 0)
  }

  @Test func `real-time signals nobody takes are refused at RLIMIT_SIGPENDING`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let set = Bench.bufferPages + 64
    bench.put(words: [3 << 39 | 1 << 9], at: set)
    #expect(bench.call(135, 0, set, 0, 8) == 0)
    var sent = 0
    while bench.call(130, 2, 40) == 0 && sent < 10_000 { sent += 1 }
    #expect(sent == 4096)
    #expect(Int64(bitPattern: bench.registers[10]) == negative(.tryAgain))
    // The bound is that of all processes; an ordinary signal gets through.
    #expect(bench.call(Self.clone, 17) == 3)
    bench.call(Self.yield)
    #expect(bench.call(130, 2, 40) == negative(.tryAgain))
    #expect(bench.call(130, 2, 10) == 0)
    bench.call(Number.exit, 0)
    // kill is never refused: the signal comes without its siginfo.
    #expect(bench.call(129, 2, 41) == 0 && bench.call(129, 2, 41) == 0)
    #expect(bench.call(137, set, 0, 0, 8) == 10)
    for _ in 0..<4096 {
      if bench.call(137, set, 0, 0, 8) != 40 { Issue.record("a signal is missing") }
    }
    #expect(bench.call(137, set, Bench.bufferPages + 128, 0, 8) == 41)
    #expect(bench.loadWord(Bench.bufferPages + 144) == 0)
    #expect(bench.kernel.queuedSignals == 0)
    #expect(bench.call(130, 2, 40) == 0)
    #expect(bench.finish() == nil)
    #expect(bench.kernel.queuedSignals == 0)
  }
}
