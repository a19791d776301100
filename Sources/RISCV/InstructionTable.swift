/// How an instruction's operands sit in its word; it fixes the mask of bits that must match.
public enum InstructionFormat: UInt8, CaseIterable, Sendable {
  /// `rd, rs1, rs2`: all of funct7 and funct3 are fixed.
  case register
  /// `rd, rs1, immediate` (12 bits, signed).
  case immediate
  /// `rd, rs1, shamt` with six bits of shift amount.
  case shift
  /// `rd, rs1, shamt` with five bits: the word shifts.
  case wordShift
  /// `rd, offset(rs1)`.
  case load
  /// `rs2, offset(rs1)`.
  case store
  /// `rs1, rs2, target` (13 bits, signed, even).
  case branch
  /// `rd, immediate` with the upper 20 bits.
  case upper
  /// `rd, target` (21 bits, signed, even).
  case jump
  /// `rd, offset(rs1)`, a jump.
  case jumpRegister
  /// `rd, csr, rs1`.
  case csr
  /// `rd, csr, immediate` (5 bits, unsigned).
  case csrImmediate
  /// `predecessors, successors`; rd and rs1 are ignored, as the specification asks.
  case fence
  /// `rd, rs2, (rs1)` with aq and rl.
  case atomic
  /// `rd, (rs1)` with aq and rl; rs2 must be 0.
  case loadReserved
  /// No operands: the whole word is fixed.
  case fixed
  /// No operands; the other fields are reserved for extensions and ignored (fence.i).
  case fixedIgnoringOperands

  /// The bits that tell this instruction from the others.
  public var mask: UInt32 {
    switch self {
    case .register, .wordShift: 0xFE00_707F
    case .shift: 0xFC00_707F
    case .immediate, .load, .store, .branch, .jumpRegister, .csr, .csrImmediate, .fence,
      .fixedIgnoringOperands:
      0x0000_707F
    case .upper, .jump: 0x0000_007F
    case .atomic: 0xF800_707F
    case .loadReserved: 0xF9F0_707F
    case .fixed: 0xFFFF_FFFF
    }
  }

  /// The operands as an assembly programmer writes them, for messages: `rd, rs1, rs2`.
  public var operands: String {
    switch self {
    case .register: "rd, rs1, rs2"
    case .immediate: "rd, rs1, immediate"
    case .shift, .wordShift: "rd, rs1, shift amount"
    case .load: "rd, offset(rs1)"
    case .store: "rs2, offset(rs1)"
    case .branch: "rs1, rs2, target"
    case .upper: "rd, immediate"
    case .jump: "rd, target"
    case .jumpRegister: "rd, offset(rs1)"
    case .csr: "rd, csr, rs1"
    case .csrImmediate: "rd, csr, immediate"
    case .fence: "predecessors, successors"
    case .atomic: "rd, rs2, (rs1)"
    case .loadReserved: "rd, (rs1)"
    case .fixed, .fixedIgnoringOperands: ""
    }
  }
}

/// One row of the instruction table.
public struct InstructionDescription: Sendable {
  /// The instruction described.
  public let opcode: Opcode
  /// Its name in assembly.
  public let mnemonic: String
  /// Where its operands sit.
  public let format: InstructionFormat
  /// The fixed bits of its word; zero outside `format.mask`.
  public let match: UInt32
  /// What a cost model prices.
  public let instructionClass: InstructionClass
}

/// The table of all instructions, and what is derived from it once.
public struct InstructionTable: Sendable {
  /// The table; built at first use, never changed.
  public static let shared = InstructionTable()

  /// A row for each opcode, at the index of its raw value.
  public let rows: [InstructionDescription]

