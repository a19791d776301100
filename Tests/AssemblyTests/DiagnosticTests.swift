import Foundation
import MMUAssembly
import TestSupport
import Testing

@Suite struct `Diagnostics` {
  /// Set MMUEMU_RECORD to write the snapshots anew.
  @Test(arguments: ["errors", "errors-2", "errors-3"])
  func `a file full of mistakes gives the recorded messages`(_ name: String) throws {
    let source = try testData("assembly-\(name).s")
    guard case .failure(let failure) = assemble(source) else {
      Issue.record("the source assembled")
      return
    }
    let path = repositoryRoot() + "/Tests/Data/assembly-\(name).txt"
    if ProcessInfo.processInfo.environment["MMUEMU_RECORD"] != nil {
      try failure.rendered().write(toFile: path, atomically: true, encoding: .utf8)
    }
    #expect(try failure.rendered() == String(contentsOfFile: path, encoding: .utf8))
  }

  @Test func `a message names file, line and column, and underlines the token`() {
    guard case .failure(let failure) = assemble("_start:\n\taddi\ta0, a0, 5000\n") else { return }
    #expect(
      failure.rendered() == """
        test.s:2:15: error: immediate 5000 does not fit addi's 12-bit signed field (-2048...2047)
            2 | \taddi\ta0, a0, 5000
              | \t    \t        ^~~~
        help: load it first: li t0, 5000; add a0, a0, t0

        """)
  }

  @Test func `all errors of a run are found, each once, and no error breeds others`() {
    #expect(
      messages(
        "_start: frob a0\n.equ X, (1\nli a0, X\n.word X+1\nbar a1\n.rept 5\nfrob a1\n.endr\n")
        == [
          "1:9: error: unknown instruction 'frob'", "2:9: error: parenthesis is not closed",
          "5:1: error: unknown instruction 'bar'", "7:1: error: unknown instruction 'frob'",
        ])
    // A missing include hides what it would have defined.
    #expect(
      messages("_start: nop\n.include \"no.inc\"\nfrob a0\nli a0, SIZE\ncall other\n")
        == ["2:10: error: cannot read 'no.inc'"])
    // So does a macro whose head is wrong.
    #expect(messages("_start: nop\n.macro m a:b\n.endm\nm 1\n").count == 1)
  }

  @Test func `twenty errors are shown and the rest is counted`() {
    let source = "_start:\n" + String(repeating: "frob a0\n", count: 30)
    guard case .failure(let failure) = assemble(source) else { return }
    #expect(failure.diagnostics.count == 20)
    #expect(failure.omittedErrors == 10)
    #expect(failure.rendered().hasSuffix("note: 10 more errors\n"))
  }

  @Test(arguments: [
    ("adddi a0, a0, 1", "did you mean 'addi'?"), (".wrod 1", "did you mean '.word'?"),
    ("mv a0, tt0", "did you mean 't0'?"), ("counter: j conter", "did you mean 'counter'?"),
    ("ADD a0, a0, a0", "did you mean 'add'?"), ("csrr a0, cylce", "did you mean 'cycle'?"),
    ("lui a0, %hii(x)", "did you mean '%hi'?"), (".option norelx", "did you mean 'norelax'?"),
    ("beq a0, a1", "the format is: beq rs1, rs2, target"), ("ret a0", "write it alone: ret"),
    ("jal a0, a1", "to jump to an address in a register use jr or jalr"),
  ])
  func `the help says how to fix it`(_ source: String, _ help: String) {
    guard case .failure(let failure) = assemble("_start: nop\n\(source)\n") else {
      Issue.record("it assembled")
      return
    }
    #expect(failure.diagnostics.first?.help == help)
  }

  @Test func `a second definition points at the first, a macro at its call`() {
    guard
      case .failure(let failure) = assemble(
        "_start: nop\n.macro m\n.word 1/0\n.endm\nm\n_start: nop\n")
    else { return }
    #expect(failure.diagnostics.count == 2)
    #expect(failure.diagnostics[0].place?.line == 3)
    #expect(failure.diagnostics[0].notes.map(\.message) == ["in expansion of macro 'm'"])
    #expect(failure.diagnostics[0].notes[0].place?.line == 5)
    #expect(failure.diagnostics[1].notes[0].place?.line == 1)
  }

  @Test func `mistakes of structure are named where they begin`() {
    #expect(messages("_start: nop\n.if 1\nnop\n") == ["2:1: error: .if has no .endif"])
    #expect(messages("_start: nop\n.endif\n") == ["2:1: error: .endif without .if"])
    #expect(messages("_start: nop\n.macro m\nnop\n") == ["2:1: error: .macro has no .endm"])
    #expect(messages("_start: nop\n.rept 3\nnop\n") == ["2:1: error: .rept has no .endr"])
    #expect(messages("_start: nop\n.endr\n") == ["2:1: error: .endr without .rept"])
    #expect(messages("_start: nop\n/* never\nends\n") == ["2:1: error: comment is not closed"])
    #expect(
      messages("_start: nop /* never\n")
        == ["1:13: error: comment is not closed"])
    #expect(messages("_start: j 1b\n") == ["1:11: error: there is no label '1:' before this line"])
    #expect(messages("_start: j 1f\n") == ["1:11: error: there is no label '1:' after this line"])
    #expect(messages(".set a, b\n.set b, a\n_start: li a0, 1\n.word a\n").count == 1)
  }

  @Test func `control characters of a source cannot reach the terminal`() {
    guard case .failure(let failure) = assemble("_start: \u{1B}[31m\n") else { return }
    #expect(!failure.rendered().contains("\u{1B}"))
    let coloured = failure.rendered(with: DiagnosticRenderer(colour: true))
    #expect(coloured.contains("\u{1B}[1;31merror: \u{1B}[0m"))
  }

  @Test func `nearest names allow a third of the letters`() {
    #expect(nearestName(to: "adi", among: ["addi", "andi"]) == "addi")
    #expect(nearestName(to: "xyz", among: ["addi", "andi"]) == nil)
    #expect(nearestName(to: "retrun", among: ["return"]) == "return")
  }
}
