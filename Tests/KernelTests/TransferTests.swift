@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

@Suite struct TransferTests {
  @Test func `a write that meets a hole half way returns what it wrote`() throws {
    let bench = try Bench()
    let p = bench.map(4)
    for i in 0..<4 as Range<UInt64> { bench.store(UInt8(ascii: "m"), at: p + i * 4096) }
    bench.call(Number.munmap, p + 8192, 4096)
    #expect(bench.call(Number.write, 1, p + 4096, 8192) == 4096)
    #expect(bench.host.output.count == 4096)
    #expect(bench.call(Number.write, 1, p + 8192, 10) == negative(.badAddress))
    #expect(bench.call(Number.write, 1, SystemMemory.directMap, 10) == negative(.badAddress))
    #expect(bench.call(Number.write, 1, p, 1 << 60) == negative(.badAddress))
    #expect(bench.call(Number.write, 9, p, 1) == negative(.badDescriptor))
    #expect(bench.call(Number.write, 0, p, 1) == negative(.badDescriptor))
    #expect(bench.finish() == nil)
  }

  @Test func `what a read cannot deliver is there for the next`() throws {
    let bench = try Bench(input: Array("hello, world".utf8))
    let p = bench.map(2)
    bench.call(Number.munmap, p + 4096, 4096)
    #expect(bench.call(Number.read, 0, p + 4096, 5) == negative(.badAddress))
    #expect(bench.call(Number.read, 0, p + 4091, 100) == 5)
    #expect(bench.load(p + 4091) == UInt8(ascii: "h"))
    #expect(bench.load(p + 4095) == UInt8(ascii: "o"))
    #expect(bench.call(Number.read, 0, p, 100) == 7)
    #expect(bench.loadString(p) == ", world")
    #expect(bench.call(Number.read, 0, p, 100) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `untouched buffers fault inside the kernel as in the program`() throws {
    let bench = try Bench(input: [1, 2, 3])
    let p = bench.map(3)
    let before = bench.minorFaults
    #expect(bench.call(Number.write, 1, p, 8192) == 8192)
    #expect(bench.minorFaults - before == 2)
    #expect(bench.space.residentAnonymous == 2)
    #expect(bench.call(Number.read, 0, p + 8192, 3) == 3)
    #expect(bench.minorFaults - before == 3)
    #expect(bench.call(Number.read, 0, p, 0) == 0)
    #expect(bench.mmu.counters[.dtlbMisses, .supervisor] > 0)
    // Read-only memory is no buffer for a read.
    bench.call(Number.mprotect, p, 4096, 1)
    #expect(bench.call(165, 0, p) == negative(.badAddress))
    #expect(bench.finish() == nil)
  }

  @Test func `vectors are checked before anything moves`() throws {
    let bench = try Bench(input: Array("abcdef".utf8))
    let p = bench.map(2)
    bench.call(Number.munmap, p + 4096, 4096)
    func vector(_ parts: (UInt64, UInt64)...) {
      for (i, part) in parts.enumerated() {
        for j in 0..<8 as Range<UInt64> {
          let at = Bench.data + UInt64(i) * 16 + j
          bench.store(UInt8(truncatingIfNeeded: part.0 >> (8 * j)), at: at)
          bench.store(UInt8(truncatingIfNeeded: part.1 >> (8 * j)), at: at + 8)
        }
      }
    }
    vector((p, 10), (p + 4096, 10), (p, 10))
    #expect(bench.call(66, 1, Bench.data, 3) == 10)
    vector((p + 4096, 10), (p, 10))
    #expect(bench.call(66, 1, Bench.data, 2) == negative(.badAddress))
    vector((p, 1), (p, 1 << 63))
    #expect(bench.call(66, 1, Bench.data, 2) == negative(.invalid))
    #expect(bench.call(66, 1, Bench.data, 1025) == negative(.invalid))
    #expect(bench.call(66, 1, p + 4096, 1) == negative(.badAddress))
    vector((p, 2), (p + 100, 100))
    #expect(bench.call(65, 0, Bench.data, 2) == 6)
    #expect(bench.load(p + 1) == UInt8(ascii: "b") && bench.load(p + 100) == UInt8(ascii: "c"))
    #expect(bench.finish() == nil)
  }

  @Test func `a closed output is SIGPIPE`() throws {
    let bench = try Bench()
    bench.host.isOutputClosed = true
    bench.call(Number.write, 1, Bench.data, 1)
    #expect(bench.result == .ended(retiresSystemCall: true))
    #expect(bench.kernel.exitStatus?.shellStatus == 141)
    #expect(bench.finish() == nil)
  }

  @Test func `output is limited`() throws {
    let bench = try Bench { $0.outputLimit = 100 }
    #expect(bench.call(Number.write, 1, Bench.data, 60) == 60)
    bench.call(Number.write, 2, Bench.data, 60)
    #expect(bench.kernel.exitStatus == .killed(.fileSizeLimit))
    #expect(bench.finish() == nil)
  }

