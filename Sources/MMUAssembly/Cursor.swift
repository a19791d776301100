/// Reads characters and the simplest tokens of one source text; copied freely.
struct Cursor {
  let base: UnsafeMutablePointer<UInt8>
  let source: Int
  var position: Int
  /// The end of the text.
  let count: Int
  /// Where a comment begins that ran into the end of the text.
  var openComment: Int?

  init(_ text: SourceText, source: Int, position: Int) {
    base = text.bytes
    count = text.count
    self.source = source
    self.position = position
  }

  @inline(__always) var byte: UInt8 { base[position] }
  @inline(__always) var next: UInt8 { position < count ? base[position + 1] : 0 }

  /// Whether the statement is over: newline, separator or line comment.
  var isAtStatementEnd: Bool {
    switch byte {
    case 10, UInt8(ascii: ";"), UInt8(ascii: "#"): return true
    case 0: return position >= count
    case UInt8(ascii: "/"): return next == UInt8(ascii: "/")
    default: return false
    }
  }

  func location(_ start: Int, _ end: Int) -> Location {
    Location(source: source, offset: start, length: max(1, end - start))
  }

  var here: Location { location(position, position + 1) }

  func text(_ start: Int, _ end: Int) -> String {
    String(
      decoding: UnsafeBufferPointer(start: base + start, count: max(0, end - start)), as: UTF8.self)
  }

  func bytes(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  /// Skips blanks and block comments, also across lines inside a comment.
  mutating func skipBlanks() {
    while true {
      switch byte {
      case 32, 9, 13, 12: position += 1
      case UInt8(ascii: "/"):
        guard next == UInt8(ascii: "*"), position < count else { return }
        skipBlockComment()
      default: return
      }
    }
  }

  private mutating func skipBlockComment() {
    let start = position
    position += 2
    while position < count {
      if byte == UInt8(ascii: "*"), next == UInt8(ascii: "/") {
        position = min(count, position + 2)
        return
      }
      position += 1
    }
    position = count
    openComment = start
  }

  /// Skips everything between statements.
  mutating func skipToStatement() {
    while position < count {
      skipBlanks()
      switch byte {
      case 10, UInt8(ascii: ";"):
        if position >= count { return }
        position += 1
      case UInt8(ascii: "#"): skipLine()
      case UInt8(ascii: "/") where next == UInt8(ascii: "/"): skipLine()
      default: return
      }
    }
  }

  /// Moves to the newline that ends this line.
  mutating func skipLine() {
    while position < count, byte != 10 { position += 1 }
  }

  /// Moves to the end of the statement, past strings and character literals.
  mutating func skipStatement() {
    while position < count, !isAtStatementEnd {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        while position < count, byte != 10, byte != UInt8(ascii: "\"") {
          position += byte == UInt8(ascii: "\\") && next != 10 ? 2 : 1
        }
        if position < count, byte != 10 { position += 1 }
      case UInt8(ascii: "'"): skipCharacter()
      case UInt8(ascii: "/"):
        let before = position
        skipBlanks()
        if position == before { position += 1 }
      default: position += 1
      }
    }
    position = min(position, count)
  }

  private mutating func skipCharacter() {
    position += 1
    if byte == 10 { return }
    if byte == UInt8(ascii: "\\"), next != 10 { position += 1 }
    position += 1
    if position < count, byte == UInt8(ascii: "'") { position += 1 }
    position = min(position, count)
  }

  /// An identifier here, or nil; moves past it.
  mutating func identifier() -> Range<Int>? {
    guard isIdentifierStart(byte) else { return nil }
    let start = position
    position += 1
    while isIdentifierPart(byte) { position += 1 }
    return start..<position
  }

  /// Moves past `character` if it is next, after blanks.
  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard byte == UInt8(ascii: character), position < count else { return false }
    position += 1
    return true
  }

  /// The text from here to the end of the statement without trailing blanks; moves there.
  mutating func restOfStatement() -> Range<Int> {
    skipBlanks()
    let start = position
    skipStatement()
    var end = position
    while end > start, base[end - 1] == 32 || base[end - 1] == 9 || base[end - 1] == 13 { end -= 1 }
    return start..<end
  }
}

@inline(__always) func isIdentifierStart(_ byte: UInt8) -> Bool {
  let lower = byte | 32
  return lower >= 97 && lower <= 122 || byte == 95 || byte == 46 || byte == 36 || byte >= 128
}

@inline(__always) func isIdentifierPart(_ byte: UInt8) -> Bool {
  isIdentifierStart(byte) || isDigit(byte)
}

@inline(__always) func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

/// The value of a digit in any base up to 36; 255 for other characters.
func digitValue(_ byte: UInt8) -> UInt8 {
  if isDigit(byte) { return byte - 48 }
  let lower = byte | 32
  return lower >= 97 && lower <= 122 ? lower - 87 : 255
}
