extension AssemblyUnit {
  // MARK: Reading

  func expression(_ cursor: inout Cursor) throws(SourceError) -> Expression {
    try expression(&cursor, above: 0, depth: 0)
  }

  /// A number that must be known now.
  func number(_ cursor: inout Cursor, for what: @autoclosure () -> String) throws(SourceError)
    -> Int64
  {
    cursor.skipBlanks()
    let start = cursor.position
    let value = try expression(&cursor)
    if value.isConstant { return value.constant }
    if let value = evaluate(value), value.section < 0 { return value.number }
    throw notANumber(what(), cursor.location(start, cursor.position))
  }

  private func notANumber(_ what: String, _ location: Location) -> SourceError {
    switch failure {
    case .poisoned: return .silent
    case .undefined(let symbol):
      let name = symbolName(symbol)
      var error = SourceError(
        "\(what) must be known here, but '\(name)' is not defined yet", location)
      if hasMissingNames {
        error.isSilent = true
      } else {
        // This one is reported here; the end of the run need not repeat it.
        symbols[symbol].useCount -= 1
        error.help =
          "define it before this line, with .equ \(name), value or --defsym \(name)=value"
      }
      return error
    case .circular(let symbol):
      return SourceError("'\(symbolName(symbol))' is defined by itself", location)
    case .divisionByZero: return SourceError("division by zero", location)
    case .tooDeep: return SourceError("the expression is too large", location)
    case .none, .notConstant:
      return SourceError(
        "\(what) must be a number, but this is an address or depends on one", location)
    }
  }

  private func expression(
    _ cursor: inout Cursor, above rank: Int, depth: Int
  ) throws(SourceError) -> Expression {
    var left = try operand(&cursor, depth: depth)
    while true {
      cursor.skipBlanks()
      guard let (binary, length) = binaryOperator(cursor), binary.rank > rank else { return left }
      let start = cursor.position
      cursor.position += length
      let right = try expression(&cursor, above: binary.rank, depth: depth + 1)
      left = try combine(binary, left, right, cursor.location(start, start + length))
    }
  }

  private func binaryOperator(_ cursor: Cursor) -> (BinaryOperator, Int)? {
    let next = cursor.next
    let equals = UInt8(ascii: "=")
    switch cursor.byte {
    case UInt8(ascii: "+"): return (.add, 1)
    case UInt8(ascii: "-"): return (.subtract, 1)
    case UInt8(ascii: "*"): return (.multiply, 1)
    case UInt8(ascii: "/"): return next == UInt8(ascii: "/") ? nil : (.divide, 1)
    case UInt8(ascii: "%"): return (.remainder, 1)
    case UInt8(ascii: "|"): return next == UInt8(ascii: "|") ? (.logicalOr, 2) : (.or, 1)
    case UInt8(ascii: "&"): return next == UInt8(ascii: "&") ? (.logicalAnd, 2) : (.and, 1)
    case UInt8(ascii: "^"): return (.exclusiveOr, 1)
    case UInt8(ascii: "!"):
      // GNU as takes !! for exclusive or.
      if next == UInt8(ascii: "!") { return (.exclusiveOr, 2) }
      return next == equals ? (.notEqual, 2) : (.orNot, 1)
    case equals: return next == equals ? (.equal, 2) : nil
    case UInt8(ascii: "<"):
      if next == UInt8(ascii: "<") { return (.shiftLeft, 2) }
      if next == UInt8(ascii: ">") { return (.notEqual, 2) }
      return next == equals ? (.lessOrEqual, 2) : (.less, 1)
    case UInt8(ascii: ">"):
      if next == UInt8(ascii: ">") { return (.shiftRight, 2) }
      return next == equals ? (.greaterOrEqual, 2) : (.greater, 1)
    default: return nil
    }
  }

