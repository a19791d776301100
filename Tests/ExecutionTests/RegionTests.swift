import MMUAssembly
@testable import MMUKit
import Testing

@Suite struct RegionTests {
  private func run(
    _ source: String, from: String? = nil, to: String? = nil, limit: UInt64? = nil
  ) throws -> Statistics {
    let assembled = try Assembler.assemble(source: Array(source.utf8), name: "region.s").get()
    var results: [Statistics] = []
    for engine in EngineKind.allCases {
      var configuration = MachineConfiguration()
      configuration.engine = engine
      configuration.regionStart = from
      configuration.regionEnd = to
      configuration.maximumInstructions = limit
      let machine = try Machine(
        configuration, program: ELFImage(reading: assembled.bytes), host: MemoryHostIO())
      results.append(machine.run().statistics)
    }
    #expect(results[0] == results[1])
    return results[0]
  }

  private static let end = "li a0, 0\n li a7, 93\n ecall\n"

  @Test func `a restart after a fault is no second arrival`() throws {
    // Each iteration stores to a fresh page: it faults once and is 4 instructions.
    let walk = """
      _start: li a0, 0
        li a1, 0x10000
        li a2, 3
        li a3, 0x22
        li a4, -1
        li a7, 222
        ecall
        li t2, 4096
        li t3, 5
      loop: sd t3, 0(a0)
        add a0, a0, t2
        addi t3, t3, -1
        bnez t3, loop
      """
    let one = try run(walk + "\n" + Self.end, from: "loop", to: "loop")
    #expect(one.instructions == 4)
    #expect(one.stores == 1)
    #expect(one.faults.minor == 1)
    #expect(one.processes[0].instructions == 4)
  }

  @Test func `labels take the place of hints, and only the first pair of hints counts`() throws {
    let hints = """
      _start: nop
      b: nop
        roi.begin
        nop
        nop
        roi.end
        roi.begin
        nop
        roi.end
      """
    let source = hints + "\n" + Self.end
    // The end hint is the last instruction of the region.
    #expect(try run(source).instructions == 3)
    #expect(try run(source).processes[0].instructions == 3)
    #expect(try run(source, to: "b").instructions == 1)
    #expect(try run(source, from: "b").instructions == 11)
  }

  @Test func `a limit ends every process, and rows add up to the whole`() throws {
    let limited = try run("_start: j _start", limit: 100)
    #expect(limited.exit.status == 75)
    #expect(limited.processes[0].cycles == limited.cycles)
    #expect(limited.processes[0].status == 128 + 9)
  }

  @Test(.timeLimit(.minutes(10)))
  func `a report of very many processes takes time in proportion`() {
    var all = Statistics()
    for pid in 2..<200_000 as Range<UInt64> {
      var process = Statistics.Process()
      (process.pid, process.instructions) = (pid, 3 * pid)
      all.processes.append(process)
    }
    var before = all
    before.processes.removeFirst()
    for i in before.processes.indices { before.processes[i].instructions = before.processes[i].pid }
    var region = RegionOfInterest(start: 8, end: nil)
    region.arrive(at: 8, before)
    let counted = region.result(all).processes
    #expect(counted.first?.instructions == 6)
    #expect(counted.dropFirst().allSatisfy { $0.instructions == 2 * $0.pid })
    #expect(RegionOfInterest(start: nil, end: nil).result(all) == all)
  }
}
