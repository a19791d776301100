extension AssemblyUnit {
  func symbol(_ bytes: UnsafeBufferPointer<UInt8>) -> Int { symbol(number: names.intern(bytes)) }

  func symbol(named name: String) -> Int { symbol(number: names.intern(name)) }

  private func symbol(number: Int) -> Int {
    if number >= symbolByName.count {
      symbolByName += repeatElement(-1, count: number + 1 - symbolByName.count)
    }
    if symbolByName[number] < 0 {
      symbolByName[number] = Int32(symbols.count)
      symbols.append(Symbol(name: Int32(number)))
    }
    return Int(symbolByName[number])
  }

  func symbolName(_ symbol: Int) -> String {
    let name = symbols[symbol].name
    return name < 0 ? "local label" : names.name(Int(name))
  }

  func defineLabel(_ symbol: Int, at location: Location) throws(SourceError) {
    try checkUndefined(symbol, location)
    symbols[symbol].state = .label
    symbols[symbol].position = current.end
    symbols[symbol].definition = location
  }

  private func checkUndefined(_ symbol: Int, _ location: Location) throws(SourceError) {
    guard symbols[symbol].state != .undefined, symbols[symbol].state != .poisoned else { return }
    let name = symbolName(symbol)
    var error = SourceError("'\(name)' is already defined", location)
    if symbols[symbol].definition != .none {
      error.notes = [("first defined here", symbols[symbol].definition)]
    } else {
      error.notes = [("defined by --defsym", .none)]
    }
    if case .expansion = sources[Int(location.source)].kind {
      error.help = "in a macro, make labels unique with \\@ or use numeric labels (1:, 1b, 1f)"
    }
    throw error
  }

  func numericLabel(_ cursor: inout Cursor) throws(SourceError) {
    let start = cursor.position
    var number: Int64 = 0
    while isDigit(cursor.byte) {
      number = number &* 10 &+ Int64(cursor.byte - 48)
      cursor.position += 1
    }
    let digits = cursor.position
    cursor.skipBlanks()
    guard cursor.byte == UInt8(ascii: ":"), digits - start <= 18 else {
      cursor.position = start
      throw unexpected(cursor, "an instruction, a directive or a label")
    }
    cursor.position += 1
    let known = numericLabels[number]
    let label = known.map(\.forward) ?? -1
    let symbol = label >= 0 ? label : anonymousSymbol()
    numericLabels[number] = (back: symbol, forward: -1)
    try defineLabel(symbol, at: cursor.location(start, digits))
  }

  private func anonymousSymbol() -> Int {
    symbols.append(Symbol(name: -1))
    return symbols.count - 1
  }

  func numericReference(
    _ number: Int64, isForward: Bool, _ location: Location
  ) throws(SourceError) -> Expression {
    var known = numericLabels[number] ?? (back: -1, forward: -1)
    if isForward {
      if known.forward < 0 {
        known.forward = anonymousSymbol()
        numericLabels[number] = known
      }
      return reference(known.forward, location)
    }
    guard known.back >= 0 else {
      throw SourceError(
        "there is no label '\(number):' before this line", location,
        help: "for one that follows write \(number)f")
    }
    return reference(known.back, location)
  }

  // name = value, .set, .equ, .equiv
  func assignment(_ name: Range<Int>, _ cursor: inout Cursor, isOnce: Bool) throws(SourceError) {
    let location = cursor.location(name.lowerBound, name.upperBound)
    if name.count == 1, cursor.base[name.lowerBound] == UInt8(ascii: ".") {
      try origin(&cursor, location)
      return
    }
    let symbol = self.symbol(cursor.bytes(name))
    let value: Expression
    do throws(SourceError) {
      value = try expression(&cursor)
      try expectEnd(&cursor, after: "the value")
    } catch {
      if symbols[symbol].state == .undefined { symbols[symbol].state = .poisoned }
      throw error
    }
    if isOnce || !symbols[symbol].isRedefinable { try checkUndefined(symbol, location) }
    if mentions(symbol, value) {
      symbols[symbol].state = .poisoned
      throw SourceError("'\(symbolName(symbol))' is defined by itself", location)
    }
    symbols[symbol].state = .value
    symbols[symbol].isRedefinable = !isOnce
    symbols[symbol].expression = value
    symbols[symbol].definition = location
    symbols[symbol].memoRound = -1
  }

  /// Whether an expression is just this symbol (plus a number).
  private func mentions(_ symbol: Int, _ value: Expression) -> Bool {
    guard value.term >= 0, case .symbol(let other) = nodes[Int(value.term)].kind else {
      return false
    }
    return Int(other) == symbol
  }

  // MARK: Directives about symbols

  func symbolList(
    _ cursor: inout Cursor, _ body: (inout Symbol) -> Void
  ) throws(SourceError) {
    repeat {
      let symbol = try symbolOperand(&cursor)
      body(&symbols[symbol])
    } while cursor.accept(",")
    try expectEnd(&cursor, after: "the symbol")
  }

  func symbolOperand(_ cursor: inout Cursor) throws(SourceError) -> Int {
    cursor.skipBlanks()
    guard let range = cursor.identifier() else { throw unexpected(cursor, "a symbol") }
    return symbol(cursor.bytes(range))
  }

  func symbolType(_ cursor: inout Cursor) throws(SourceError) {
    let symbol = try symbolOperand(&cursor)
    _ = cursor.accept(",")
    cursor.skipBlanks()
    let start = cursor.position
    if cursor.byte == UInt8(ascii: "@") || cursor.byte == UInt8(ascii: "%") { cursor.position += 1 }
    var word = ""
    if cursor.byte == UInt8(ascii: "\"") {
      word = String(decoding: try stringLiteral(&cursor), as: UTF8.self)
    } else if let range = cursor.identifier() {
      word = cursor.text(range.lowerBound, range.upperBound)
    }
    switch word {
    case "function", "STT_FUNC": symbols[symbol].type = 2
    case "object", "STT_OBJECT", "common": symbols[symbol].type = 1
    case "notype", "STT_NOTYPE": symbols[symbol].type = 0
    case "gnu_unique_object": symbols[symbol].type = 1
    case "tls_object", "STT_TLS":
      throw SourceError(
        "thread-local symbols are not supported", cursor.location(start, cursor.position))
    default:
      throw SourceError(
        "unknown symbol type '\(word)'", cursor.location(start, max(start + 1, cursor.position)),
        help: "use @function, @object or @notype")
    }
    try expectEnd(&cursor, after: "the type")
  }

  func symbolSize(_ cursor: inout Cursor) throws(SourceError) {
    let symbol = try symbolOperand(&cursor)
    guard cursor.accept(",") else { throw unexpected(cursor, "a comma and the size") }
    symbols[symbol].size = try expression(&cursor)
    try expectEnd(&cursor, after: "the size")
  }

  // .comm and .lcomm
  func common(_ cursor: inout Cursor, isLocal: Bool) throws(SourceError) {
    cursor.skipBlanks()
    let start = cursor.position
    let symbol = try symbolOperand(&cursor)
    let location = cursor.location(start, cursor.position)
    _ = cursor.accept(",")
    let size = try number(&cursor, for: "the size")
    var alignment: Int64 = 1
    if cursor.accept(",") {
      alignment = try number(&cursor, for: "the alignment")
    } else if !isLocal {
      while alignment < 16, alignment * 2 <= size { alignment *= 2 }
    }
    try expectEnd(&cursor, after: "the alignment")
    guard size >= 0, size <= limits.spaceBytes else {
      throw SourceError("size \(size) is not in 0...\(limits.spaceBytes) (limit)", location)
    }
    guard alignment > 0, alignment & (alignment - 1) == 0, alignment <= 1 << 30 else {
      throw SourceError("alignment \(alignment) is no power of two", location)
    }
    if symbols[symbol].state == .common {
      symbols[symbol].commonSize = max(symbols[symbol].commonSize, size)
      symbols[symbol].commonAlignment = max(symbols[symbol].commonAlignment, alignment)
      return
    }
    try checkUndefined(symbol, location)
    symbols[symbol].size = Expression(size)
    symbols[symbol].state = .common
    symbols[symbol].commonSize = size
    symbols[symbol].commonAlignment = alignment
    symbols[symbol].definition = location
    symbols[symbol].type = 1
    if isLocal || symbols[symbol].isDeclaredLocal {
      localCommons.append(symbol)
    } else if symbols[symbol].binding == 0 {
      symbols[symbol].binding = 1
    }
  }

  /// Gives a common symbol its room in .bss.
  func reserveCommon(_ symbol: Int, _ size: Int64, _ alignment: Int64, _ location: Location) {
    let bss = section(named: ".bss")
    bss.alignment = max(bss.alignment, alignment)
    if bss.points.isEmpty {
      bss.size += -bss.size & (alignment - 1)
    } else {
      bss.points.append(
        VariablePoint(
          kind: .align(to: alignment, fill: nil, most: .max), offset: bss.size,
          expression: Expression(0), location: location))
    }
    symbols[symbol].position = bss.end
    symbols[symbol].state = .label
    bss.size += size
  }
}
