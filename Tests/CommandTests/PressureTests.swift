import TestSupport
import Testing

/// A program of Tests/Data/pressure, and its checksum for 64 pages as qemu-riscv64 7.2 gave it.
struct PressureProgram: CustomTestStringConvertible {
  var name: String
  var checksum: String

  static let all = [
    Self(name: "sequential", checksum: "15880654938939020991"),
    Self(name: "random", checksum: "1156583353087393496"),
    Self(name: "fork", checksum: "2205647427772065657"),
    Self(name: "shared_file", checksum: "2162521522425361121"),
    Self(name: "threads", checksum: "3675627829840178593"),
  ]

  var testDescription: String { name }

  /// Runs the program with the options given, and with the kernel's books checked.
  func run(_ options: String) -> (status: Int32, output: String, error: String) {
    let file = repositoryRoot() + "/Tests/Data/pressure/\(name).s"
    return mmuemu(["--check"] + options.split(separator: " ").map(String.init) + [file, "64"])
  }
}

@Suite struct `Programs under memory pressure` {
  @Test(arguments: PressureProgram.all)
  func `the checksum is that of another emulator`(program: PressureProgram) {
    let result = program.run("--quiet")
    #expect(result.output == program.checksum + "\n")
    #expect(result.status == 0, "\(result.error)")
  }
}
