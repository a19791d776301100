extension AssemblyUnit {
  /// 'c or 'c', with the escapes of strings.
  func characterLiteral(_ cursor: inout Cursor) throws(SourceError) -> UInt8 {
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
}