  private func operand(_ cursor: inout Cursor, depth: Int) throws(SourceError) -> Expression {
    cursor.skipBlanks()
    if depth > limits.expressionDepth {
      throw SourceError(
        "expression nested more than \(limits.expressionDepth) deep (limit)", cursor.here)
    }
    let byte = cursor.byte
    if isDigit(byte) { return try numberOrLabel(&cursor) }
    if isIdentifierStart(byte) {
      let range = cursor.identifier()!
      if range.count == 1, byte == UInt8(ascii: ".") { return here() }
      return reference(
        symbol(cursor.bytes(range)), cursor.location(range.lowerBound, range.upperBound))
    }
    let start = cursor.position
    switch byte {
    case UInt8(ascii: "("):
      cursor.position += 1
      let inner = try expression(&cursor, above: 0, depth: depth + 1)
      guard cursor.accept(")") else {
        throw SourceError(
          "parenthesis is not closed", cursor.location(start, start + 1),
          help:
            "expected ')' before \(cursor.isAtStatementEnd ? "the end of the line" : "'\(cursor.text(cursor.position, cursor.position + 1))'")"
        )
      }
      return inner
    case UInt8(ascii: "-"):
      cursor.position += 1
      return try apply(.negate, operand(&cursor, depth: depth + 1))
    case UInt8(ascii: "~"):
      cursor.position += 1
      return try apply(.complement, operand(&cursor, depth: depth + 1))
    case UInt8(ascii: "!"):
      cursor.position += 1
      return try apply(.not, operand(&cursor, depth: depth + 1))
    case UInt8(ascii: "+"):
      cursor.position += 1
      return try operand(&cursor, depth: depth + 1)
    case UInt8(ascii: "'"): return Expression(Int64(try characterLiteral(&cursor)))
    case UInt8(ascii: "%"):
      cursor.position += 1
      let word = cursor.identifier().map { cursor.text($0.lowerBound, $0.upperBound) } ?? ""
      throw SourceError(
        "%\(word) is not possible here", cursor.location(start, cursor.position),
        help:
          "%hi and %pcrel_hi go with lui and auipc, %lo and %pcrel_lo with addi, loads, stores and jalr"
      )
    default: throw unexpected(cursor, "a value")
    }
  }

  private func numberOrLabel(_ cursor: inout Cursor) throws(SourceError) -> Expression {
    let start = cursor.position
    var radix: UInt64 = 10
    if cursor.byte == 48 {
      let next = cursor.next | 32
      let after = cursor.position + 2 < cursor.count ? cursor.base[cursor.position + 2] : 0
      if next == UInt8(ascii: "x") {
        radix = 16
        cursor.position += 2
      } else if next == UInt8(ascii: "b"), after == 48 || after == 49 {
        radix = 2
        cursor.position += 2
      } else if isDigit(next) {
        radix = 8
      }
    }
    let digits = cursor.position
    var value: UInt64 = 0
    var isTooLarge = false
    while UInt64(digitValue(cursor.byte)) < radix {
      let (product, overflow1) = value.multipliedReportingOverflow(by: radix)
      let (sum, overflow2) = product.addingReportingOverflow(UInt64(digitValue(cursor.byte)))
      if overflow1 || overflow2 { isTooLarge = true }
      value = sum
      cursor.position += 1
    }
    if radix == 10 || cursor.position == start + 1 {
      let suffix = cursor.byte
      if suffix == UInt8(ascii: "f") || suffix == UInt8(ascii: "b"), !isIdentifierPart(cursor.next)
      {
        cursor.position += 1
        return try numericReference(
          Int64(clamping: value), isForward: suffix == UInt8(ascii: "f"),
          cursor.location(start, cursor.position))
      }
    }
    if isIdentifierPart(cursor.byte) || cursor.position == digits {
      while isIdentifierPart(cursor.byte) { cursor.position += 1 }
      throw SourceError(
        "'\(cursor.text(start, cursor.position))' is no number",
        cursor.location(start, cursor.position),
        help: radix == 8 ? "a leading 0 means octal" : nil)
    }
    if isTooLarge {
      throw SourceError("number does not fit 64 bits", cursor.location(start, cursor.position))
    }
    return Expression(Int64(bitPattern: value))
  }

  /// 'c or 'c', with the escapes of strings.
  private func characterLiteral(_ cursor: inout Cursor) throws(SourceError) -> UInt8 {
    let start = cursor.position
    cursor.position += 1
    if cursor.byte == 10 || cursor.position >= cursor.count {
      throw SourceError("character literal is empty", cursor.location(start, start + 1))
    }
    var value = cursor.byte
    cursor.position += 1
    if value == UInt8(ascii: "\\") { value = try escape(&cursor) }
    if cursor.byte == UInt8(ascii: "'") { cursor.position += 1 }
    return value
  }

