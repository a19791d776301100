extension AssemblyUnit {
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
