/// Why a text is no reference string.
public struct ReferenceError: Error, Hashable, Sendable {
  /// The line, from 1.
  public var line: Int
  /// The column, from 1, in characters.
  public var column: Int
  /// How many characters are concerned.
  public var length: Int
  /// The text of the line.
  public var sourceLine: String
  /// What is wrong.
  public var message: String
  /// How to write it.
  public var help: String?
}

extension ReferenceString {
  /// Reads the text form: page numbers, decimal or 0x hexadecimal, between spaces, commas or line
  /// ends; `12w` writes, `12*1000` is a thousand references, `@3` says that what follows is process 3's,
  /// and `#` begins a comment that ends with the line.
  ///
  /// - Throws: the first place that is none of this; a text without any reference.
  /// - Complexity: O(bytes).
  public init(parsing text: [UInt8]) throws(ReferenceError) {
    self.init()
    var failure: ReferenceError?
    text.withUnsafeBufferPointer { bytes in
      var scanner = ReferenceScanner(bytes)
      do throws(ReferenceError) { try scanner.read(into: &self) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}

/// Takes the text apart.
private struct ReferenceScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0
  private var process: UInt32 = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
  }

  /// The byte at hand; a zero at the end.
  private var byte: UInt8 { at < bytes.count ? bytes[at] : 0 }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte == UInt8(ascii: ",")
  }

  mutating func read(into string: inout ReferenceString) throws(ReferenceError) {
    string.reserve(bytes.count / 8)
    while at < bytes.count {
      let byte = bytes[at]
      if Self.isSeparator(byte) {
        at += 1
      } else if byte == UInt8(ascii: "#") {
        while at < bytes.count, bytes[at] != 0x0a { at += 1 }
      } else if byte == UInt8(ascii: "@") {
        try readProcess()
      } else {
        try readReference(into: &string)
      }
    }
    if string.count == 0 {
      throw error(at, at, "there is no reference in it", help: "write page numbers: 1 2 3w 0x10")
    }
  }

  private mutating func readProcess() throws(ReferenceError) {
    let start = at
    at += 1
    guard let number = try readNumber(start), let process = UInt32(exactly: number), ends else {
      throw error(start, tokenEnd(start), "'\(shown(start))' names no process", help: "write @3")
    }
    self.process = process
  }

  private mutating func readReference(
    into string: inout ReferenceString
  ) throws(ReferenceError) {
    let start = at
    if byte == UInt8(ascii: "0"), at + 1 < bytes.count, bytes[at + 1] | 0x20 == UInt8(ascii: "x") {
      string.isHexadecimal = true
    }
    guard let page = try readNumber(start) else { throw noReference(start) }
    if page >= PageName.limit {
      throw error(
        start, tokenEnd(start), "page \(shown(start)) is beyond 64-bit addresses",
        help: "page numbers are below 2^52: an address without its last 12 bits")
    }
    var isWrite = false
    if byte == UInt8(ascii: "w") {
      isWrite = true
      at += 1
    }
    var count = 1
    if byte == UInt8(ascii: "*") {
      at += 1
      guard let number = try readNumber(start), number > 0 else { throw noReference(start) }
      count = Int(clamping: number)
    }
    guard ends else { throw noReference(start) }
    guard count <= ReferenceString.limit - string.count else {
      throw error(
        start, tokenEnd(start), "more than \(ReferenceString.limit) references up to here")
    }
    string.append(PageName(page, process: process), isWrite: isWrite, count: count)
  }

  /// The token ends here.
  private var ends: Bool {
    at == bytes.count || Self.isSeparator(bytes[at]) || bytes[at] == UInt8(ascii: "#")
  }

  /// Reads digits, decimal or hexadecimal; nil if there is none.
  private mutating func readNumber(_ start: Int) throws(ReferenceError) -> UInt64? {
    var value: UInt64 = 0
    var base: UInt64 = 10
    if byte == UInt8(ascii: "0"), at + 1 < bytes.count, bytes[at + 1] | 0x20 == UInt8(ascii: "x") {
      base = 16
      at += 2
    }
    let first = at
    while at < bytes.count {
      var digit = UInt64(bytes[at] &- 0x30)
      if digit > 9 {
        let letter = UInt64((bytes[at] | 0x20) &- 0x61)
        if base == 10 || letter > 5 { break }
        digit = letter + 10
      }
      let (product, over) = value.multipliedReportingOverflow(by: base)
      let (sum, carry) = product.addingReportingOverflow(digit)
      if over || carry {
        throw error(start, tokenEnd(start), "a number in '\(shown(start))' does not fit 64 bits")
      }
      value = sum
      at += 1
    }
    return at > first ? value : nil
  }

