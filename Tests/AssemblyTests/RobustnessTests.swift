import ExecutableFormat
import MMUAssembly
import Testing

@Suite struct `Limits and hostile input` {
  static let program = String(
    repeating: """
      .macro copy a, b=a0
      mv \\a, \\b
      .endm
      1: copy t0
      beq t0, t1, 1b
      .rept 2
      addi a0, a0, 'x' - 1
      .endr
      .if 1 > 0
      .word 1b - ., 3 * (2 + 1)
      .endif
      .purgem copy
      .asciz "text"

      """, count: 10)

  func limited(_ limits: inout AssemblyLimits) {
    limits.statements = 20_000
    limits.expandedBytes = 1 << 20
    limits.outputBytes = 1 << 20
  }

  /// Sources (behind a first instruction), each with the limit it runs into.
  static let excesses: [(source: String, message: String)] = [
    (".macro m\nm\nm\n.endm\nm\n", "more than 200 macros within one another"),
    (".include \"x\"\n", "more than 64 includes within one another"),
    (".rept 100000000\n.rept 100000000\n.endr\n.endr\n", "more than 20000 statements executed"),
    (".rept 30000\nnop\n.endr\n", "more than 20000 statements executed, in .rept 30000 of 1"),
    (".space 0x100000\n.space 1\n", "more than 1048576 bytes of output"),
    (".space 0x80000001\n", ".space of 2147483649 bytes exceeds the limit of 2147483648"),
    (".fill 0x7fffffffffffffff, 8, 1\n", ".fill of 9223372036854775807 bytes exceeds the limit"),
    (".rept 1000000000\n.endr\n", ".rept 1000000000 exceeds the limit of 100000000 rounds"),
    (".bss\n.space 0x7fffffff\n", "beyond 2 GiB"),
    (".word " + String(repeating: "(", count: 5000), "nested more than 200 deep"),
    (".word " + String(repeating: "-", count: 5000) + "1", "nested more than 200 deep"),
    (
      ".macro big a\n" + String(repeating: "\\a\n", count: 1000) + ".endm\nbig "
        + String(repeating: "x", count: 2000) + "\n", "macros expand to more than 1048576 bytes"
    ),
  ]

  @Test func `each limit has an error that names it`() {
    let files = ["x": ".include \"x\"\n"]
    for (source, message) in Self.excesses {
      let outcome = assemble("_start: nop\n" + source, files: files) { limited(&$0.limits) }
      guard case .failure(let failure) = outcome else {
        Issue.record("no error says: \(message)")
        continue
      }
      #expect(
        failure.diagnostics.contains { $0.message.contains(message) },
        "\(failure.diagnostics.map(\.message)) instead of \(message)")
    }
  }

  @Test func `definitions that double at each step neither hang nor overflow`() {
    var source = "_start: nop\n.set x0, y + y\n"
    for index in 1..<100 { source += ".set x\(index), x\(index - 1) + x\(index - 1)\n" }
    source += ".word x99\n.set y, 1\n"
    guard case .failure(let failure) = assemble(source) else { return }
    #expect(failure.diagnostics[0].message.contains("too large"))
  }

  @Test func `damaged sources never crash the assembler`() throws {
    let pieces = [
      try testData("assembly-directives.s"), try testData("assembly-errors.s"),
      try testData("assembly-gcc-o2.s"), Self.program,
    ].map { Array($0.utf8) }
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(1, bound)
    }
    let inserts = [
      ".rept 3\n", ".endr\n", ".macro q a, b=1\n", ".endm\n", "/*", "*/", "\"", "'", "(", "\\a",
      "\\@",
      ".if ", ".else\n", ".endif\n", "1b", "1f", "%hi(", ".org 9\n", "q 1,2\n", ".irp x,1,2\n",
      "\0",
    ]
    var assembled = 0
    for round in 0..<400 {
      var source: [UInt8]
      if round % 8 == 0 {
        source = (0..<random(300)).map { _ in UInt8(random(256)) }
      } else {
        let piece = pieces[random(pieces.count)]
        let start = random(piece.count - 600)
        source = Array(piece[start..<start + 200 + random(400)])
        for _ in 0..<1 + random(5) {
          let place = random(source.count)
          switch random(4) {
          case 0: source[place] = UInt8(random(256))
          case 1: source.insert(contentsOf: inserts[random(inserts.count)].utf8, at: place)
          case 2: source.removeSubrange(place..<min(source.count, place + random(20)))
          default:
            source.insert(contentsOf: source[place..<min(source.count, place + 50)], at: place)
          }
          if source.isEmpty { source = [10] }
        }
      }
      var options = AssemblyOptions()
      limited(&options.limits)
      switch Assembler.assemble(source: source, name: "f.s", options: options) {
      case .success(let result):
        assembled += 1
        _ = try? ELFImage(reading: result.bytes)
      case .failure(let failure): #expect(!failure.rendered().isEmpty)
      }
    }
    #expect(assembled > 0)
  }
}
