import Foundation
import TestSupport
import Testing

@testable import MMUCommands

/// Directories of the host given to whole programs.
@Suite struct `Directories of the host` {
  /// Replaces itself by the program its first argument names.
  private static let launcher = """
    _start: ld a0, 16(sp)
    addi a1, sp, 16
    li a2, 0
    li a7, 221
    ecall
    li a0, 9
    li a7, 93
    ecall

    """
  /// Writes "ab" to the file its first argument names, by write() and through a mapping, and goes on
  /// to `end`.
  private static let writer = """
    _start: li a0, -100
    ld a1, 16(sp)
    li a2, 0x42
    li a3, 0644
    li a7, 56
    ecall
    mv s0, a0
    la a1, text
    li a2, 2
    li a7, 64
    ecall
    li a0, 0
    li a1, 4096
    li a2, 3
    li a3, 1
    mv a4, s0
    li a5, 0
    li a7, 222
    ecall
    li t0, 'b'
    sb t0, 1(a0)

    """
  private static let text = "\n.data\ntext: .ascii \"a?\"\n"

  @Test func `a program in a directory is executed`() throws {
    try withFiles(["launch.s": Self.launcher]) { folder in
      #expect(mmuemu(["asm", Programs.folder + "/echo.s", "-o", folder + "/echo"]).status == 0)
      let words = ["--quiet", "--dir", folder + "=/bin", folder + "/launch.s"]
      let result = mmuemu(words + ["/bin/echo", "one"])
      #expect(result.status == 0 && result.output == "one\n")
      // Neither the source nor what nobody may execute.
      #expect(mmuemu(words + ["/bin/launch.s"]).status == 9)
      chmod(folder + "/echo", 0o644)
      #expect(mmuemu(words + ["/bin/echo"]).status == 9)
    }
  }

  @Test func `a writable directory has all that was written, whatever ends the run`() throws {
    for (ending, options, status) in [
      ("li a0, 0\nli a7, 93\necall\n", [], 0),
      ("sd t0, 0(zero)\n", [], 139),
      ("j .\n", ["--max-instructions", "5000"], 75),
      ("sd zero, -8(sp)\naddi a0, sp, -8\nli a1, 8\nli a7, 133\necall\n", [], 75),
    ] as [(String, [String], Int32)] {
      try withFiles(["w.s": Self.writer + ending + Self.text]) { folder in
        let result = mmuemu(
          ["--quiet", "--dir-rw", folder + "=/out"] + options + [folder + "/w.s", "/out/f"])
        #expect(result.status == status, "\(ending)")
        #expect(contents(folder + "/f") == "ab", "\(ending)")
      }
    }
  }

  @Test func `the report repeats the run and is the same each time`() throws {
    try withFiles(["f=g": "one two\nthree\n"]) { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/a=b", withIntermediateDirectories: false)
      try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/a=b/file"))
      let words = ["--dir", folder + "/a=b=/in", Programs.folder + "/wc.s", "/in/file"]
      let first = mmuemu(words)
      #expect(first.output == "0 1 1 /in/file\n")
      #expect(first.error.contains(" 1 major"))
      #expect(first.error.contains(" rerun: mmuemu --dir \(folder)/a=b=/in "))
      #expect(mmuemu(words).error == first.error)
    }
  }

  @Test func `a directory that is not there ends the run with 66`() throws {
    try withFiles(["f": "x"]) { folder in
      let program = Programs.folder + "/hello.s"
      let absent = mmuemu(["--dir", folder + "/none=/x", program])
      #expect(absent.status == 66)
      #expect(absent.error == "\(folder)/none: error: there is no such directory\n")
      let file = mmuemu(["--dir-rw", folder + "/f=/x", program])
      #expect(file.status == 66)
      #expect(file.error == "\(folder)/f: error: it is no directory\n")
    }
  }
}