  /// The character an escape means; the cursor stands behind the backslash.
  func escape(_ cursor: inout Cursor) throws(SourceError) -> UInt8 {
    let start = cursor.position - 1
    let byte = cursor.byte
    cursor.position += 1
    switch byte {
    case UInt8(ascii: "n"): return 10
    case UInt8(ascii: "t"): return 9
    case UInt8(ascii: "r"): return 13
    case UInt8(ascii: "b"): return 8
    case UInt8(ascii: "f"): return 12
    case UInt8(ascii: "v"): return 11
    case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): return byte
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      var value = UInt64(byte - 48)
      var count = 1
      while count < 3, cursor.byte >= 48, cursor.byte < 56 {
        value = value * 8 + UInt64(cursor.byte - 48)
        cursor.position += 1
        count += 1
      }
      return UInt8(truncatingIfNeeded: value)
    case UInt8(ascii: "x"), UInt8(ascii: "X"):
      var value: UInt64 = 0
      let digits = cursor.position
      while digitValue(cursor.byte) < 16 {
        value = value << 4 | UInt64(digitValue(cursor.byte))
        cursor.position += 1
      }
      if cursor.position == digits {
        throw SourceError("\\x needs hexadecimal digits", cursor.location(start, cursor.position))
      }
      return UInt8(truncatingIfNeeded: value)
    default:
      if byte == 10 { cursor.position -= 1 }
      throw SourceError(
        "unknown escape '\\\(byte == 10 ? "" : cursor.text(start + 1, start + 2))'",
        cursor.location(start, start + 2),
        help: #"known are \n \t \r \b \f \v \\ \" \' \ooo \xhh"#)
    }
  }

  /// A string with its escapes replaced.
  func stringLiteral(_ cursor: inout Cursor) throws(SourceError) -> [UInt8] {
    cursor.skipBlanks()
    let start = cursor.position
    guard cursor.byte == UInt8(ascii: "\"") else { throw unexpected(cursor, "a string in quotes") }
    cursor.position += 1
    var bytes: [UInt8] = []
    while cursor.byte != UInt8(ascii: "\"") {
      if cursor.byte == 10 || cursor.position >= cursor.count {
        throw SourceError(
          "string is not closed", cursor.location(start, start + 1), help: "end it with \"")
      }
      let byte = cursor.byte
      cursor.position += 1
      bytes.append(byte == UInt8(ascii: "\\") ? try escape(&cursor) : byte)
    }
    cursor.position += 1
    return bytes
  }

  /// The characters between quotes, as written.
  func rawString(_ cursor: inout Cursor) throws(SourceError) -> UnsafeBufferPointer<UInt8> {
    let start = cursor.position
    cursor.position += 1
    while cursor.byte != UInt8(ascii: "\"") {
      if cursor.byte == 10 || cursor.position >= cursor.count {
        throw SourceError(
          "string is not closed", cursor.location(start, start + 1), help: "end it with \"")
      }
      cursor.position += cursor.byte == UInt8(ascii: "\\") && cursor.next != 10 ? 2 : 1
    }
    cursor.position += 1
    return cursor.bytes(start + 1..<cursor.position - 1)
  }

  // MARK: Building

  // The expression `.`
  func here() -> Expression {
    node(.position(current.end), weight: 1)
  }

  private func node(_ kind: ExpressionNode.Kind, weight: Int32) -> Expression {
    nodes.append(ExpressionNode(kind: kind, weight: weight))
    return Expression(term: Int32(nodes.count - 1))
  }

  func reference(_ symbol: Int, _ location: Location) -> Expression {
    if symbols[symbol].useCount == 0 { symbols[symbol].firstUse = location }
    symbols[symbol].useCount &+= 1
    // A value set so far is taken now: it may be set anew later.
    if symbols[symbol].state == .value,
      symbols[symbol].isRedefinable || symbols[symbol].expression.isConstant
    {
      return symbols[symbol].expression
    }
    if symbols[symbol].node < 0 {
      symbols[symbol].node = node(.symbol(Int32(symbol)), weight: 1).term
    }
    return Expression(term: symbols[symbol].node)
  }

  private func weight(_ expression: Expression) -> Int32 {
    expression.term < 0 ? 0 : nodes[Int(expression.term)].weight
  }

  private func apply(_ unary: UnaryOperator, _ value: Expression) throws(SourceError) -> Expression
  {
    if value.isConstant { return Expression(unary.apply(value.constant)) }
    return node(.unary(unary, value), weight: weight(value) + 1)
  }

