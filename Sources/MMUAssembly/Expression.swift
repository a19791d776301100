/// `term + constant`, where the term (a node of the unit's pool) is absent in a plain number.
struct Expression: Equatable {
  var term: Int32 = -1
  var constant: Int64 = 0

  init(_ constant: Int64) { self.constant = constant }
  init(term: Int32, constant: Int64 = 0) {
    self.term = term
    self.constant = constant
  }

  var isConstant: Bool { term < 0 }
}

/// Operators with their ranks as GNU as has them: not C's.
enum BinaryOperator: UInt8 {
  case multiply, divide, remainder, shiftLeft, shiftRight
  case or, orNot, exclusiveOr, and
  case add, subtract
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
  case logicalAnd, logicalOr

  var rank: Int {
    switch self {
    case .multiply, .divide, .remainder, .shiftLeft, .shiftRight: 8
    case .or, .orNot, .exclusiveOr, .and: 7
    case .add, .subtract: 5
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: 4
    case .logicalAnd: 3
    case .logicalOr: 2
    }
  }

  /// The operation on numbers; nil: division by zero.
  ///
  /// Comparisons answer -1 for true, logical operators 1; shifts are unsigned; all as GNU as does.
  func apply(_ left: Int64, _ right: Int64) -> Int64? {
    func truth(_ value: Bool) -> Int64 { value ? -1 : 0 }
    switch self {
    case .multiply: return left &* right
    case .divide: return right == 0 ? nil : left.dividedReportingOverflow(by: right).partialValue
    case .remainder:
      return right == 0 ? nil : left.remainderReportingOverflow(dividingBy: right).partialValue
    case .shiftLeft: return right < 0 || right > 63 ? 0 : left << right
    case .shiftRight:
      return right < 0 || right > 63 ? 0 : Int64(bitPattern: UInt64(bitPattern: left) >> right)
    case .or: return left | right
    case .orNot: return left | ~right
    case .exclusiveOr: return left ^ right
    case .and: return left & right
    case .add: return left &+ right
    case .subtract: return left &- right
    case .equal: return truth(left == right)
    case .notEqual: return truth(left != right)
    case .less: return truth(left < right)
    case .lessOrEqual: return truth(left <= right)
    case .greater: return truth(left > right)
    case .greaterOrEqual: return truth(left >= right)
    case .logicalAnd: return left != 0 && right != 0 ? 1 : 0
    case .logicalOr: return left != 0 || right != 0 ? 1 : 0
    }
  }
}

enum UnaryOperator: UInt8 {
  case negate, complement, not

  func apply(_ value: Int64) -> Int64 {
    switch self {
    case .negate: 0 &- value
    case .complement: ~value
    case .not: value == 0 ? 1 : 0
    }
  }
}

/// A place in a section whose final address depends on what stands before it.
struct Position: Equatable {
  var section: Int32
  /// How many variable points of the section precede it.
  var points: Int32
  /// Bytes from the section's start, not counting what the points add.
  var offset: Int64
}

struct ExpressionNode {
  enum Kind {
    case symbol(Int32)
    case position(Position)
    case unary(UnaryOperator, Expression)
    case binary(BinaryOperator, Expression, Expression)
  }

  var kind: Kind
  /// Nodes in the tree below, so that neither depth nor work can run away.
  var weight: Int32
}

/// What an expression is worth: a number, or an address in a section.
struct Value {
  var number: Int64
  /// -1: absolute.
  var section: Int32 = -1
  /// While parsing: the points that precede the address, not yet in `number`.
  var points: Int32 = 0
}

/// Why an expression has no value (yet).
enum EvaluationFailure {
  case none
  case undefined(symbol: Int)
  /// Addresses where only numbers make sense, or addresses not laid out yet.
  case notConstant
  case circular(symbol: Int)
  case tooDeep
  case divisionByZero
  /// Already reported.
  case poisoned
}
