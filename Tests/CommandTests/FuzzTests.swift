import Foundation
import Testing

@testable import MMUCommands

/// Random input through the whole command line, in this process: never a crash, never a hang.
///
/// A few hundred of each kind here; `.ci/fuzz` runs 10,000 of each under the address sanitizer.
@Suite(.serialized) struct Fuzz {
  static let count =
    Int(ProcessInfo.processInfo.environment["MMUEMU_FUZZ"] ?? "") ?? 150
  /// What a run of a random program may end with, besides the guest's own statuses.
  static let small = ["--quiet", "--ram", "8M", "--max-instructions", "3000"]

  /// A generator whose seed is the case's number, so that a failure can be repeated.
  struct Random: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state &* 0x2545_F491_4F6C_DD1D
    }
  }

  /// Runs the bytes as a program; a wrong exit status is a number no run may end with.
  private func run(_ bytes: [UInt8], _ name: String, _ case: Int, _ options: [String] = small)
    throws
  {
    try withFiles { folder in
      let path = folder + "/" + name
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let status = mmuemu(options + [path]).status
      if !(0...255).contains(status) || status == 70 {
        Issue.record("case \(`case`) of \(name) ended with \(status)")
      }
    }
  }

  @Test func `random bytes as source`() throws {
    for i in 0..<Self.count {
      var random = Random(i)
      let length = Int.random(in: 1...400, using: &random)
      let isPrintable = i % 2 == 0
      let bytes = (0..<length).map { _ in
        isPrintable
          ? UInt8.random(in: 9...126, using: &random) : UInt8.random(in: 0...255, using: &random)
      }
      try run(bytes, "bytes.s", i)
    }
  }

  @Test func `random words of the language as source`() throws {
    let words = [
      ".section", ".text", ".data", ".bss", ".rept", ".endr", ".macro", "m", ".endm", "\\x", ".if",
      ".else", ".endif", ".byte", ".dword", ".skip", ".fill", ".balign", ".equ", "=", ".org",
      "addi", "li", "la", "call", "ret", "lw", "amoadd.d", "beq", "j", "ecall", "a0", "sp", "x31",
      "zero", "1f", "1b", "1:", "main:", "_start:", "main", ",", "(", ")", "+", "-", "*", "/", "<<",
      "0", "1", "-1", "0x7fffffffffffffff", "99999999999", "\"text\"", "'c'", "%hi", "%lo",
      "%pcrel_hi", "#", "/*", "*/", ";", "\n", "\n", "\n", "\t",
    ]
    for i in 0..<Self.count {
      var random = Random(i)
      var text = ""
      for _ in 0..<Int.random(in: 1...120, using: &random) {
        text += words.randomElement(using: &random)! + " "
      }
      try run(Array(text.utf8), "words.s", i)
    }
  }

  /// A small executable that loads all registers and goes on into 256 instructions, with the places in the
  /// file of the 31 values and of the instructions.
  private func executable() throws -> (bytes: [UInt8], values: Int, code: Int) {
    let loads = (1...31).map { "ld x\($0), \($0 * 8 - 8)(x31)\n" }.joined()
    let source = """
      .globl _start
      _start: la x31, values
      \(loads).rept 256
      nop
      .endr
      li a0, 0
      li a7, 93
      ecall
      .data
      values: .rept 31
      .dword 0x1122334455667788
      .endr
      .skip 64
      """
    return try withFiles(["x.s": source]) { folder in
      #expect(mmuemu("asm", folder + "/x.s", "-o", folder + "/x").status == 0)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/x")))
      func place(_ pattern: [UInt8]) -> Int? {
        (0..<bytes.count - 8).first { Array(bytes[$0..<$0 + 8]) == pattern }
      }
      return (
        bytes, try #require(place([0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11])),
        try #require(place([0x13, 0, 0, 0, 0x13, 0, 0, 0]))
      )
    }
  }

  @Test func `damaged ELF files`() throws {
    let good = try executable().bytes
    for i in 0..<Self.count {
      var random = Random(i)
      var bytes = good
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let headers = Bool.random(using: &random) ? min(bytes.count, 400) : bytes.count
        bytes[Int.random(in: 4..<headers, using: &random)] =
          [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &random)]
          .randomElement(using: &random)!
      }
      if i % 5 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count - 4, using: &random)) }
      try run(bytes, "damaged", i)
      if i % 4 == 0 { try run(bytes, "damaged", i, ["disasm"]) }
    }
    for i in 0..<Self.count {
      var random = Random(i)
      let tail = (0..<Int.random(in: 0...600, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      try run([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + tail, "random.elf", i)
    }
  }

  @Test func `random code`() throws {
    let (good, values, code) = try executable()
    let opcodes: [UInt32] = [
      0x03, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x2f, 0x33, 0x37, 0x3b, 0x63, 0x67, 0x6f, 0x73,
    ]
    let options = [
      [], ["--strace"], ["--check"], ["--pmap=x", "--maps", "--smaps", "--top"],
      ["--swap", "8M", "--rss-limit", "64K", "--swap-errors", "20"],
      [
        "--swap", "8M", "--zswap", "20%", "--rss-limit", "96K", "--thp", "always", "--policy", "2q",
      ],
    ]
    // Edges of the address space, addresses of the kernel, text, stack, and none.
    let edges: [UInt64] = [
      0, 1, ~0, 1 << 63, 1 << 47, (1 << 47) - 1, ~0 << 47, (~0 << 47) - 1, 1 << 56, 0x7fff_f000,
      0xffff_8880_0000_1000, 0x10000, 0x11ffe, 0x7fff_ffff_e000,
    ]
    for i in 0..<Self.count {
      var random = Random(i)
      var bytes = good
      for k in 0..<256 {
        var word = UInt32.random(in: 0...UInt32.max, using: &random)
        // Mostly instructions that exist; sometimes any bits.
        if k % 16 != 15 { word = word & ~0x7f | opcodes.randomElement(using: &random)! }
        // jalr, while the registers are still what they were loaded with.
        if k == 0 && i % 3 == 0 { word = word & ~0x707f | 0x67 }
        for b in 0..<4 { bytes[code + 4 * k + b] = UInt8(truncatingIfNeeded: word >> (8 * b)) }
      }
      for k in 0..<31 {
        var word = edges.randomElement(using: &random)!
        if k % 4 == 0 { word = random.next() >> (random.next() & 63) }
        for b in 0..<8 { bytes[values + 8 * k + b] = UInt8(truncatingIfNeeded: word >> (8 * b)) }
      }
      let engine = i % 2 == 0 ? "fast" : "reference"
      try run(
        bytes, "code", i,
        Self.small + ["--engine", engine] + options.randomElement(using: &random)!)
    }
  }

  @Test func `random bytes as vectors and reports`() throws {
    for i in 0..<Self.count {
      var random = Random(i)
      let alphabet = Array("{}[]\",:0123456789.-eaxtrufalsn\\ \n".utf8)
      let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
        alphabet.randomElement(using: &random)!
      }
      try run(bytes, "v.json", i, ["verify"])
      if i % 10 == 0 { try run(bytes, "v.json", i, ["compare", "/dev/null"]) }
    }
  }
}
