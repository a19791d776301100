// A small JSON reader for vector files: bytes in, a tree out, the line of every value known. Written
// by hand because tens of thousands of small objects go through it, and so that an error can name
// its line.

/// A JSON value of a vector file.
package enum VectorValue: Hashable, Sendable {
  case null
  case boolean(Bool)
  /// A whole number that fits 64 bits; no vector has others.
  case number(UInt64)
  case string(String)
  case array([VectorValue])
  case object([VectorMember])
}

/// A name and its value, in the order of the file.
package struct VectorMember: Hashable, Sendable {
  package let name: String
  package let value: VectorValue
}

/// Vector input that is not what it should be.
public struct MalformedVectors: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file's name as given.
  public let name: String
  /// The line, from 1, where the trouble stands.
  public let line: Int
  /// What is wrong.
  public let message: String

  /// The error as `FILE:LINE: error: MESSAGE`.
  public var description: String { "\(name):\(line): error: \(message)" }
}

/// Why one value could not be read; the caller knows the file.
package struct VectorError: Error {
  package let message: String
  package init(_ message: String) { self.message = message }
}

/// Reads one JSON value after the other from a run of bytes.
package struct VectorScanner {
  private let bytes: [UInt8]
  private var at = 0
  /// The line that `at` stands in.
  package private(set) var line = 1
  /// The line on which the last value that `next` returned begins.
  package private(set) var valueLine = 1
  /// Arrays and objects may be nested this deep.
  private static let deepest = 64

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
  }

  /// The next value, or nil at the end of the input.
  package mutating func next() throws(VectorError) -> VectorValue? {
    skipSpace()
    if at == bytes.count { return nil }
    let begin = line
    let value = try value(depth: 0)
    valueLine = begin
    return value
  }

  private mutating func skipSpace() {
    while at < bytes.count {
      switch bytes[at] {
      case 0x20, 0x09, 0x0d: break
      case 0x0a: line += 1
      default: return
      }
      at += 1
    }
  }

  private mutating func value(depth: Int) throws(VectorError) -> VectorValue {
    if depth > Self.deepest { throw VectorError("nested deeper than \(Self.deepest) levels") }
    skipSpace()
    guard at < bytes.count else { throw VectorError("the input ends inside a value") }
    switch bytes[at] {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
    default: throw VectorError("\(shown(bytes[at])) cannot begin a JSON value")
    }
  }

  private func shown(_ byte: UInt8) -> String {
    byte > 0x20 && byte < 0x7f
      ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
  }

  private mutating func word(
    _ text: StaticString, _ value: VectorValue
  ) throws(VectorError) -> VectorValue {
    for i in 0..<text.utf8CodeUnitCount {
      guard at < bytes.count, bytes[at] == text.utf8Start[i] else {
        throw VectorError("expected \(text)")
      }
      at += 1
    }
    return value
  }

  private mutating func number() throws(VectorError) -> UInt64 {
    var result: UInt64 = 0
    while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 {
      let (product, over) = result.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[at] - 0x30))
      if over || carry { throw VectorError("a number does not fit 64 bits") }
      result = sum
      at += 1
    }
    if at < bytes.count, bytes[at] == 0x2e || bytes[at] | 0x20 == 0x65 {
      throw VectorError("vectors have whole numbers only")
    }
    return result
  }

  private mutating func string() throws(VectorError) -> String {
    at += 1
    let start = at
    while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"),
      bytes[at] >= 0x20
    {
      at += 1
    }
    if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
      defer { at += 1 }
      return String(decoding: bytes[start..<at], as: UTF8.self)
    }
    return try escapedString(Array(bytes[start..<at]))
  }

  /// The rest of a string that has an escape in it.
  private mutating func escapedString(_ head: [UInt8]) throws(VectorError) -> String {
    var text = head
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
      if byte < 0x20 { throw VectorError("a line or control character inside a string") }
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      guard at < bytes.count else { break }
      let escape = bytes[at]
      at += 1
      switch escape {
      case UInt8(ascii: "n"): text.append(0x0a)
      case UInt8(ascii: "t"): text.append(0x09)
      case UInt8(ascii: "r"): text.append(0x0d)
      case UInt8(ascii: "b"): text.append(0x08)
      case UInt8(ascii: "f"): text.append(0x0c)
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
      case UInt8(ascii: "u"): text.append(contentsOf: String(try scalar()).utf8)
      default: throw VectorError("unknown escape \\\(shown(escape)) in a string")
      }
    }
    throw VectorError("the input ends inside a string")
  }

  private mutating func scalar() throws(VectorError) -> Character {
    guard at + 4 <= bytes.count,
      let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16),
      let scalar = UnicodeScalar(code)
    else { throw VectorError("\\u needs four hexadecimal digits that name a character") }
    at += 4
    return Character(scalar)
  }

  private mutating func array(_ depth: Int) throws(VectorError) -> VectorValue {
    at += 1
    var elements: [VectorValue] = []
    if try closes(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      if try separates(UInt8(ascii: "]")) { return .array(elements) }
    }
  }

  private mutating func object(_ depth: Int) throws(VectorError) -> VectorValue {
    at += 1
    var members: [VectorMember] = []
    if try closes(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
        throw VectorError("expected a member's name in quotes")
      }
      let name = try string()
      skipSpace()
      guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else {
        throw VectorError("expected ':' after \"\(name)\"")
      }
      at += 1
      members.append(VectorMember(name: name, value: try value(depth: depth + 1)))
      if try separates(UInt8(ascii: "}")) { return .object(members) }
    }
  }

  /// Consumes `end` if it comes at once.
  private mutating func closes(_ end: UInt8) throws(VectorError) -> Bool {
    skipSpace()
    guard at < bytes.count else { throw VectorError("the input ends inside a value") }
    if bytes[at] == end {
      at += 1
      return true
    }
    return false
  }

  /// Consumes `end`, or a comma if more follows.
  private mutating func separates(_ end: UInt8) throws(VectorError) -> Bool {
    if try closes(end) { return true }
    guard bytes[at] == UInt8(ascii: ",") else {
      throw VectorError("expected ',' or '\(Character(UnicodeScalar(end)))'")
    }
    at += 1
    return false
  }
}

