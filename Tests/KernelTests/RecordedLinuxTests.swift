import ExecutableFormat
import Foundation
import MMUKernel
import MMUKit
import TestSupport
import Testing

// Programs whose output a real Linux kernel gave (6.18, see Spec/Kernel.md): fault counts, errors,
// placement, contents, byte for byte.

@Suite struct RecordedLinuxTests {
  private static let folder = repositoryRoot() + "/Tests/Data/linux/"
  /// Every program in the folder.
  static let names: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".elf") }.map { String($0.dropLast(4)) }.sorted()

  @Test func `all recorded programs are there`() { #expect(Self.names.count == 129) }

  /// What a program needs: those of swap (s, m) an area, `m04_swap_pressure` less memory than it writes.
  private static func configuration(of name: String) -> MachineConfiguration {
    var configuration = MachineConfiguration()
    if !name.hasPrefix("s") && !name.hasPrefix("m") { return configuration }
    configuration.swap = SwapConfiguration(bytes: 64 << 20)
    if name == "m04_swap_pressure" { configuration.ram = 16 << 20 }
    return configuration
  }

  @Test(arguments: names)
  func `a program prints what it printed on Linux`(name: String) throws {
    let elf = try Data(contentsOf: URL(fileURLWithPath: Self.folder + name + ".elf"))
    let recorded = try String(contentsOfFile: Self.folder + name + ".out", encoding: .utf8)
    let host = MemoryHostIO()
    let machine = try Machine(
      Self.configuration(of: name), program: ELFImage(reading: [UInt8](elf)), path: "/" + name,
      host: host)
    let result = machine.run()
    let expected = recorded.split(separator: "\n")
    let actual = host.text.split(separator: "\n")
    #expect(actual.count == expected.count)
    for (a, e) in zip(actual, expected) where a != e {
      Issue.record("\(name): printed '\(a)', Linux printed '\(e)'")
    }
    #expect(machine.kernel.exitStatus == .exited(0))
    #expect(result.messages.isEmpty)
    #expect(machine.kernel.leak == nil)
    #expect(machine.kernel.system.checkInvariants() == nil)
    // Whatever has been counted is somebody's.
    let rows = result.statistics.processes
    #expect(rows.reduce(0) { $0 + $1.instructions } == result.statistics.instructions)
    #expect(rows.reduce(0) { $0 + $1.minorFaults } == result.statistics.faults.minor)
  }
}

@Suite struct EngineAgreementTests {
  @Test(arguments: ["h04_pipe", "h10_thread_futex", "b05_fork_chain", "d05_handler_fixup"])
  func `both engines count the same when threads take turns`(name: String) throws {
    let file = repositoryRoot() + "/Tests/Data/linux/" + name + ".elf"
    let elf = try ELFImage(reading: [UInt8](Data(contentsOf: URL(fileURLWithPath: file))))
    var results: [(Statistics, String)] = []
    for engine in EngineKind.allCases {
      var configuration = MachineConfiguration()
      configuration.engine = engine
      configuration.quantum = 20_000
      let host = MemoryHostIO()
      let machine = try Machine(configuration, program: elf, path: "/p", host: host)
      results.append((machine.run().statistics, host.text))
    }
    #expect(results[0].0 == results[1].0)
    #expect(results[0].1 == results[1].1)
  }
}
