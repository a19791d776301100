/// Writes an instruction as objdump does: mnemonic, a tab, operands; pseudo-instructions where they fit.
///
///     disassemble(0x0005_0593, at: 0)  // "mv\ta1,a0"
///
/// Immediate forms keep their own mnemonics (`addi`, `slli`) where objdump shortens them to `add`, `sll`.
public func disassemble(_ word: UInt32, at address: UInt64) -> String {
  disassemble(decode(word), at: address)
}

/// Writes a decoded instruction; `symbolize` may name a jump's target (`main+0x10`).
public func disassemble(
  _ instruction: Instruction, at address: UInt64, symbolize: ((UInt64) -> String?)? = nil
) -> String {
  if instruction.opcode == .illegal {
    return ".4byte\t" + hexadecimal(UInt64(UInt32(bitPattern: instruction.immediate)))
  }
  let row = instruction.opcode.description
  let rd = registerName(instruction.rd)
  let rs1 = registerName(instruction.rs1)
  let rs2 = registerName(instruction.rs2)
  let immediate = instruction.immediate
  var target: String {
    let destination = address &+ UInt64(bitPattern: Int64(immediate))
    guard let name = symbolize?(destination) else { return hexadecimal(destination) }
    return "\(hexadecimal(destination)) <\(name)>"
  }
  if let alias = alias(of: instruction, target: target) { return alias }
  let operands: String
  switch row.format {
  case .register: operands = "\(rd),\(rs1),\(rs2)"
  case .immediate: operands = "\(rd),\(rs1),\(immediate)"
  case .shift, .wordShift: operands = "\(rd),\(rs1),\(hexadecimal(UInt64(immediate & 63)))"
  case .load, .jumpRegister: operands = "\(rd),\(immediate)(\(rs1))"
  case .store: operands = "\(rs2),\(immediate)(\(rs1))"
  case .branch: operands = "\(rs1),\(rs2),\(target)"
  case .upper: operands = "\(rd),\(hexadecimal(UInt64(UInt32(bitPattern: immediate) >> 12)))"
  case .jump: operands = "\(rd),\(target)"
  case .csr: operands = "\(rd),\(csrName(immediate)),\(rs1)"
  case .csrImmediate: operands = "\(rd),\(csrName(immediate)),\(instruction.rs1)"
  case .fence:
    let before = setName(instruction.fencePredecessors)
    operands = "\(before),\(setName(instruction.fenceSuccessors))"
  case .atomic, .loadReserved:
    let suffix = ["", ".rl", ".aq", ".aqrl"][Int(instruction.ordering.rawValue)]
    let source = row.format == .atomic ? "\(rs2)," : ""
    return "\(row.mnemonic)\(suffix)\t\(rd),\(source)(\(rs1))"
  case .fixed, .fixedIgnoringOperands: return row.mnemonic
  }
  return "\(row.mnemonic)\t\(operands)"
}

