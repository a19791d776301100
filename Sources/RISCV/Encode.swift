/// Turns fields into an instruction word, the inverse of `decode`.
///
/// Bits of a field that its format has no room for are dropped: whoever takes numbers from a user (the
/// assembler) checks the ranges first. An `illegal` instruction gives back the word it was decoded from.
public func encode(_ instruction: Instruction) -> UInt32 {
  if instruction.opcode == .illegal { return UInt32(bitPattern: instruction.immediate) }
  let row = instruction.opcode.description
  let rd = UInt32(instruction.rd & 31) << 7
  let rs1 = UInt32(instruction.rs1 & 31) << 15
  let rs2 = UInt32(instruction.rs2 & 31) << 20
  let immediate = UInt32(bitPattern: instruction.immediate)
  switch row.format {
  case .register:
    return row.match | rd | rs1 | rs2
  case .immediate, .load, .jumpRegister, .csr, .csrImmediate:
    return row.match | rd | rs1 | immediate << 20
  case .shift:
    return row.match | rd | rs1 | (immediate & 63) << 20
  case .wordShift:
    return row.match | rd | rs1 | (immediate & 31) << 20
  case .store:
    return row.match | rs1 | rs2 | (immediate & 31) << 7 | (immediate >> 5) << 25
  case .branch:
    let low = (immediate & 0x1E) << 7 | (immediate & 0x800) >> 4
    let high = (immediate & 0x7E0) << 20 | (immediate & 0x1000) << 19
    return row.match | rs1 | rs2 | low | high
  case .upper:
    return row.match | rd | immediate & ~0xFFF
  case .jump:
    let low = immediate & 0xFF000 | (immediate & 0x800) << 9
    let high = (immediate & 0x7FE) << 20 | (immediate & 0x10_0000) << 11
    return row.match | rd | low | high
  case .fence:
    return row.match | immediate << 20
  case .atomic:
    return row.match | rd | rs1 | rs2 | (immediate & 3) << 25
  case .loadReserved:
    return row.match | rd | rs1 | (immediate & 3) << 25
  case .fixed, .fixedIgnoringOperands:
    return row.match
  }
}