  private init() {
    var table: [InstructionDescription] = []
    table.reserveCapacity(Opcode.allCases.count)
    func row(
      _ opcode: Opcode, _ mnemonic: String, _ format: InstructionFormat, _ match: UInt32,
      _ instructionClass: InstructionClass
    ) {
      precondition(table.count == Int(opcode.rawValue), "table row of \(mnemonic) out of order")
      table.append(
        InstructionDescription(
          opcode: opcode, mnemonic: mnemonic, format: format, match: match,
          instructionClass: instructionClass))
    }
    // The first row only keeps the indices straight; the decoder never looks at it.
    row(.illegal, ".word", .fixed, 0, .system)

    // RISC-V Unprivileged ISA, "RV32I" and "RV64I" chapters.
    row(.lui, "lui", .upper, 0x0000_0037, .alu)
    row(.auipc, "auipc", .upper, 0x0000_0017, .alu)
    row(.jal, "jal", .jump, 0x0000_006F, .jump)
    row(.jalr, "jalr", .jumpRegister, 0x0000_0067, .jump)
    row(.beq, "beq", .branch, 0x0000_0063, .branch)
    row(.bne, "bne", .branch, 0x0000_1063, .branch)
    row(.blt, "blt", .branch, 0x0000_4063, .branch)
    row(.bge, "bge", .branch, 0x0000_5063, .branch)
    row(.bltu, "bltu", .branch, 0x0000_6063, .branch)
    row(.bgeu, "bgeu", .branch, 0x0000_7063, .branch)
    row(.lb, "lb", .load, 0x0000_0003, .load)
    row(.lh, "lh", .load, 0x0000_1003, .load)
    row(.lw, "lw", .load, 0x0000_2003, .load)
    row(.ld, "ld", .load, 0x0000_3003, .load)
    row(.lbu, "lbu", .load, 0x0000_4003, .load)
    row(.lhu, "lhu", .load, 0x0000_5003, .load)
    row(.lwu, "lwu", .load, 0x0000_6003, .load)
    row(.sb, "sb", .store, 0x0000_0023, .store)
    row(.sh, "sh", .store, 0x0000_1023, .store)
    row(.sw, "sw", .store, 0x0000_2023, .store)
    row(.sd, "sd", .store, 0x0000_3023, .store)
    row(.addi, "addi", .immediate, 0x0000_0013, .alu)
    row(.slti, "slti", .immediate, 0x0000_2013, .alu)
    row(.sltiu, "sltiu", .immediate, 0x0000_3013, .alu)
    row(.xori, "xori", .immediate, 0x0000_4013, .alu)
    row(.ori, "ori", .immediate, 0x0000_6013, .alu)
    row(.andi, "andi", .immediate, 0x0000_7013, .alu)
    row(.slli, "slli", .shift, 0x0000_1013, .alu)
    row(.srli, "srli", .shift, 0x0000_5013, .alu)
    row(.srai, "srai", .shift, 0x4000_5013, .alu)
    row(.add, "add", .register, 0x0000_0033, .alu)
    row(.sub, "sub", .register, 0x4000_0033, .alu)
    row(.sll, "sll", .register, 0x0000_1033, .alu)
    row(.slt, "slt", .register, 0x0000_2033, .alu)
    row(.sltu, "sltu", .register, 0x0000_3033, .alu)
    row(.xor, "xor", .register, 0x0000_4033, .alu)
    row(.srl, "srl", .register, 0x0000_5033, .alu)
    row(.sra, "sra", .register, 0x4000_5033, .alu)
    row(.or, "or", .register, 0x0000_6033, .alu)
    row(.and, "and", .register, 0x0000_7033, .alu)
    row(.addiw, "addiw", .immediate, 0x0000_001B, .alu)
    row(.slliw, "slliw", .wordShift, 0x0000_101B, .alu)
    row(.srliw, "srliw", .wordShift, 0x0000_501B, .alu)
    row(.sraiw, "sraiw", .wordShift, 0x4000_501B, .alu)
    row(.addw, "addw", .register, 0x0000_003B, .alu)
    row(.subw, "subw", .register, 0x4000_003B, .alu)
    row(.sllw, "sllw", .register, 0x0000_103B, .alu)
    row(.srlw, "srlw", .register, 0x0000_503B, .alu)
    row(.sraw, "sraw", .register, 0x4000_503B, .alu)
    row(.fence, "fence", .fence, 0x0000_000F, .fence)
    row(.fenceI, "fence.i", .fixedIgnoringOperands, 0x0000_100F, .fence)
    row(.ecall, "ecall", .fixed, 0x0000_0073, .system)
    row(.ebreak, "ebreak", .fixed, 0x0010_0073, .system)

    // "Zicsr" chapter.
    row(.csrrw, "csrrw", .csr, 0x0000_1073, .system)
    row(.csrrs, "csrrs", .csr, 0x0000_2073, .system)
    row(.csrrc, "csrrc", .csr, 0x0000_3073, .system)
    row(.csrrwi, "csrrwi", .csrImmediate, 0x0000_5073, .system)
    row(.csrrsi, "csrrsi", .csrImmediate, 0x0000_6073, .system)
    row(.csrrci, "csrrci", .csrImmediate, 0x0000_7073, .system)

    // "M" chapter.
    row(.mul, "mul", .register, 0x0200_0033, .multiply)
    row(.mulh, "mulh", .register, 0x0200_1033, .multiply)
    row(.mulhsu, "mulhsu", .register, 0x0200_2033, .multiply)
    row(.mulhu, "mulhu", .register, 0x0200_3033, .multiply)
    row(.div, "div", .register, 0x0200_4033, .divide)
    row(.divu, "divu", .register, 0x0200_5033, .divide)
    row(.rem, "rem", .register, 0x0200_6033, .divide)
    row(.remu, "remu", .register, 0x0200_7033, .divide)
    row(.mulw, "mulw", .register, 0x0200_003B, .multiply)
    row(.divw, "divw", .register, 0x0200_403B, .divide)
    row(.divuw, "divuw", .register, 0x0200_503B, .divide)
    row(.remw, "remw", .register, 0x0200_603B, .divide)
    row(.remuw, "remuw", .register, 0x0200_703B, .divide)

    // "A" chapter; the two widths differ in funct3 only.
    row(.lrW, "lr.w", .loadReserved, 0x1000_202F, .atomic)
    row(.scW, "sc.w", .atomic, 0x1800_202F, .atomic)
    row(.amoswapW, "amoswap.w", .atomic, 0x0800_202F, .atomic)
    row(.amoaddW, "amoadd.w", .atomic, 0x0000_202F, .atomic)
    row(.amoxorW, "amoxor.w", .atomic, 0x2000_202F, .atomic)
    row(.amoandW, "amoand.w", .atomic, 0x6000_202F, .atomic)
    row(.amoorW, "amoor.w", .atomic, 0x4000_202F, .atomic)
    row(.amominW, "amomin.w", .atomic, 0x8000_202F, .atomic)
    row(.amomaxW, "amomax.w", .atomic, 0xA000_202F, .atomic)
    row(.amominuW, "amominu.w", .atomic, 0xC000_202F, .atomic)
    row(.amomaxuW, "amomaxu.w", .atomic, 0xE000_202F, .atomic)
    row(.lrD, "lr.d", .loadReserved, 0x1000_302F, .atomic)
    row(.scD, "sc.d", .atomic, 0x1800_302F, .atomic)
    row(.amoswapD, "amoswap.d", .atomic, 0x0800_302F, .atomic)
    row(.amoaddD, "amoadd.d", .atomic, 0x0000_302F, .atomic)
    row(.amoxorD, "amoxor.d", .atomic, 0x2000_302F, .atomic)
    row(.amoandD, "amoand.d", .atomic, 0x6000_302F, .atomic)
    row(.amoorD, "amoor.d", .atomic, 0x4000_302F, .atomic)
    row(.amominD, "amomin.d", .atomic, 0x8000_302F, .atomic)
    row(.amomaxD, "amomax.d", .atomic, 0xA000_302F, .atomic)
    row(.amominuD, "amominu.d", .atomic, 0xC000_302F, .atomic)
    row(.amomaxuD, "amomaxu.d", .atomic, 0xE000_302F, .atomic)

    // Two HINTs of the space designated for custom use (slti with rd = x0); see Spec/ISA.md.
    row(.roiBegin, "roi.begin", .fixed, 0x0010_2013, .alu)
    row(.roiEnd, "roi.end", .fixed, 0x0020_2013, .alu)
    precondition(table.count == Opcode.allCases.count, "the instruction table misses rows")
    rows = table
  }
}
