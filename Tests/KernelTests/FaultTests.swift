@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

@Suite struct FaultTests {
  @Test func `a program starts with its stack and the cleared end of its data resident`() throws {
    let bench = try Bench()
    #expect(bench.space.residentFile == 0)
    #expect(bench.space.residentAnonymous == 2)
    #expect(bench.minorFaults == 2)
    #expect(bench.finish() == nil)
  }

  @Test func `the first write of a page costs one fault, any later access none`() throws {
    let bench = try Bench()
    let p = bench.map(64)
    #expect(p == bench.space.mapTop - 64 * 4096)
    let before = bench.minorFaults
    for i in 0..<64 { bench.store(UInt8(i), at: p + UInt64(i) * 4096) }
    #expect(bench.minorFaults - before == 64)
    for i in 0..<64 { #expect(bench.load(p + UInt64(i) * 4096) == UInt8(i)) }
    #expect(bench.minorFaults - before == 64)
    #expect(bench.space.residentAnonymous == 66)
    #expect(bench.finish() == nil)
  }

  @Test func `a read maps the zero page, the write after it costs a second fault`() throws {
    let bench = try Bench()
    let p = bench.map(1)
    #expect(bench.load(p + 5) == 0)
    #expect(bench.space.residentAnonymous == 2)
    bench.store(9, at: p)
    #expect(bench.load(p) == 9)
    #expect(bench.process.faults.zero == 2)  // the stack's, the zero page
    #expect(bench.process.faults.copyOnWrite == 1)
    #expect(bench.minorFaults == 4)
    #expect(bench.finish() == nil)
  }

  @Test func `an exit ends the run with the program's status`() throws {
    let bench = try Bench()
    bench.call(Number.exit, 300)
    #expect(bench.result == .ended(retiresSystemCall: true))
    #expect(bench.kernel.exitStatus == .exited(44))
    #expect(bench.finish() == nil)
  }

  @Test func `write passes bytes of an untouched page and a stack string to the host`() throws {
    let bench = try Bench()
    bench.store(0x68, at: Bench.data)
    bench.store(0x69, at: Bench.data + 1)
    #expect(bench.call(Number.write, 1, Bench.data, 2) == 2)
    #expect(bench.host.text == "hi")
    #expect(bench.frame.programCounter == Bench.text + 4)
    #expect(bench.finish() == nil)
  }

  @Test func `the kernel works with any of the processor's protections off`() throws {
    let changes: [(inout PagingControls) -> Void] = [
      { $0.processContexts = false }, { $0.globalPages = false }, { $0.executeDisable = false },
      { $0.writeProtect = false }, { $0.supervisorAccessPrevention = false },
      { $0.supervisorExecutionPrevention = false }, { $0.protectionKeys = true },
    ]
    for (i, change) in changes.enumerated() {
      var controls = PagingControls()
      change(&controls)
      let bench = try Bench(input: Array("abcdef".utf8), controls: controls)
      let p = bench.map(4)
      #expect(bench.load(p) == 0, "change \(i)")
      #expect(bench.call(Number.read, 0, p + 4, 3) == 3, "change \(i)")
      #expect(bench.load(p + 4) == UInt8(ascii: "a"), "change \(i)")
      #expect(bench.load(p + 4096 + 4) == 0, "change \(i)")
      #expect(bench.call(Number.read, 0, Bench.text, 3) == negative(.badAddress), "change \(i)")
      #expect(bench.touch(Bench.text, .fetch) && bench.touch(Bench.data))
      #expect(bench.call(Number.munmap, p, 4096) == 0)
      let mayExecute = bench.touch(Bench.data, .fetch)
      #expect(mayExecute == !controls.executeDisable, "change \(i)")
      #expect(bench.finish() == nil, "change \(i)")
    }
  }
}
