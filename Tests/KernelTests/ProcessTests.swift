import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

@Suite struct ProcessTests {
  private static let clone: UInt64 = 220
  private static let wait4: UInt64 = 260
  private static let yield: UInt64 = 124

  /// Forks, leaving the parent on the core.
  private func fork(_ bench: Bench) -> Process? {
    let pid = bench.call(Self.clone, 17)
    return bench.kernel.processes.first { Int64($0.pid) == pid }
  }

  @Test func `fork shares every written frame, and each side copies what it writes`() throws {
    let bench = try Bench()
    let p = bench.map(40)
    for i in 0..<40 as Range<UInt64> { bench.store(UInt8(i), at: p + i * 4096) }
    let used = bench.kernel.system.frames.used
    let flushed = bench.mmu.counters[.flushPCID]
    let child = try #require(fork(bench))
    #expect(bench.kernel.system.checkInvariants() == nil)
    // The child has tables of its own and no frame; the parent's TLB forgot that it could write.
    #expect(bench.kernel.system.frames.used - used == UInt64(child.space!.tablePages))
    #expect(child.space!.residentAnonymous == bench.space.residentAnonymous)
    #expect(bench.mmu.counters[.flushPCID] == flushed + 1)
    // The parent copies ten pages.
    var before = bench.process.faults
    for i in 0..<10 as Range<UInt64> { bench.store(100, at: p + i * 4096) }
    #expect(bench.process.faults.copyOnWrite - before.copyOnWrite == 10)
    #expect(bench.load(p + 20 * 4096) == 20)
    #expect(bench.process.minorFaults - before.minor == 10)
    // The child sees the old ones; the last owner takes a frame over without a copy.
    bench.call(Self.yield)
    #expect(bench.kernel.current === child)
    #expect(bench.load(p) == 0 && bench.load(p + 9 * 4096) == 9)
    before = child.faults
    let frames = bench.kernel.system.frames.used
    for i in 0..<10 as Range<UInt64> { bench.store(200, at: p + i * 4096) }
    #expect(child.faults.copyOnWrite - before.copyOnWrite == 10)
    #expect(bench.kernel.system.frames.used == frames)
    #expect(bench.kernel.system.checkInvariants() == nil)
    bench.call(Number.exit, 7)
    #expect(bench.kernel.current === bench.process)
    #expect(bench.load(p) == 100)
    #expect(bench.call(Self.wait4, ~0, Bench.data, 0, 0) == Int64(child.pid))
    #expect(bench.loadWord(Bench.data)! & 0xffff_ffff == 7 << 8)
    #expect(bench.call(Self.wait4, ~0, 0, 0, 0) == negative(.noChild))
    #expect(bench.finish() == nil)
  }

  @Test func `the cost of a fork is that of the tables, not of the address space`() throws {
    let bench = try Bench(ram: 64 << 20)
    // 1 TiB of which sixteen pages are there.
    let p = bench.map(1 << 28, flags: 0x4000)
    for i in 0..<16 as Range<UInt64> { bench.store(1, at: p + i << 36) }
    let before = bench.kernel.chargedCycles
    let child = try #require(fork(bench))
    #expect(child.space!.tablePages <= bench.space.tablePages)
    #expect(bench.kernel.chargedCycles - before < 40_000)
    #expect(bench.finish() == nil)
  }

  @Test func `a fork without enough frames fails whole, at whatever allocation`() throws {
    for allocation in 0..<12 as Range<UInt64> {
      let bench = try Bench()
      let p = bench.map(3)
      bench.store(1, at: p)
      // Nothing is left that the page cache could give up instead.
      _ = bench.kernel.system.reclaim()
      bench.kernel.system.frames.allocationsUntilFailure = allocation
      let pid = bench.call(Self.clone, 17)
      let failed = bench.kernel.system.frames.allocationsUntilFailure == nil
      #expect(failed == (pid == negative(.noMemory)), "allocation \(allocation)")
      bench.kernel.system.frames.allocationsUntilFailure = nil
      bench.store(2, at: p)
      #expect(bench.load(p) == 2)
      #expect(bench.finish() == nil, "allocation \(allocation)")
    }
  }