  private func noReference(_ start: Int) -> ReferenceError {
    error(
      start, tokenEnd(start), "'\(shown(start))' is no page reference",
      help: "write 12 or 0xc for a read, 12w for a write, 12*1000 for a thousand of them")
  }

  private func tokenEnd(_ start: Int) -> Int {
    var end = start
    while end < bytes.count, !Self.isSeparator(bytes[end]), bytes[end] != UInt8(ascii: "#") {
      end += 1
    }
    return end
  }

  /// The token, as far as it can be shown.
  private func shown(_ start: Int) -> String {
    let token = bytes[start..<tokenEnd(start)]
    let text = String(decoding: token.prefix(24), as: UTF8.self).unicodeScalars.map {
      $0.value < 0x20 || $0.value == 0x7f
        ? "\\x" + String($0.value >> 4, radix: 16) + String($0.value & 15, radix: 16) : String($0)
    }
    return text.joined() + (token.count > 24 ? "..." : "")
  }

  private func error(
    _ start: Int, _ end: Int, _ message: String, help: String? = nil
  ) -> ReferenceError {
    let head = bytes[..<start]
    let lineStart = (head.lastIndex(of: 0x0a) ?? -1) + 1
    let rest = bytes[start...].prefix(200)
    let lineEnd = rest.firstIndex(of: 0x0a) ?? rest.endIndex
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    return ReferenceError(
      line: head.count { $0 == 0x0a } + 1, column: text(lineStart..<start).count + 1,
      length: max(1, text(start..<end).count), sourceLine: text(lineStart..<lineEnd),
      message: message, help: help)
  }
}

/// Writes references in the form that `ReferenceString(parsing:)` reads, runs of equal ones as one.
public struct ReferenceWriter {
  private var latest: (name: PageName, isWrite: Bool)?
  private var count = 0
  private var process: UInt32 = 0
  private var column = 0
  /// What has been written and not yet taken.
  private var text: [UInt8] = []
  private static let sixteen = Array("0123456789abcdef".utf8)

  /// Makes a writer that begins with a comment.
  public init(comment: String) {
    for line in comment.split(separator: "\n") { text += Array("# \(line)\n".utf8) }
  }

  /// Adds a reference.
  public mutating func append(_ name: PageName, isWrite: Bool) {
    if let latest, latest.name == name, latest.isWrite == isWrite {
      count += 1
      return
    }
    flush()
    latest = (name, isWrite)
    count = 1
  }

  /// Takes what has been written so far, all of it if no reference follows.
  public mutating func take(isLast: Bool) -> [UInt8] {
    if isLast {
      flush()
      latest = nil
      if column > 0 { text.append(0x0a) }
      column = 0
    }
    defer { text.removeAll(keepingCapacity: true) }
    return text
  }

  /// Number of bytes that `take` would return now.
  public var size: Int { text.count }

  /// Writes the latest run.
  private mutating func flush() {
    guard let latest else { return }
    if latest.name.process != process {
      process = latest.name.process
      if column > 0 { text.append(0x0a) }
      column = 0
      text += Array("@\(process)\n".utf8)
    }
    if column > 0 { text.append(column % 16 == 0 ? 0x0a : 0x20) }
    column += 1
    text += [UInt8(ascii: "0"), UInt8(ascii: "x")]
    var shift = 60
    while shift > 0, latest.name.page >> UInt64(shift) == 0 { shift -= 4 }
    while shift >= 0 {
      text.append(Self.sixteen[Int(latest.name.page >> UInt64(shift) & 15)])
      shift -= 4
    }
    if latest.isWrite { text.append(UInt8(ascii: "w")) }
    if count > 1 { text += Array("*\(count)".utf8) }
  }
}
