import Foundation
import RISCV
import Testing
import TestSupport

@Suite struct `The instruction table` {
  @Test func `every row decodes to itself and encodes back, over many operands`() {
    var random = Xorshift()
    var wrong: [String] = []
    for opcode in Opcode.allCases where opcode != .illegal {
      let row = opcode.description
      for _ in 0..<200 {
        var word = row.match | UInt32(truncatingIfNeeded: random.next()) & ~row.format.mask
        // Fields that are ignored do not come back.
        if row.format == .fence { word &= 0xFFF0_707F }
        if row.format == .fixedIgnoringOperands { word &= 0x707F }
        if word == 0x0010_2013 || word == 0x0020_2013, opcode == .slti { continue }
        let instruction = decode(word)
        if instruction.opcode != opcode || encode(instruction) != word {
          wrong.append("\(row.mnemonic) \(String(word, radix: 16)) \(instruction)")
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5))")
  }

  @Test func `illegal words keep their bits`() {
    for word: UInt32 in [0, 0xFFFF_FFFF, 0x3020_0073, 0x0200_101B, 0x1010_252F] {
      let instruction = decode(word)
      #expect(instruction.opcode == .illegal)
      #expect(encode(instruction) == word)
    }
  }

  @Test func `immediates are sign-extended and placed as the type says`() {
    #expect(decode(0xFFFF_F537) == Instruction(.lui, rd: 10, immediate: -4096))
    #expect(decode(0xFE00_0EE3) == Instruction(.beq, immediate: -4))
    #expect(decode(0x8000_00EF) == Instruction(.jal, rd: 1, immediate: -0x10_0000))
    #expect(decode(0xFEA1_3C23) == Instruction(.sd, rs1: 2, rs2: 10, immediate: -8))
    #expect(decode(0x43F5_5513) == Instruction(.srai, rd: 10, rs1: 10, immediate: 63))
    #expect(decode(0xC020_2573) == Instruction(.csrrs, rd: 10, immediate: 0xC02))
    #expect(decode(0x8330_000F).fenceMode == 8)
    #expect(decode(0x06C5_A52F).ordering == [.acquire, .release])
    #expect(MemoryLayout<Instruction>.size == 8)
  }

  @Test func `of all HINTs only the two region marks are opcodes of their own`() {
    #expect(decode(0x0010_2013).opcode == .roiBegin)
    #expect(decode(0x0020_2013).opcode == .roiEnd)
    #expect(decode(0x0030_2013) == Instruction(.slti, immediate: 3))
    #expect(decode(0x0010_A013) == Instruction(.slti, rs1: 1, immediate: 1))
    #expect(decode(0x0100_000F).opcode == .fence)
  }

  @Test func `fences ignore the fields reserved for finer fences`() {
    #expect(decode(0x0FF5_050F).opcode == .fence)
    #expect(decode(0x1230_9F0F).opcode == .fenceI)
  }

  // The words are drawn as the recording script drew them: each major opcode x funct3 x a sweep of
  // funct7 with random registers, then plain random words. The file holds what GNU objdump 2.40 made
  // of them under rv64ima_zicsr_zifencei; words not in it, it called unknown (or privileged).
  @Test func `decoder and disassembler agree with GNU objdump on eleven thousand words`() throws {
    let path = repositoryRoot() + "/Tests/Data/objdump-words.txt"
    var expected: [UInt32: String] = [:]
    for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1)
      expected[UInt32(parts[0], radix: 16)!] = String(parts[1])
    }
    #expect(expected.count > 3000)
    var wrong: [String] = []
    var legal = 0
    for word in recordedWords() {
      if word & 0x707F == 0x000F || word & 0x707F == 0x100F { continue }
      let instruction = decode(word)
      let recorded = expected[word]
      if (instruction.opcode != .illegal) != (recorded != nil) {
        wrong.append("\(String(word, radix: 16)): \(instruction), objdump \(recorded ?? "illegal")")
        continue
      }
      guard let recorded else { continue }
      legal += 1
      let row = instruction.opcode.description
      if row.format == .csr || row.format == .csrImmediate,
        ControlStatusRegister(rawValue: UInt16(instruction.immediate)).name == nil
      {
        continue  // objdump names registers of extensions that we leave as numbers
      }
      let address = addresses[word]!
      let ours = disassemble(word, at: address)
      if !agree(ours, recorded) {
        wrong.append("\(String(word, radix: 16)): \(ours) / \(recorded)")
      }
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
    #expect(legal > 3000)
  }

