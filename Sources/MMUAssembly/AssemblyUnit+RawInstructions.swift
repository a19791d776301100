extension AssemblyUnit {
  /// .insn with a format: r, i, s, b, u or j, fields as numbers.
  func formattedInstruction(_ location: Location, _ cursor: inout Cursor) throws(SourceError) {
    let start = cursor.position
    let format = cursor.identifier().map { cursor.text($0.lowerBound, $0.upperBound) } ?? ""
    try beginInstruction(location)
    let opcode = UInt32(try small(&cursor, 0...127, "the opcode"))
    try comma(&cursor)
    var word = opcode
    if format != "u", format != "j", format != "uj" {
      word |= UInt32(try small(&cursor, 0...7, "funct3")) << 12
      try comma(&cursor)
    }
    switch format {
    case "r":
      word |= UInt32(try small(&cursor, 0...127, "funct7")) << 25
      for shift in [UInt32(7), 15, 20] {
        try comma(&cursor)
        word |= UInt32(try register(&cursor)) << shift
      }
    case "i":
      word |= UInt32(try register(&cursor)) << 7
      try comma(&cursor)
      if case .based(let value, let base) = try insnAddress(&cursor) {
        word |= UInt32(base) << 15 | UInt32(truncatingIfNeeded: try twelveBits(value)) << 20
      }
    case "s":
      word |= UInt32(try register(&cursor)) << 20
      try comma(&cursor)
      guard case .based(let value, let base) = try memoryOperand(&cursor) else {
        throw unexpected(cursor, "a base register in parentheses")
      }
      let bits = UInt32(truncatingIfNeeded: try twelveBits(value))
      word |= UInt32(base) << 15 | (bits & 31) << 7 | (bits >> 5 & 127) << 25
    case "u":
      word |= UInt32(try register(&cursor)) << 7
      try comma(&cursor)
      word |= UInt32(try small(&cursor, 0...0xFFFFF, "the immediate")) << 12
    default:
      throw SourceError(
        ".insn knows the formats r, i, s and u, not '\(format)'",
        cursor.location(start, start + max(1, format.utf8.count)),
        help: "write the whole word: .insn 0x...")
    }
    try expectEnd(&cursor, after: "the fields")
    guard word & 3 == 3 else {
      throw SourceError("the opcode's two low bits must be ones", location)
    }
    current.append(word: word)
  }

  // rs1, immediate or immediate(rs1)
  private func insnAddress(_ cursor: inout Cursor) throws(SourceError) -> MemoryOperand {
    if let base = registerIfPresent(&cursor) {
      try comma(&cursor)
      return .based(try immediateOperand(&cursor), base: base)
    }
    let operand = try memoryOperand(&cursor)
    guard case .based = operand else { throw unexpected(cursor, "a base register in parentheses") }
    return operand
  }

  private func twelveBits(_ value: ImmediateOperand) throws(SourceError) -> Int64 {
    guard value.expression.isConstant, value.modifier == .none,
      (-2048...2047).contains(value.expression.constant)
    else { throw SourceError("the immediate is not in -2048...2047", value.location) }
    return value.expression.constant & 0xFFF
  }
}
