/// The operation an instruction word asks for, one case per instruction, without gaps.
///
/// The raw values are dense and start with `illegal`, so an engine may index an array by them.
public enum Opcode: UInt8, CaseIterable, Sendable {
  /// Any word that is no implemented instruction.
  case illegal = 0

  // RV64I
  case lui, auipc, jal, jalr
  case beq, bne, blt, bge, bltu, bgeu
  case lb, lh, lw, ld, lbu, lhu, lwu
  case sb, sh, sw, sd
  case addi, slti, sltiu, xori, ori, andi, slli, srli, srai
  case add, sub, sll, slt, sltu, xor, srl, sra, or, and
  case addiw, slliw, srliw, sraiw
  case addw, subw, sllw, srlw, sraw
  case fence, fenceI, ecall, ebreak

  // Zicsr
  case csrrw, csrrs, csrrc, csrrwi, csrrsi, csrrci

  // M
  case mul, mulh, mulhsu, mulhu, div, divu, rem, remu
  case mulw, divw, divuw, remw, remuw

  // A
  case lrW, scW, amoswapW, amoaddW, amoxorW, amoandW, amoorW
  case amominW, amomaxW, amominuW, amomaxuW
  case lrD, scD, amoswapD, amoaddD, amoxorD, amoandD, amoorD
  case amominD, amomaxD, amominuD, amomaxuD

  /// `slti x0, x0, 1`: the HINT that opens the region of interest.
  case roiBegin
  /// `slti x0, x0, 2`: the HINT that closes the region of interest.
  case roiEnd
}

/// What an instruction costs, roughly: the column of the instruction table that a cost model reads.
public enum InstructionClass: UInt8, CaseIterable, Sendable {
  case alu, multiply, divide, load, store, branch, jump, atomic, system, fence
}

extension Opcode {
  /// The table row of this instruction.
  public var description: InstructionDescription { InstructionTable.shared.rows[Int(rawValue)] }

  /// The instruction's name in assembly, without aliases: `addi`, `amoadd.w`.
  public var mnemonic: String { description.mnemonic }

  /// The class a cost model prices.
  public var instructionClass: InstructionClass { description.instructionClass }
}
