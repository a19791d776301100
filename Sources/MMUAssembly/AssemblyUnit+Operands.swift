import RISCV

/// An immediate with the part of an address it stands for.
struct ImmediateOperand {
  enum Modifier {
    case none, high, low, relativeHigh, relativeLow
  }

  var modifier: Modifier
  var expression: Expression
  var location: Location
}

enum MemoryOperand {
  /// offset(register)
  case based(ImmediateOperand, base: UInt8)
  /// A symbol alone.
  case symbol(Expression, Location)
}

extension AssemblyUnit {
  func comma(_ cursor: inout Cursor) throws(SourceError) {
    guard cursor.accept(",") else { throw unexpected(cursor, "a comma") }
  }

  func closeParenthesis(_ cursor: inout Cursor) throws(SourceError) {
    guard cursor.accept(")") else { throw unexpected(cursor, "')'") }
  }

  func register(_ cursor: inout Cursor) throws(SourceError) -> UInt8 {
    cursor.skipBlanks()
    guard let number = registerIfPresent(&cursor) else { throw noRegister(cursor) }
    return number
  }

  func noRegister(_ cursor: Cursor) -> SourceError {
    var look = cursor
    look.skipBlanks()
    guard let range = look.identifier() else {
      var error = unexpected(look, "a register")
      if isDigit(look.byte) || look.byte == UInt8(ascii: "-") {
        error.help = "a number must be in a register here: li t0, number"
      }
      return error
    }
    return unknownRegister(
      look.text(range.lowerBound, range.upperBound),
      look.location(range.lowerBound, range.upperBound))
  }

  /// A register, if one is next; else the cursor stays.
  func registerIfPresent(_ cursor: inout Cursor) -> UInt8? {
    cursor.skipBlanks()
    var look = cursor
    guard let range = look.identifier(), range.count <= 4,
      let number = registers.find(look.bytes(range))
    else { return nil }
    cursor = look
    return number
  }

  func registerWord(_ cursor: Cursor) -> String? {
    var look = cursor
    guard let number = registerIfPresent(&look) else { return nil }
    // A symbol may be named like a register.
    let word = look.text(cursor.position, look.position)
    if let name = names.find(word), name < symbolByName.count, symbolByName[name] >= 0,
      symbols[Int(symbolByName[name])].state != .undefined
    {
      return nil
    }
    return number < 32 ? word : nil
  }

  func immediateOperand(_ cursor: inout Cursor) throws(SourceError) -> ImmediateOperand {
    cursor.skipBlanks()
    let start = cursor.position
    if cursor.byte == UInt8(ascii: "%") {
      let modifier = try self.modifier(&cursor)
      guard cursor.accept("(") else { throw unexpected(cursor, "'(' and a symbol") }
      let value = try expression(&cursor)
      try closeParenthesis(&cursor)
      return ImmediateOperand(
        modifier: modifier, expression: value, location: cursor.location(start, cursor.position))
    }
    if let word = registerWord(cursor) {
      throw SourceError(
        "expected an immediate, found the register '\(word)'",
        cursor.location(start, start + word.utf8.count),
        help: "the form without i takes a register (add, and, sll...)")
    }
    var value = try expression(&cursor)
    if !value.isConstant, let known = evaluate(value), known.section < 0 {
      value = Expression(known.number)
    }
    return ImmediateOperand(
      modifier: .none, expression: value, location: cursor.location(start, cursor.position))
  }

  private func modifier(_ cursor: inout Cursor) throws(SourceError) -> ImmediateOperand.Modifier {
    let start = cursor.position
    cursor.position += 1
    let word = cursor.identifier().map { cursor.text($0.lowerBound, $0.upperBound) } ?? ""
    switch word.lowercased() {
    case "hi": return .high
    case "lo": return .low
    case "pcrel_hi": return .relativeHigh
    case "pcrel_lo": return .relativeLow
    case "tprel_hi", "tprel_lo", "tprel_add", "tls_ie_pcrel_hi", "tls_gd_pcrel_hi":
      throw SourceError(
        "%\(word) needs thread-local storage, which is not supported",
        cursor.location(start, cursor.position), help: "use an ordinary variable")
    case "got_pcrel_hi":
      throw SourceError(
        "%got_pcrel_hi needs a global offset table; programs here are linked statically",
        cursor.location(start, cursor.position), help: "use %pcrel_hi, or compile without -fPIC")
    default:
      let near = nearestName(to: word, among: ["hi", "lo", "pcrel_hi", "pcrel_lo"])
      throw SourceError(
        "unknown modifier '%\(word)'", cursor.location(start, cursor.position),
        help: near.map { "did you mean '%\($0)'?" } ?? "known are %hi, %lo, %pcrel_hi, %pcrel_lo")
    }
  }

