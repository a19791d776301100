/// A section of the source: bytes, and points between them whose size is known only at layout.
final class Section {
  let index: Int
  let name: String
  var type: UInt32
  var flags: UInt64
  var entrySize: UInt64 = 0
  var alignment: Int64
  /// Empty for a section without contents (`.bss`).
  var bytes: [UInt8] = []
  /// Bytes so far, not counting what the points add.
  var size: Int64 = 0
  var points: [VariablePoint] = []
  // At `i`: what the points before number `i` add. Filled by layout.
  var added: [Int64] = []
  /// Filled by layout.
  var address: Int64 = 0
  /// Index of the output section; -1: dropped because empty.
  var output = -1
  var hasWarnedOfAlignment = false

  static let write: UInt64 = 1
  static let allocate: UInt64 = 2
  static let execute: UInt64 = 4

  init(index: Int, name: String, type: UInt32, flags: UInt64) {
    self.index = index
    self.name = name
    self.type = type
    self.flags = flags
    alignment = flags & Self.execute != 0 ? 4 : 1
  }

  var isNoBits: Bool { type == 8 }
  var isCode: Bool { flags & Self.execute != 0 }
  var isAllocated: Bool { flags & Self.allocate != 0 }
  var totalSize: Int64 { size + (added.last ?? 0) }

  var end: Position {
    Position(section: Int32(index), points: Int32(points.count), offset: size)
  }

  /// The offset from the section's start, once layout has filled `added`.
  func offset(_ position: Position) -> Int64 {
    position.offset + (added.isEmpty ? 0 : added[Int(position.points)])
  }

  func append(word: UInt32) {
    bytes.append(UInt8(truncatingIfNeeded: word))
    bytes.append(UInt8(truncatingIfNeeded: word >> 8))
    bytes.append(UInt8(truncatingIfNeeded: word >> 16))
    bytes.append(UInt8(truncatingIfNeeded: word >> 24))
    size += 4
  }

  func append(_ value: Int64, size count: Int) {
    for index in 0..<count {
      bytes.append(UInt8(truncatingIfNeeded: value >> Int64(min(63, index * 8))))
    }
    size += Int64(count)
  }
}

/// Something between the bytes of a section that takes a size found at layout.
struct VariablePoint {
  enum Kind {
    /// A conditional branch whose word stands at the point; grows by four: inverted, over a jump.
    case branch(word: UInt32)
    /// Padding; `fill` nil: zeros, or nops in code. Nothing if it would take more than `most`.
    case align(to: Int64, fill: UInt8?, most: Int64)
    /// `.space` of a size not known at once.
    case space(fill: UInt8)
    /// `.org`.
    case origin(fill: UInt8)
    case unsignedLEB, signedLEB
  }

  var kind: Kind
  /// Where in the section's bytes; for a branch, of its word.
  var offset: Int64
  var expression: Expression
  var location: Location
  /// The bytes it adds.
  var extra: Int64 = 0
}

/// A field to fill in once addresses are known.
struct Fixup {
  enum Kind: UInt8 {
    case data1, data2, data4, data8
    /// lui with %hi.
    case upper
    /// addi, loads (I) and stores (S) with %lo.
    case lowI, lowS
    /// auipc with %pcrel_hi.
    case relativeUpper
    /// I or S with %pcrel_lo of an auipc's label.
    case relativeLowI, relativeLowS
    /// auipc with the I or S instruction that follows it: la, call, loads and stores of symbols.
    case pairI, pairS
    case jump
    /// A 12-bit number that was not known at once.
    case immediateI, immediateS
    /// The 20-bit number of lui or auipc.
    case immediateUpper
  }

  var kind: Kind
  var position: Position
  var expression: Expression
  var location: Location
}
