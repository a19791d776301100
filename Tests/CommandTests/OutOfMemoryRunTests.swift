import TestSupport
import Testing

@testable import MMUCommands

@Suite struct OutOfMemoryRuns {
  /// Writes to memory until it is stopped; with `SPARED` its oom_score_adj is -1000.
  private static let eater = """
    _start:
    .ifdef SPARED
            li      a0, -100
            la      a1, file
            li      a2, 1
            li      a7, 56          # openat
            ecall
            la      a1, least
            li      a2, 5
            li      a7, 64          # write
            ecall
    .endif
            li      a0, 0
            li      a1, 1 << 36
            li      a2, 3
            li      a3, 0x4022
            li      a4, -1
            li      a5, 0
            li      a7, 222         # mmap
            ecall
            mv      s0, a0
    1:      mv      a0, s0
            li      a1, 1 << 20
            li      a2, 23          # MADV_POPULATE_WRITE
            li      a7, 233         # madvise
            ecall
            li      t0, 1 << 20
            add     s0, s0, t0
            j       1b
            .section .rodata
    file:   .asciz  "/proc/self/oom_score_adj"
    least:  .ascii  "-1000"

    """

  private func run(_ options: [String]) throws -> (status: Int32, output: String, error: String) {
    try withFiles(["x.s": Self.eater]) { folder in
      mmuemu(["--check", "--ram", "8M"] + options + [folder + "/x.s"])
    }
  }

  @Test func `a program that takes all memory is killed, 137, and the report counts it`() throws {
    let result = try run(["--report", "json"])
    #expect(result.status == 137)
    #expect(result.error.contains("Out of memory: Killed process 2 (x.s) total-vm:"))
    #expect(result.error.contains("\"oomKills\": 1"))
    #expect(result.error.contains("\"reason\": \"signal\""))
  }

  @Test func `if nobody can be killed the run ends with 75 and says so`() throws {
    let result = try run(["--defsym", "SPARED=1", "--report", "json"])
    #expect(result.status == 75)
    #expect(result.error.contains("x.s invoked oom-killer: pid 2, order=0, oom_score_adj=-1000"))
    #expect(result.error.contains("Out of memory and no killable processes: the run ends here"))
    #expect(result.error.contains("\"reason\": \"outOfMemory\""))
    #expect(result.error.contains("\"oomKills\": 0"))
    let text = try run(["--defsym", "SPARED=1"])
    #expect(text.error.contains("out of memory, with nobody to kill (75)"))
  }

  @Test func `overcommit options start a machine in their mode`() throws {
    let hello = repositoryRoot() + "/Programs/hello.s"
    #expect(mmuemu(["-q", "--overcommit", "2", hello]).status == 0)
    let refused = mmuemu(["--overcommit", "2", "--overcommit-ratio", "0", hello])
    #expect(refused.status != 0)
    #expect(refused.error.contains("needs more memory than may be promised"))
    let wrong = mmuemu(["--overcommit", "3", hello])
    #expect(wrong.status == 64)
    #expect(wrong.error.contains("overcommit=3: it is 0, 1 or 2"))
  }
}