  @Test func `an unknown system call fails each time and is named once for each place`() throws {
    let bench = try Bench()
    #expect(bench.call(202) == negative(.notImplemented))
    bench.frame.programCounter = Bench.text
    #expect(bench.call(202) == negative(.notImplemented))
    #expect(bench.messages.count == 1)
    #expect(
      bench.messages[0].text == "system call accept at 0x10000 is not implemented: ENOSYS")
    #expect(bench.call(202) == negative(.notImplemented))
    #expect(bench.call(99999) == negative(.notImplemented))
    #expect(bench.messages.count == 3)
    #expect(bench.messages[2].text.contains("number 99999"))
    #expect(SystemCallTable.rows.count == 325)
    #expect(SystemCallTable.rows.filter(\.isImplemented).count == SystemCall.allCases.count)
    #expect(SystemCallTable.name(281) == "execveat" && SystemCallTable.name(435) == "clone3")
  }

  @Test func `the small calls answer as Linux does`() throws {
    let bench = try Bench()
    let d = Bench.data
    #expect(bench.call(172) == 2 && bench.call(173) == 1 && bench.call(178) == 2)
    #expect(bench.call(96, d) == 2)
    #expect(bench.call(174) == 0 && bench.call(124) == 0)
    #expect(bench.call(167, 41, 1, 0, 0, 0) == 0 && bench.call(167, 42, 0, 0, 0, 0) == 1)
    #expect(bench.call(167, 41, 1, 1, 0, 0) == negative(.invalid))
    #expect(bench.call(167, 1234) == negative(.invalid))
    #expect(bench.call(160, d) == 0)
    #expect(bench.loadString(d) == "Linux" && bench.loadString(d + 4 * 65) == "riscv64")
    #expect(bench.call(160, 8) == negative(.badAddress))
    #expect(bench.call(113, 1, d) == 0)
    let first = bench.loadWord(d + 8)!
    #expect(bench.call(113, 1, d) == 0)
    #expect(bench.loadWord(d + 8)! > first)
    #expect(bench.call(113, 0, d) == 0 && bench.loadWord(d) == 1_735_689_600)
    #expect(bench.call(113, 77, d) == negative(.invalid))
    #expect(bench.call(278, d, 20, 0) == 20)
    #expect(bench.call(278, d, 20, 8) == negative(.invalid))
    #expect(bench.call(165, 5, d) == negative(.invalid))
    #expect(bench.call(165, 0, d) == 0)
    #expect(bench.loadWord(d + 64) == bench.minorFaults)
    #expect(bench.call(62, 1, 0, 0) == negative(.illegalSeek))
    #expect(bench.call(62, 7, 0, 0) == negative(.badDescriptor))
    #expect(bench.call(57, 1) == 0 && bench.call(57, 1) == negative(.badDescriptor))
    #expect(bench.call(Number.write, 1, d, 1) == negative(.badDescriptor))
    #expect(bench.finish() == nil)
  }

  @Test func `no arguments bring the kernel down or lose a frame`() throws {
    var random = SeededGenerator(seed: 42)
    let numbers = SystemCall.allCases.map(\.rawValue).filter { $0 != 93 && $0 != 94 }
    for round in 0..<6 as Range<UInt64> {
      let bench = try Bench(ram: 8 << 20, input: [UInt8](repeating: 7, count: 5000))
      let p = bench.map(64)
      let interesting: [UInt64] = [
        0, 1, 8, 4095, 4096, p, p + 1, p + 63 * 4096, p + 64 * 4096, Bench.text, Bench.data, ~0,
        ~4095, 1 << 47, (1 << 47) - 4096, 1 << 63, SystemMemory.directMap, 1 << 40, 0x22, 0x32,
        3, 7, 0x8022, 64 * 4096, 1 << 20,
      ]
      for step in 0..<600 where bench.process.space != nil {
        for i in 0..<6 {
          let choice = random.next()
          bench.registers[10 + i] =
            choice % 4 == 0
            ? random.next() >> (choice >> 32 & 63)
            : interesting[Int(choice >> 8) % interesting.count]
        }
        bench.registers[17] = numbers[Int(random.next() % UInt64(numbers.count))]
        bench.trap(.environmentCall)
        bench.touch(Bench.data + (random.next() % 8192), .read)
        if step % 50 == 0, let problem = bench.kernel.system.checkInvariants() {
          Issue.record("round \(round), step \(step): \(problem)")
        }
      }
      if let problem = bench.finish() { Issue.record("round \(round): \(problem)") }
    }
  }

  @Test func `invalidations cover what the TLB holds and no more`() throws {
    let bench = try Bench()
    func flushes() -> (page: UInt64, context: UInt64) {
      (bench.mmu.counters[.flushPage], bench.mmu.counters[.flushPCID])
    }
    // Mapping needs none; unmapping one for each page present, up to 33; then one for all.
    let p = bench.map(100)
    var before = flushes()
    for i in 0..<100 as Range<UInt64> { bench.store(1, at: p + i * 4096) }
    #expect(flushes() == before)
    bench.call(Number.munmap, p, 33 * 4096)
    #expect(flushes() == (before.page + 33, before.context))
    before = flushes()
    bench.call(Number.mprotect, p + 33 * 4096, 34 * 4096, 1)
    #expect(flushes() == (before.page, before.context + 1))
    // Giving a right needs none; untouched memory neither.
    before = flushes()
    bench.call(Number.mprotect, p + 33 * 4096, 34 * 4096, 3)
    let q = bench.map(50)
    bench.call(Number.munmap, q, 50 * 4096)
    #expect(flushes() == before)
    #expect(bench.finish() == nil)
  }
}