/// The pseudo-instruction that says the same, if there is one objdump would print.
private func alias(of instruction: Instruction, target: @autoclosure () -> String) -> String? {
  let (rdNumber, rs1Number, rs2Number) = (instruction.rd, instruction.rs1, instruction.rs2)
  let rd = registerName(rdNumber)
  let rs1 = registerName(rs1Number)
  let rs2 = registerName(rs2Number)
  let immediate = instruction.immediate
  switch instruction.opcode {
  case .addi:
    if rs1Number == 0 { return rdNumber == 0 && immediate == 0 ? "nop" : "li\t\(rd),\(immediate)" }
    return immediate == 0 ? "mv\t\(rd),\(rs1)" : nil
  case .addiw: return immediate == 0 ? "sext.w\t\(rd),\(rs1)" : nil
  case .xori: return immediate == -1 ? "not\t\(rd),\(rs1)" : nil
  case .andi: return immediate == 255 ? "zext.b\t\(rd),\(rs1)" : nil
  case .sltiu: return immediate == 1 ? "seqz\t\(rd),\(rs1)" : nil
  case .sltu: return rs1Number == 0 ? "snez\t\(rd),\(rs2)" : nil
  case .slt:
    if rs2Number == 0 { return "sltz\t\(rd),\(rs1)" }
    return rs1Number == 0 ? "sgtz\t\(rd),\(rs2)" : nil
  case .sub: return rs1Number == 0 ? "neg\t\(rd),\(rs2)" : nil
  case .subw: return rs1Number == 0 ? "negw\t\(rd),\(rs2)" : nil
  case .beq: return rs2Number == 0 ? "beqz\t\(rs1),\(target())" : nil
  case .bne: return rs2Number == 0 ? "bnez\t\(rs1),\(target())" : nil
  case .blt:
    if rs2Number == 0 { return "bltz\t\(rs1),\(target())" }
    return rs1Number == 0 ? "bgtz\t\(rs2),\(target())" : nil
  case .bge:
    if rs2Number == 0 { return "bgez\t\(rs1),\(target())" }
    return rs1Number == 0 ? "blez\t\(rs2),\(target())" : nil
  case .jal:
    if rdNumber == 0 { return "j\t\(target())" }
    return rdNumber == 1 ? "jal\t\(target())" : nil
  case .jalr:
    let place = immediate == 0 ? rs1 : "\(immediate)(\(rs1))"
    if rdNumber == 0 { return rs1Number == 1 && immediate == 0 ? "ret" : "jr\t\(place)" }
    if rdNumber == 1 { return "jalr\t\(place)" }
    return immediate == 0 ? "jalr\t\(rd),\(rs1)" : nil
  case .fence:
    if instruction.fenceMode == 8, immediate & 0xFF == 0x33 { return "fence.tso" }
    if immediate == 0x010 { return "pause" }
    return immediate == 0x0FF ? "fence" : nil
  case .csrrw, .csrrs, .csrrc, .csrrwi, .csrrsi, .csrrci: return csrAlias(of: instruction)
  default: return nil
  }
}

private func csrAlias(of instruction: Instruction) -> String? {
  let rd = registerName(instruction.rd)
  let rs1 = registerName(instruction.rs1)
  let csr = csrName(instruction.immediate)
  let opcode = instruction.opcode
  if opcode == .csrrs, instruction.rs1 == 0 {
    switch instruction.immediate {
    case 0xC00: return "rdcycle\t\(rd)"
    case 0xC01: return "rdtime\t\(rd)"
    case 0xC02: return "rdinstret\t\(rd)"
    default: return "csrr\t\(rd),\(csr)"
    }
  }
  if opcode == .csrrw, instruction.immediate == 0xC00, instruction.rd == 0, instruction.rs1 == 0 {
    return "unimp"
  }
  guard instruction.rd == 0 else { return nil }
  switch opcode {
  case .csrrw: return "csrw\t\(csr),\(rs1)"
  case .csrrs: return "csrs\t\(csr),\(rs1)"
  case .csrrc: return "csrc\t\(csr),\(rs1)"
  case .csrrwi: return "csrw\t\(csr),\(instruction.rs1)"
  case .csrrsi: return "csrs\t\(csr),\(instruction.rs1)"
  case .csrrci: return "csrc\t\(csr),\(instruction.rs1)"
  default: return nil
  }
}

private func registerName(_ number: UInt8) -> String { Register.abiNames[Int(number & 31)] }

private func csrName(_ number: Int32) -> String {
  let register = ControlStatusRegister(rawValue: UInt16(truncatingIfNeeded: number))
  return register.name ?? hexadecimal(UInt64(register.rawValue))
}

private func setName(_ set: FenceSet) -> String {
  var text = ""
  if set.contains(.input) { text += "i" }
  if set.contains(.output) { text += "o" }
  if set.contains(.reads) { text += "r" }
  if set.contains(.writes) { text += "w" }
  return text.isEmpty ? "0" : text
}

private func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
