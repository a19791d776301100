@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

@Suite struct SignalTests {
  /// The story of one access that kills.
  private func story(
    _ address: UInt64, _ kind: Access.Kind, configure: (Bench) -> Void = { _ in }
  ) throws -> (String, TerminationStatus?) {
    let bench = try Bench()
    configure(bench)
    #expect(!bench.touch(address, kind))
    #expect(bench.finish() == nil)
    #expect(bench.process.faults.signal == 1)
    return (bench.messages.last?.text ?? "", bench.kernel.exitStatus)
  }

  @Test func `a null pointer is named, with the entry that is missing`() throws {
    let (text, status) = try story(0, .write)
    #expect(status == .killed(.segmentationFault))
    #expect(status?.shellStatus == 139)
    #expect(
      text.hasPrefix(
        "pid 2 (prog) killed by SIGSEGV (SEGV_MAPERR): write at 0x0, pc 0x10000, error code 0x6 "))
    #expect(text.contains("null pointer"))
    #expect(
      text.contains("area: none; nearest is 0x10000-0x11000 r-x /bin/prog, 65536 bytes above"))
    #expect(text.contains("PTE not present (P = 0)"))
  }

  @Test func `a write to text says which bit forbids it`() throws {
    let (text, _) = try story(Bench.text, .write) { $0.touch(Bench.text, .read) }
    #expect(text.contains("SEGV_ACCERR"))
    #expect(text.contains("error code 0x7 (P W/R U/S)"))
    #expect(text.contains("write to text"))
    #expect(text.contains("forbids it: R/W = 0"))
    #expect(text.contains("area: 0x10000-0x11000 r-x /bin/prog"))
  }

  @Test func `execution of data is stopped by XD`() throws {
    let (text, _) = try story(Bench.data, .fetch) { $0.touch(Bench.data) }
    #expect(text.contains("execution of data"))
    #expect(text.contains("XD = 1"))
    #expect(text.contains("error code 0x15 (P U/S I/D)"))
  }

  @Test func `kernel memory is mapped, but for the supervisor`() throws {
    let (text, _) = try story(SystemMemory.directMap + 0x5000, .read)
    #expect(text.contains("kernel memory: only the supervisor may touch it"))
    #expect(text.contains("U/S = 0"))
    #expect(text.contains("error code 0x5 (P U/S)"))
  }

  @Test func `an address between the halves is not canonical`() throws {
    let (text, status) = try story(1 << 50, .read)
    #expect(text.contains("not canonical"))
    #expect(status == .killed(.segmentationFault))
  }

  @Test func `a jump between the halves is told as any other`() throws {
    let (text, status) = try story(1 << 50, .fetch) { $0.frame.programCounter = 1 << 50 }
    #expect(text.contains("not canonical"))
    #expect(text.contains("pc 0x4000000000000"))
    #expect(status == .killed(.segmentationFault))
  }

  @Test func `a guard is named, though its area allows the access`() throws {
    let bench = try Bench()
    let at = bench.map(3)
    #expect(bench.call(233, at + 4096, 4096, 102) == 0)
    bench.store(1, at: at)
    #expect(!bench.touch(at + 4096, .read))
    let text = bench.messages.last?.text ?? ""
    #expect(text.contains("SEGV_MAPERR") && text.contains("PTE a guard (P = 0, nothing else)"))
    #expect(text.contains("a guard page: MADV_GUARD_INSTALL was called for it"))
    #expect(bench.finish() == nil)
  }

  @Test func `the stack grows on demand to its limit, then it overflows`() throws {
    let bench = try Bench()
    let top = bench.space.allAreas.last!.upper
    let before = bench.minorFaults
    for i in 40..<72 as Range<UInt64> { bench.store(1, at: top - i * 4096) }
    #expect(bench.minorFaults - before == 32)
    bench.store(1, at: top - 272 * 4096)
    #expect(bench.minorFaults - before == 33)
    #expect(bench.load(top - 300 * 4096) == 0)
    #expect(bench.space.allAreas.last!.pages == 300)
    #expect(bench.touch(top - (8 << 20)))
    #expect(bench.space.allAreas.last!.pages == 2048)
    #expect(!bench.touch(top - (8 << 20) - 1))
    #expect(bench.messages.last?.text.contains("stack overflow") == true)
    #expect(bench.finish() == nil)
  }

  @Test func `MADV_POPULATE works up to a hole, and lets no stack grow into one`() throws {
    let bench = try Bench()
    let stack = bench.space.allAreas.last!
    let at = stack.lower - 4 * 4096
    for advice in [22, 23] as [UInt64] {
      #expect(bench.call(233, at, 6 * 4096, advice) == negative(.noMemory))
      #expect(bench.space.allAreas.last!.lower == stack.lower)
    }
    let two = bench.map(3)
    #expect(bench.call(215, two + 8192, 4096) == 0)
    let before = bench.minorFaults
    #expect(bench.call(233, two, 3 * 4096, 23) == negative(.noMemory))
    #expect(bench.minorFaults == before + 2)
    #expect(bench.finish() == nil)
  }

  @Test func `a stack keeps 256 pages free of whatever lies below`() throws {
    let bench = try Bench()
    let top = bench.space.allAreas.last!.upper
    let wall = top - 400 * 4096
    #expect(bench.map(1, at: wall, flags: 0x10) == wall)
    #expect(bench.touch(wall + 257 * 4096))
    #expect(!bench.touch(wall + 256 * 4096))
    #expect(bench.messages.last?.text.contains("stack overflow") == true)
    // Without any access allowed there, it may come close.
    let other = try Bench()
    #expect(other.map(1, 0, at: wall, flags: 0x10) == wall)
    #expect(other.touch(wall + 4096))
    #expect(other.finish() == nil)
  }

  @Test func `other traps end in the signals Linux sends`() throws {
    let rows: [(Trap, Signal, String)] = [
      (.breakpoint, .trap, "SIGTRAP (TRAP_BRKPT): ebreak at pc 0x10000"),
      (.illegalInstruction(0), .illegalInstruction, "instruction 0x00000000 at pc 0x10000"),
      (.misalignedFetch(target: 0x10002), .busError, "BUS_ADRALN): jump to 0x10002"),
      (.misalignedAtomic(address: 0x20001), .busError, "atomic access at 0x20001"),
      (.fault(.busError(PhysicalAddress(1 << 38))), .busError, "beyond the RAM"),
    ]
    for (trap, signal, words) in rows {
      let bench = try Bench()
      bench.trap(trap)
      #expect(bench.result == .ended(retiresSystemCall: false))
      #expect(bench.kernel.exitStatus == .killed(signal))
      #expect(bench.messages.last?.text.contains(words) == true)
      #expect(bench.finish() == nil)
    }
  }

  @Test func `addresses carry their names`() throws {
    var image = Bench.image
    image.symbolizer = Symbolizer(
      line: { $0 == Bench.text ? ("prog.s", 12) : nil },
      symbol: { $0 < Bench.data ? ("main", $0 - Bench.text) : ("table", $0 - Bench.data) })
    let bench = try Bench(image: image)
    bench.touch(Bench.data + 0x30000)
    let text = bench.messages.last?.text ?? ""
    #expect(text.contains("write at 0x50000 (table+0x30000), pc 0x10000 (prog.s:12, main)"))
  }
}
