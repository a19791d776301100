/// Turns an instruction word into its fields; total, strict and without allocation.
///
/// Reserved encodings are `illegal`. Fields that the specification tells implementations to ignore
/// (rd and rs1 of fence; rd, rs1 and the immediate of fence.i) are ignored. Every HINT is its ordinary
/// instruction, except the two that mark the region of interest.
public func decode(_ word: UInt32) -> Instruction {
  let index = DecodeIndex.shared
  // Major opcode without its two low bits (checked by the mask below) and funct3.
  let slot = Int((word >> 2) & 31 | (word >> 7) & 0xE0)
  var candidate = index.candidates + Int(index.first[slot])
  while true {
    let row = candidate.pointee
    if word & row.mask == row.match { return row.instruction(from: word) }
    candidate += 1
  }
}

/// One way a word may match; rows of one slot stand together, most specific first, and the last row of each slot matches everything.
struct DecodeRow {
  var mask: UInt32
  var match: UInt32
  var opcode: Opcode
  var format: InstructionFormat

  @inline(__always)
  func instruction(from word: UInt32) -> Instruction {
    let rd = UInt8(truncatingIfNeeded: word >> 7) & 31
    let rs1 = UInt8(truncatingIfNeeded: word >> 15) & 31
    let rs2 = UInt8(truncatingIfNeeded: word >> 20) & 31
    let signed = Int32(bitPattern: word)
    switch format {
    case .register:
      return Instruction(opcode, rd: rd, rs1: rs1, rs2: rs2)
    case .immediate, .load, .jumpRegister:
      return Instruction(opcode, rd: rd, rs1: rs1, immediate: signed >> 20)
    case .shift, .wordShift:
      return Instruction(opcode, rd: rd, rs1: rs1, immediate: (signed >> 20) & 63)
    case .store:
      let immediate = (signed >> 20) & ~31 | Int32(rd)
      return Instruction(opcode, rs1: rs1, rs2: rs2, immediate: immediate)
    case .branch:
      let low = (signed >> 7) & 0x1E | (signed >> 20) & 0x7E0
      let immediate = (signed >> 31) << 12 | (signed << 4) & 0x800 | low
      return Instruction(opcode, rs1: rs1, rs2: rs2, immediate: immediate)
    case .upper:
      return Instruction(opcode, rd: rd, immediate: signed & ~0xFFF)
    case .jump:
      let low = (signed >> 20) & 0x7FE | (signed >> 9) & 0x800
      let immediate = (signed >> 31) << 20 | signed & 0xFF000 | low
      return Instruction(opcode, rd: rd, immediate: immediate)
    case .csr, .csrImmediate:
      return Instruction(opcode, rd: rd, rs1: rs1, immediate: Int32(word >> 20))
    case .fence:
      return Instruction(opcode, immediate: Int32(word >> 20))
    case .atomic, .loadReserved:
      return Instruction(opcode, rd: rd, rs1: rs1, rs2: rs2, immediate: (signed >> 25) & 3)
    case .fixed, .fixedIgnoringOperands:
      return Instruction(opcode, immediate: opcode == .illegal ? signed : 0)
    }
  }
}

/// The instruction table arranged for lookup: one slot for each major opcode and funct3.
struct DecodeIndex: @unchecked Sendable {
  /// Never freed: the index lives as long as the process.
  static let shared = DecodeIndex(InstructionTable.shared.rows)

  let first: UnsafePointer<UInt16>
  let candidates: UnsafePointer<DecodeRow>

  private init(_ rows: [InstructionDescription]) {
    let bySpecificity = rows.dropFirst().sorted { left, right in
      let (leftBits, rightBits) = (
        left.format.mask.nonzeroBitCount, right.format.mask.nonzeroBitCount
      )
      return leftBits != rightBits
        ? leftBits > rightBits : left.opcode.rawValue < right.opcode.rawValue
    }
    var starts: [UInt16] = []
    var all: [DecodeRow] = []
    for slot in UInt32(0)..<256 {
      starts.append(UInt16(all.count))
      let fields = (slot & 31) << 2 | (slot & 0xE0) << 7 | 3
      let mask: UInt32 = 0x707F
      for row in bySpecificity where (row.match ^ fields) & row.format.mask & mask == 0 {
        all.append(
          DecodeRow(
            mask: row.format.mask, match: row.match, opcode: row.opcode, format: row.format))
      }
      all.append(DecodeRow(mask: 0, match: 0, opcode: .illegal, format: .fixed))
    }
    let first = UnsafeMutablePointer<UInt16>.allocate(capacity: starts.count)
    first.initialize(from: starts, count: starts.count)
    let candidates = UnsafeMutablePointer<DecodeRow>.allocate(capacity: all.count)
    candidates.initialize(from: all, count: all.count)
    self.first = UnsafePointer(first)
    self.candidates = UnsafePointer(candidates)
  }
}