/// Typed access to the members of a vector, with errors that name what is missing.
extension VectorValue {
  /// The member called `name`, nil if there is none or this is no object.
  package func member(_ name: String) -> VectorValue? {
    guard case .object(let members) = self else { return nil }
    for member in members where member.name == name { return member.value }
    return nil
  }

  package func required(_ name: String) throws(VectorError) -> VectorValue {
    guard let value = member(name) else { throw VectorError("there is no \"\(name)\"") }
    return value
  }

  package func text(_ name: String) throws(VectorError) -> String {
    guard case .string(let text) = try required(name) else {
      throw VectorError("\"\(name)\" is not a string")
    }
    return text
  }

  package func elements(_ name: String) throws(VectorError) -> [VectorValue] {
    guard case .array(let elements) = try required(name) else {
      throw VectorError("\"\(name)\" is not an array")
    }
    return elements
  }

  /// A number, written as such or as a string like "0x1f".
  package func word(_ name: String) throws(VectorError) -> UInt64 {
    guard let value = try required(name).word else {
      throw VectorError("\"\(name)\" is not a 64-bit number")
    }
    return value
  }

  /// A number that must be 0 or 1.
  package func flag(_ name: String) throws(VectorError) -> Bool {
    switch try required(name) {
    case .number(0), .boolean(false): return false
    case .number(1), .boolean(true): return true
    default: throw VectorError("\"\(name)\" is neither 0 nor 1")
    }
  }

  /// The value as a 64-bit number, if it is one.
  package var word: UInt64? {
    switch self {
    case .number(let number): return number
    case .string(let text):
      guard text.hasPrefix("0x") else { return UInt64(text) }
      return UInt64(text.dropFirst(2), radix: 16)
    default: return nil
    }
  }
}
