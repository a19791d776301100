import Testing

@testable import MMUCommands

// A whole program that takes all it can get; others stand in KernelTests.

@Suite struct Bombs {
  /// Starts itself again with a megabyte and a half of arguments, four times: argv[1] is a letter.
  @Test func `execve takes large arguments again and again and refuses larger ones`() throws {
    let source = """
      _start: ld a0, 0(sp)
      ld s1, 16(sp)           # argv[1]
      ld s2, 8(sp)            # argv[0]
      lbu s3, 0(s1)
      la s4, list
      sd s2, 0(s4)
      la t0, letter
      addi t1, s3, 1
      sb t1, 0(t0)
      sd t0, 8(s4)
      la t0, text             # 130,000 letters
      li t1, 130000
      add t1, t1, t0
      li t2, 'x'
      1: sb t2, 0(t0)
      addi t0, t0, 1
      bltu t0, t1, 1b
      li t0, 'a' + 4
      la t1, text
      li t2, 12
      bltu s3, t0, 2f
      li t2, 20               # too much in all
      2: addi t3, s4, 16
      3: sd t1, 0(t3)
      addi t3, t3, 8
      addi t2, t2, -1
      bnez t2, 3b
      sd zero, 0(t3)
      mv a0, s2
      mv a1, s4
      li a2, 0
      li a7, 221
      ecall
      neg a0, a0
      li a7, 93
      ecall
      .bss
      .balign 8
      list: .skip 400
      letter: .skip 8
      text: .skip 131072
      """
    let result = try withFiles(["x.s": source]) { folder in
      mmuemu("--quiet", "--ram", "16M", folder + "/x.s", "a")
    }
    // E2BIG, in the end.
    #expect(result.status == 7)
    #expect(result.error.isEmpty, "\(result.error)")
  }
}