  private func combine(
    _ binary: BinaryOperator, _ left: Expression, _ right: Expression, _ location: Location
  ) throws(SourceError) -> Expression {
    if left.isConstant, right.isConstant {
      guard let value = binary.apply(left.constant, right.constant) else {
        throw SourceError("division by zero", location)
      }
      return Expression(value)
    }
    if binary == .add, left.isConstant || right.isConstant {
      return Expression(
        term: max(left.term, right.term), constant: left.constant &+ right.constant)
    }
    if binary == .subtract {
      if right.isConstant {
        return Expression(term: left.term, constant: left.constant &- right.constant)
      }
      if left.term == right.term { return Expression(left.constant &- right.constant) }
      if let a = evaluate(left), let b = evaluate(right), a.section >= 0, a.section == b.section,
        a.points == b.points
      {
        return Expression(a.number &- b.number)
      }
    }
    let total = weight(left) + weight(right) + 1
    if total > 10_000 {
      throw SourceError("the expression is too large (limit: 10000 parts)", location)
    }
    return node(.binary(binary, left, right), weight: total)
  }

  // MARK: Evaluating

  /// The value now, as far as the phase knows it; nil: see `failure`.
  func evaluate(_ expression: Expression, depth: Int = 0) -> Value? {
    if expression.isConstant { return Value(number: expression.constant) }
    if depth > 300 {
      failure = .tooDeep
      return nil
    }
    guard var value = evaluate(nodes[Int(expression.term)].kind, depth: depth) else { return nil }
    value.number &+= expression.constant
    return value
  }

  private func evaluate(_ kind: ExpressionNode.Kind, depth: Int) -> Value? {
    switch kind {
    case .position(let position): return value(of: position)
    case .symbol(let symbol): return value(ofSymbol: Int(symbol), depth: depth)
    case .unary(let unary, let inner):
      guard let value = evaluate(inner, depth: depth + 1) else { return nil }
      guard value.section < 0 else {
        failure = .notConstant
        return nil
      }
      return Value(number: unary.apply(value.number))
    case .binary(let binary, let left, let right):
      guard let left = evaluate(left, depth: depth + 1),
        let right = evaluate(right, depth: depth + 1)
      else { return nil }
      return apply(binary, left, right)
    }
  }

  private func apply(_ binary: BinaryOperator, _ left: Value, _ right: Value) -> Value? {
    failure = .notConstant
    if left.section < 0, right.section < 0 {
      guard let number = binary.apply(left.number, right.number) else {
        failure = .divisionByZero
        return nil
      }
      return Value(number: number)
    }
    if binary == .add, left.section < 0 || right.section < 0 {
      var sum = left.section < 0 ? right : left
      sum.number = left.number &+ right.number
      return sum
    }
    if binary == .subtract, right.section < 0 {
      var difference = left
      difference.number &-= right.number
      return difference
    }
    guard left.section >= 0, right.section >= 0 else { return nil }
    let isComparison = binary.rank == BinaryOperator.equal.rank
    guard binary == .subtract || isComparison else { return nil }
    if left.section == right.section ? left.points != right.points : phase != .final { return nil }
    return binary.apply(left.number, right.number).map { Value(number: $0) }
  }

  func value(of position: Position) -> Value? {
    if position.section < 0 {
      // A symbol of the linker's: known once everything has its place.
      if phase == .final { return Value(number: position.offset, section: 0) }
      failure = .notConstant
      return nil
    }
    let section = sections[Int(position.section)]
    switch phase {
    case .parsing:
      return Value(number: position.offset, section: position.section, points: position.points)
    case .relaxing: return Value(number: section.offset(position), section: position.section)
    case .final:
      return Value(number: section.address &+ section.offset(position), section: position.section)
    }
  }

  private func value(ofSymbol symbol: Int, depth: Int) -> Value? {
    switch symbols[symbol].state {
    case .label: return value(of: symbols[symbol].position)
    case .poisoned:
      failure = .poisoned
      return nil
    case .undefined, .common:
      if phase == .final, symbols[symbol].binding == 2 { return Value(number: 0) }
      failure = .undefined(symbol: symbol)
      return nil
    case .value:
      if symbols[symbol].memoRound == memoRound, phase != .parsing { return symbols[symbol].memo }
      if symbols[symbol].isBeingEvaluated {
        failure = .circular(symbol: symbol)
        return nil
      }
      symbols[symbol].isBeingEvaluated = true
      defer { symbols[symbol].isBeingEvaluated = false }
      // Chains of definitions cost a whole expression each.
      guard let value = evaluate(symbols[symbol].expression, depth: depth + 10) else { return nil }
      symbols[symbol].memo = value
      symbols[symbol].memoRound = memoRound
      return value
    }
  }
}