  @Test func `the page cache gives way to a fork and to tables for mremap`() throws {
    let bench = try Bench(ram: 4 << 20)
    bench.prepareFiles()
    let p = bench.map(1)
    bench.store(5, at: p)
    let fd = bench.open("f")
    let frames = bench.kernel.system.frames
    /// Does something while all frames but one hold clean pages of a file.
    func whenFull(_ work: () -> Void) {
      for i in 0..<12 as Range<UInt64> {
        _ = bench.pwrite(fd, [UInt8](repeating: 1, count: 65536), at: i * 65536)
      }
      bench.call(FileNumber.fsync, UInt64(fd))
      var rest: [FrameNumber] = []
      while frames.available > 1, let frame = frames.allocate(.kernel) { rest.append(frame) }
      work()
      for frame in rest { frames.release(frame) }
    }
    whenFull { #expect(bench.call(Self.clone, 17) == 3) }
    whenFull { #expect(bench.call(216, p, 4096, 4096, 3, 1 << 40) == 1 << 40) }
    #expect(bench.load(1 << 40) == 5)
    #expect(bench.finish() == nil)
  }

  @Test func `more address spaces than PCIDs keep their pages apart`() throws {
    let memory = PhysicalMemory(bytes: 128 << 20)
    let mmu = MMU(memory: memory)
    let system = SystemMemory(memory)
    system.attach(mmu)
    let address: UInt64 = 0x4000_0000
    var spaces: [AddressSpace] = []
    for i in 0..<4200 as Range<UInt64> {
      let space = try AddressSpace(system)
      try space.insert(
        VirtualMemoryArea(VirtualAddress(address), pages: 1, permissions: [.read, .write]))
      space.activate(on: mmu)
      #expect(space.resolveFault(address, 2) == .zeroFilled)
      let place = try mmu.translate(VirtualAddress(address), for: Access(.write, .user))
      try memory.store(i, at: place)
      spaces.append(space)
    }
    var wrong = 0
    // Stale translations would show: each is used right after another had its PCID.
    for round in 0..<2 {
      for i in stride(from: 0, to: 4200, by: round == 0 ? 1 : 7) {
        spaces[i].activate(on: mmu)
        let place = try mmu.translate(VirtualAddress(address), for: Access(.read, .user))
        if try memory.load(place) != UInt64(i) { wrong += 1 }
      }
    }
    #expect(wrong == 0)
    #expect(Set(spaces.map(\.pcid.rawValue)).count == 4096)  // 4,095 and "none"
    for space in spaces { space.destroy() }
    #expect(system.leakedFrames == 0)
    #expect(system.checkInvariants() == nil)
  }

  @Test func `when everybody waits for what cannot happen the run ends and says who waits`() throws
  {
    let bench = try Bench()
    #expect(bench.call(59, Bench.data, 0) == 0)
    #expect(bench.loadWord(Bench.data) == 4 << 32 | 3)
    #expect(fork(bench) != nil)
    bench.call(Number.read, 3, Bench.data, 1)  // the parent waits, the child has the core
    #expect(bench.result == .systemCallRestarts)
    bench.call(Number.read, 3, Bench.data, 1)
    #expect(bench.result == .ended(retiresSystemCall: false))
    let text = bench.kernel.deadlock ?? ""
    #expect(text.contains("pid 2 (prog) waits for data in a pipe"))
    #expect(text.contains("pid 3 (prog) waits for data in a pipe"))
    bench.kernel.shutDown()
    #expect(bench.kernel.system.leakedFrames == 0)
    #expect(bench.kernel.system.openFiles == 0)
  }

  @Test func `while everybody sleeps the clock advances to the first alarm`() throws {
    let bench = try Bench()
    bench.store(0, at: Bench.data)
    // 2 seconds for the parent, 1 for the child.
    for (i, byte) in [UInt8(2), 1].enumerated() {
      bench.store(byte, at: Bench.data + UInt64(i) * 16)
    }
    for at in [1, 8, 17, 24] as [UInt64] { bench.store(0, at: Bench.data + at) }
    // The rest of both is what the file holds: make it zero.
    for at in 1..<16 as Range<UInt64> {
      bench.store(0, at: Bench.data + at)
      bench.store(0, at: Bench.data + 16 + at)
    }
    let child = try #require(fork(bench))
    let start = bench.clock
    bench.call(101, Bench.data, 0)
    #expect(bench.kernel.current === child)
    bench.call(101, Bench.data + 16, 0)
    // The child's alarm comes first; its call is executed again and returns.
    #expect(bench.kernel.current === child)
    #expect(bench.clock >= start + 3_000_000_000 && bench.clock < start + 3_000_100_000)
    bench.call(101, Bench.data + 16, 0)
    #expect(bench.registers[10] == 0)
    bench.call(Number.exit, 0)
    #expect(bench.kernel.current === bench.process)
    #expect(bench.clock >= start + 6_000_000_000)
    #expect(bench.kernel.idleCycles > 5_900_000_000)
    #expect(bench.process.systemCycles < 100_000)
    #expect(bench.finish() == nil)
  }

  @Test func `a quantum ends where others can run, and nowhere else`() throws {
    let bench = try Bench { $0.quantum = 50_000 }
    #expect(bench.kernel.deadline == .max)
    let child = try #require(fork(bench))
    #expect(bench.kernel.deadline <= bench.clock + 50_000)
    bench.clock = bench.kernel.deadline
    bench.trap(.timer)
    #expect(bench.kernel.current === child)
    bench.clock += 20_000
    bench.trap(.timer)
    #expect(bench.kernel.current === child)
    bench.clock = bench.kernel.deadline
    bench.trap(.timer)
    #expect(bench.kernel.current === bench.process)
    #expect(bench.kernel.contextSwitches == 2)
    #expect(bench.finish() == nil)
  }

  @Test func `a handler finds siginfo and registers where Linux puts them, and comes back`() throws
  {
    let bench = try Bench()
    let handler = Bench.text + 0x100
    for i in 0..<24 as Range<UInt64> { bench.store(0, at: Bench.data + i) }
    bench.store(0x01, at: Bench.data + 1)
    bench.store(0x01, at: Bench.data + 2)  // 0x10100: the handler
    bench.store(4, at: Bench.data + 8)  // SA_SIGINFO
    #expect(bench.call(134, 11, Bench.data, 0, 8) == 0)
    let pc = bench.frame.programCounter
    let stack = bench.registers[2]
    bench.registers[20] = 0x1234
    bench.trap(
      .fault(
        .pageFault(
          PageFault(
            address: VirtualAddress(0x5008), errorCode: [.write, .user],
            access: Access(.write, .user)))))
    #expect(bench.frame.programCounter == handler)
    let frame = bench.registers[2]
    #expect(frame == (stack - 1088) & ~15)
    #expect(bench.registers[10] == 11)
    #expect(bench.registers[11] == frame && bench.registers[12] == frame + 128)
    #expect(bench.loadWord(frame)! & 0xffff_ffff == 11)
    #expect(bench.loadWord(frame + 8)! & 0xffff_ffff == 1)  // SEGV_MAPERR
    #expect(bench.loadWord(frame + 16) == 0x5008)
    #expect(bench.loadWord(frame + 304) == pc)
    #expect(bench.loadWord(frame + 304 + 8 * 2) == stack)
    #expect(bench.loadWord(frame + 304 + 8 * 20) == 0x1234)
    // The way back is `li a7, 139; ecall` in [vdso].
    let way = bench.registers[1]
    #expect(way == bench.space.trampoline)
    #expect(bench.loadWord(way) == 0x0000_0073_08b0_0893)
    // The handler runs with its signal blocked, so that another fault kills.
    bench.registers[20] = 0
    bench.call(139)
    #expect(bench.frame.programCounter == pc)
    #expect(bench.registers[2] == stack && bench.registers[20] == 0x1234)
    #expect(bench.finish() == nil)
  }

  @Test(arguments: [false, true])
  func `a signal ends a wait with EINTR, or with SA_RESTART lets it begin again`(
    restarts: Bool
  ) throws {
    let bench = try Bench()
    bench.prepareFiles()
    let handler = Bench.text + 0x100
    // The handler, and SA_RESTART.
    var action = [UInt8](repeating: 0, count: 24)
    (action[1], action[2], action[11]) = (1, 1, restarts ? 0x10 : 0)
    bench.put(action, at: Bench.bufferPages)
    #expect(bench.call(134, 10, Bench.bufferPages, 0, 8) == 0)
    #expect(bench.call(59, Bench.bufferPages, 0) == 0)
    #expect(try #require(fork(bench)).pid == 3)
    let counter = bench.frame.programCounter
    bench.call(Number.read, 3, Bench.bufferPages, 10)
    #expect(bench.kernel.current?.pid == 3)
    #expect(bench.call(129, 2, 10) == 0)
    bench.call(Self.yield)
    // The call is executed again, with nothing to read but a signal.
    #expect(bench.kernel.current === bench.process && bench.frame.programCounter == counter)
    bench.trap(.environmentCall)
    #expect(bench.frame.programCounter == handler)
    let frame = bench.registers[2]
    #expect(bench.loadWord(frame + 304) == counter + (restarts ? 0 : 4))
    let saved = bench.loadWord(frame + 304 + 8 * 10)
    #expect(saved == (restarts ? 3 : UInt64(bitPattern: negative(.interrupted))))
    #expect(bench.finish() == nil)
  }

  @Test func `there is a limit to forks, and it is named`() throws {
    let bench = try Bench { $0.maximumThreads = 20 }
    var children = 0
    while bench.call(Self.clone, 17) > 0 { children += 1 }
    #expect(children == 19)
    #expect(Int64(bitPattern: bench.registers[10]) == negative(.tryAgain))
    #expect(bench.messages.last?.text.contains("there are 20 processes and threads") == true)
    #expect(bench.finish() == nil)
    #expect(bench.messages.last?.text.contains("19 processes were still alive") == true)
  }

  @Test func `mremap without frames for tables leaves everything as it was`() throws {
    for allocation in 0..<4 as Range<UInt64> {
      let bench = try Bench()
      let p = bench.map(2)
      bench.store(5, at: p)
      _ = bench.kernel.system.reclaim()
      bench.kernel.system.frames.allocationsUntilFailure = allocation
      let result = bench.call(216, p, 8192, 8192, 3, 1 << 40)
      let failed = bench.kernel.system.frames.allocationsUntilFailure == nil
      #expect(failed == (result == negative(.noMemory)))
      bench.kernel.system.frames.allocationsUntilFailure = nil
      #expect(bench.load(failed ? p : 1 << 40) == 5)
      #expect(bench.finish() == nil)
    }
  }
}
