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
}