  func memoryOperand(_ cursor: inout Cursor) throws(SourceError) -> MemoryOperand {
    cursor.skipBlanks()
    let start = cursor.position
    if cursor.byte == UInt8(ascii: "(") {
      var look = cursor
      look.position += 1
      if let base = registerIfPresent(&look), look.accept(")") {
        let location = cursor.location(start, start + 1)
        cursor = look
        return .based(
          ImmediateOperand(modifier: .none, expression: Expression(0), location: location),
          base: base)
      }
    }
    if let word = registerWord(cursor) {
      throw SourceError(
        "expected an address, found the register '\(word)'",
        cursor.location(start, start + word.utf8.count),
        help: "write 0(\(word)) for the memory it points to")
    }
    let value = try immediateOperand(&cursor)
    if cursor.accept("(") {
      let base = try register(&cursor)
      try closeParenthesis(&cursor)
      return .based(value, base: base)
    }
    guard value.modifier == .none, cursor.byte != UInt8(ascii: "[") else {
      throw unexpected(cursor, "a base register in parentheses")
    }
    return .symbol(value.expression, value.location)
  }

  /// (register), also written 0(register).
  func addressRegister(_ cursor: inout Cursor) throws(SourceError) -> UInt8 {
    cursor.skipBlanks()
    let start = cursor.position
    if isDigit(cursor.byte) {
      let value = try number(&cursor, for: "the offset")
      if value != 0 {
        throw SourceError(
          "atomics have no offset, only (rs1)", cursor.location(start, cursor.position))
      }
    }
    guard cursor.accept("(") else {
      let word = registerWord(cursor)
      throw SourceError(
        "expected a register in parentheses",
        cursor.location(start, start + max(1, word?.utf8.count ?? 1)),
        help: word.map { "write (\($0))" })
    }
    let base = try register(&cursor)
    try closeParenthesis(&cursor)
    return base
  }

  /// The symbol of a jump or call; `@plt` is taken and ignored.
  func symbolTarget(_ cursor: inout Cursor) throws(SourceError) -> (Expression, Location) {
    cursor.skipBlanks()
    let start = cursor.position
    if let word = registerWord(cursor) {
      throw SourceError(
        "expected a label, found the register '\(word)'",
        cursor.location(start, start + word.utf8.count),
        help: "to jump to an address in a register use jr or jalr")
    }
    let value = try expression(&cursor)
    let location = cursor.location(start, cursor.position)
    if cursor.byte == UInt8(ascii: "@") {
      cursor.position += 1
      let word = cursor.identifier().map { cursor.text($0.lowerBound, $0.upperBound) }
      if word?.lowercased() != "plt" {
        throw SourceError("expected @plt", cursor.location(location.end, cursor.position))
      }
    }
    return (value, location)
  }

  func controlRegister(_ cursor: inout Cursor) throws(SourceError) -> Int32 {
    cursor.skipBlanks()
    let start = cursor.position
    if isIdentifierStart(cursor.byte) {
      var look = cursor
      let range = look.identifier()!
      if let number = registers.findControl(look.bytes(range)) {
        cursor = look
        return Int32(number)
      }
      let word = look.text(range.lowerBound, range.upperBound)
      let symbol =
        names.find(word).flatMap { $0 < symbolByName.count ? symbolByName[$0] : -1 } ?? -1
      if symbol < 0 || symbols[Int(symbol)].state == .undefined {
        let near = nearestName(to: word, among: registers.controlNames)
        throw SourceError(
          "unknown control and status register '\(word)'",
          cursor.location(range.lowerBound, range.upperBound),
          help: near.map { "did you mean '\($0)'?" } ?? "a number 0...4095 is accepted too")
      }
    }
    let value = try number(&cursor, for: "the register's number")
    guard (0...4095).contains(value) else {
      throw SourceError(
        "control and status register \(value) is not in 0...4095",
        cursor.location(start, cursor.position))
    }
    return Int32(value)
  }

  func fenceSet(_ cursor: inout Cursor) throws(SourceError) -> Int {
    cursor.skipBlanks()
    guard let range = cursor.identifier() else {
      throw unexpected(cursor, "a set of accesses such as rw")
    }
    let word = cursor.text(range.lowerBound, range.upperBound)
    var set = 0
    for letter in word.utf8 {
      let bits: [UInt8: Int] = [0x69: 8, 0x6F: 4, 0x72: 2, 0x77: 1]
      guard let bit = bits[letter], set & bit == 0 else {
        throw SourceError(
          "'\(word)' is no set of accesses", cursor.location(range.lowerBound, range.upperBound),
          help: "use letters out of i, o, r, w: fence rw, rw")
      }
      set |= bit
    }
    return set
  }
}

extension Location {
  var end: Int { Int(offset) + Int(length) }
}
