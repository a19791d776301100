import Foundation
import MMUAssembly
import MMUKit
import TestSupport
import Testing

@Suite struct InstructionTests {
  @Test func `every computing instruction gives what another emulator recorded, in both engines`()
    throws
  {
    let folder = repositoryRoot() + "/Tests/Data/execution/"
    let source = try Data(contentsOf: URL(fileURLWithPath: folder + "instructions.s"))
    let expected = try String(contentsOfFile: folder + "instructions.out", encoding: .utf8)
    let assembled = try Assembler.assemble(source: [UInt8](source), name: "instructions.s").get()
    let image = try ELFImage(reading: assembled.bytes)
    for engine in EngineKind.allCases {
      var configuration = MachineConfiguration()
      configuration.engine = engine
      let host = MemoryHostIO()
      let machine = try Machine(configuration, program: image, host: host)
      #expect(machine.run().exit.status == 0)
      let actual = String(decoding: host.output, as: UTF8.self)
      let lines = zip(actual.split(separator: "\n"), expected.split(separator: "\n"))
      #expect(actual.count == expected.count, "\(engine)")
      for (number, (a, e)) in lines.enumerated() where a != e {
        Issue.record("\(engine): line \(number + 1) is \(a), expected \(e)")
      }
    }
  }
}
