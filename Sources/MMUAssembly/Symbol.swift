/// A name with a meaning, or an anonymous label (`1:`).
struct Symbol {
  enum State: UInt8 {
    case undefined, label, value, common
    /// Its definition was wrong and has been reported; uses stay silent.
    case poisoned
  }

  /// Index in the name table; -1: anonymous.
  var name: Int32
  var state = State.undefined
  /// Defined by .set, =: may be defined again.
  var isRedefinable = false
  /// Named by .local: .comm leaves it so.
  var isDeclaredLocal = false
  /// STB_*.
  var binding: UInt8 = 0
  /// STT_*.
  var type: UInt8 = 0
  /// Written in the source, not made by us.
  var isFromSource = true
  var position = Position(section: -1, points: 0, offset: 0)
  /// The value, if `state` is `.value`.
  var expression = Expression(0)
  var size: Expression?
  var commonSize: Int64 = 0
  var commonAlignment: Int64 = 1
  /// Its node, once somebody refers to it.
  var node: Int32 = -1
  var definition = Location.none
  var firstUse = Location.none
  var useCount: Int32 = 0
  /// Evaluation: the round of `memo`, or being evaluated right now.
  var memoRound: Int32 = -1
  var isBeingEvaluated = false
  var memo = Value(number: 0)

  init(name: Int32) { self.name = name }
}