  /// objdump drops the i of immediate forms and the 0x of addresses.
  private func agree(_ ours: String, _ recorded: String) -> Bool {
    let left = ours.split(separator: "\t")
    let right = recorded.split(separator: "\t")
    guard left.count == right.count, left.count <= 2 else { return false }
    if left[0] != right[0] {
      let shortened =
        left[0].hasSuffix("iw") ? left[0].dropLast(2) + "w" : left[0].dropLast(1) + ""
      if shortened != right[0] { return false }
    }
    guard left.count == 2 else { return true }
    func operands(_ text: Substring) -> [Substring] {
      text.split(separator: ",").map { $0.hasPrefix("0x") ? $0.dropFirst(2) : $0 }
    }
    func canonical(_ text: Substring) -> Substring {
      guard text.count > 8, text.allSatisfy(\.isHexDigit) else { return text }
      return text.drop { $0 == "f" }
    }
    return operands(left[1]).map(canonical) == operands(right[1]).map(canonical)
  }

  private var addresses: [UInt32: UInt64] {
    RecordedAddresses.byWord
  }
}

@Suite struct `Registers` {
  @Test func `both sets of names and fp are found, and nothing else`() {
    for register in Register.allCases {
      #expect(Register(named: register.name) == register)
      #expect(Register(named: register.xName) == register)
    }
    #expect(Register(named: "fp") == .s0)
    for name in ["x32", "x01", "x", "A0", "x+1", "", "s12", "zer"] {
      #expect(Register(named: name) == nil)
    }
  }

  @Test func `control registers are found by number`() {
    #expect(ControlStatusRegister.cycle.name == "cycle")
    #expect(ControlStatusRegister(rawValue: 0xC1F).name == "hpmcounter31")
    #expect(ControlStatusRegister(rawValue: 0x7C0).name == nil)
    #expect(ControlStatusRegister.time.isReadOnly)
    #expect(!ControlStatusRegister(rawValue: 0x300).isReadOnly)
  }
}

/// The generator the recording used.
struct Xorshift {
  var state: UInt64 = 0x9E37_79B9_7F4A_7C15
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

enum RecordedAddresses {
  /// Where objdump saw each word: four times its index (the last one, should a word repeat).
  static let byWord: [UInt32: UInt64] = {
    var table: [UInt32: UInt64] = [:]
    for (index, word) in recordedWords().enumerated() { table[word] = UInt64(index * 4) }
    return table
  }()
}

func recordedWords() -> [UInt32] {
  var random = Xorshift()
  var words: [UInt32] = []
  let full: Set<UInt32> = [0x33, 0x3B, 0x13, 0x1B, 0x2F, 0x73]
  for major in stride(from: UInt32(3), to: 128, by: 4) where major & 0x1F != 0x1F {
    for funct3 in UInt32(0)..<8 {
      let sweep: [UInt32] = full.contains(major) ? Array(0..<128) : [0, 1, 5, 32, 64, 96, 100, 127]
      for funct7 in sweep {
        let bits = random.next()
        var (rd, rs1, rs2) = (
          UInt32(bits >> 10 & 31), UInt32(bits >> 20 & 31), UInt32(bits >> 30 & 31)
        )
        if bits & 7 == 0 { rd = 0 }
        if bits & 0x38 == 0 { rs1 = 0 }
        if bits & 0x1C0 == 0 { rs2 = 0 }
        words.append(major | funct3 << 12 | funct7 << 25 | rd << 7 | rs1 << 15 | rs2 << 20)
      }
    }
  }
  for _ in 0..<4000 { words.append(UInt32(truncatingIfNeeded: random.next() >> 16) | 3) }
  return words.filter { $0 & 0x1F != 0x1F && $0 & 3 == 3 }
}
