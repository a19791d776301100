import RISCV

extension AssemblyUnit {
  func pseudo(
    _ pseudo: Pseudo, _ location: Location, _ cursor: inout Cursor
  ) throws(SourceError) {
    switch pseudo {
    case .nop: emit(Instruction(.addi))
    case .ret: emit(Instruction(.jalr, rs1: 1))
    case .unimplemented: emit(Instruction(.csrrw, immediate: 0xC00))
    case .fenceTSO: emit(Instruction(.fence, immediate: 0x833))
    case .pause: emit(Instruction(.fence, immediate: 0x010))
    case .li:
      let rd = try register(&cursor)
      try comma(&cursor)
      cursor.skipBlanks()
      let start = cursor.position
      if let word = registerWord(cursor) {
        throw SourceError(
          "li loads a constant, found the register '\(word)'",
          cursor.location(start, start + word.utf8.count), help: "to copy a register use mv")
      }
      do throws(SourceError) {
        loadConstant(rd, try number(&cursor, for: "li's constant"))
      } catch {
        var error = error
        if error.message.hasPrefix("li's"), !error.isSilent {
          let before = "a constant must be defined before this line"
          error.help = "if this is an address, use la; \(before)"
        }
        throw error
      }
    case .la:
      let rd = try register(&cursor)
      try comma(&cursor)
      let (target, place) = try symbolTarget(&cursor)
      if target.isConstant {
        buildConstant(rd, target.constant)
      } else {
        emitPair(rd, Instruction(.addi, rd: rd, rs1: rd), .pairI, target, place)
      }
    case .mv, .not, .neg, .negw, .signExtendByte, .signExtendHalf, .signExtendWord,
      .zeroExtendByte, .zeroExtendHalf, .zeroExtendWord, .seqz, .snez, .sltz, .sgtz:
      let rd = try register(&cursor)
      try comma(&cursor)
      twoRegisters(pseudo, rd, try register(&cursor))
    case .swapped(let opcode):
      let rd = try register(&cursor)
      try comma(&cursor)
      let first = try register(&cursor)
      try comma(&cursor)
      emit(Instruction(opcode, rd: rd, rs1: try register(&cursor), rs2: first))
    case .branchZero(let opcode, let zeroFirst):
      let source = try register(&cursor)
      try comma(&cursor)
      try branch(
        Instruction(opcode, rs1: zeroFirst ? 0 : source, rs2: zeroFirst ? source : 0), &cursor)
    case .branchSwapped(let opcode):
      let first = try register(&cursor)
      try comma(&cursor)
      let second = try register(&cursor)
      try comma(&cursor)
      try branch(Instruction(opcode, rs1: second, rs2: first), &cursor)
    case .j: try jump(0, &cursor)
    case .jr: try jumpRegister(&cursor, rd: 0, isShort: true)
    case .call:
      // With a register of its own, the address goes through t1, as with GNU as.
      var (link, base): (UInt8, UInt8) = (1, 1)
      var look = cursor
      if let first = registerIfPresent(&look), look.accept(",") {
        (link, base) = (first, 6)
        cursor = look
      }
      let (target, place) = try symbolTarget(&cursor)
      emitPair(base, Instruction(.jalr, rd: link, rs1: base), .pairI, target, place)
    case .tail:
      let (target, place) = try symbolTarget(&cursor)
      emitPair(6, Instruction(.jalr, rs1: 6), .pairI, target, place)
    case .jump:
      let (target, place) = try symbolTarget(&cursor)
      try comma(&cursor)
      let temporary = try register(&cursor)
      emitPair(temporary, Instruction(.jalr, rs1: temporary), .pairI, target, place)
    case .readCounter(let counter):
      emit(Instruction(.csrrs, rd: try register(&cursor), immediate: Int32(counter.rawValue)))
    case .csrRead:
      let rd = try register(&cursor)
      try comma(&cursor)
      emit(Instruction(.csrrs, rd: rd, immediate: try controlRegister(&cursor)))
    case .csrWrite(let opcode, _):
      let csr = try controlRegister(&cursor)
      try comma(&cursor)
      try csrAccess(opcode, 0, csr, &cursor)
    case .csrWriteImmediate(let opcode):
      let csr = try controlRegister(&cursor)
      try comma(&cursor)
      try csrAccess(opcode, 0, csr, &cursor)
    }
  }

  private func twoRegisters(_ pseudo: Pseudo, _ rd: UInt8, _ rs: UInt8) {
    func extend(_ bits: Int32, _ right: Opcode) {
      emit(Instruction(.slli, rd: rd, rs1: rs, immediate: bits))
      emit(Instruction(right, rd: rd, rs1: rd, immediate: bits))
    }
    switch pseudo {
    case .not: emit(Instruction(.xori, rd: rd, rs1: rs, immediate: -1))
    case .neg: emit(Instruction(.sub, rd: rd, rs2: rs))
    case .negw: emit(Instruction(.subw, rd: rd, rs2: rs))
    case .signExtendByte: extend(56, .srai)
    case .signExtendHalf: extend(48, .srai)
    case .signExtendWord: emit(Instruction(.addiw, rd: rd, rs1: rs))
    case .zeroExtendByte: emit(Instruction(.andi, rd: rd, rs1: rs, immediate: 255))
    case .zeroExtendHalf: extend(48, .srli)
    case .zeroExtendWord: extend(32, .srli)
    case .seqz: emit(Instruction(.sltiu, rd: rd, rs1: rs, immediate: 1))
    case .snez: emit(Instruction(.sltu, rd: rd, rs2: rs))
    case .sltz: emit(Instruction(.slt, rd: rd, rs1: rs))
    case .sgtz: emit(Instruction(.slt, rd: rd, rs2: rs))
    default: emit(Instruction(.addi, rd: rd, rs1: rs))
    }
  }

  /// The sequence GNU as chooses for any 64-bit constant: at most eight instructions.
  private func loadConstant(_ rd: UInt8, _ value: Int64) {
    if (-2048...2047).contains(value) {
      emit(Instruction(.addi, rd: rd, immediate: Int32(value)))
    } else {
      buildConstant(rd, value)
    }
  }

  private func buildConstant(_ rd: UInt8, _ value: Int64) {
    let low = value.lowTwelveBits
    let upper = value &- Int64(low)
    guard value == Int64(Int32(truncatingIfNeeded: value)) else {
      // Build the upper part shifted down, shift it up, add the low part.
      var shift: Int32 = 12
      while upper >> Int64(shift) & 1 == 0 { shift += 1 }
      buildConstant(rd, upper >> Int64(shift))
      emit(Instruction(.slli, rd: rd, rs1: rd, immediate: shift))
      if low != 0 { emit(Instruction(.addi, rd: rd, rs1: rd, immediate: low)) }
      return
    }
    if upper != 0 {
      emit(Instruction(.lui, rd: rd, immediate: Int32(truncatingIfNeeded: upper)))
    }
    if low != 0 || upper == 0 {
      emit(Instruction(.addiw, rd: rd, rs1: upper != 0 ? rd : 0, immediate: low))
    }
  }
}
