/// Reads numbers from bytes that nobody vouches for: past the end it yields zeros and says `failed`.
struct ByteCursor {
  let bytes: ArraySlice<UInt8>
  var position: Int
  /// One past the last byte to be read.
  var end: Int
  private(set) var failed = false

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
    end = bytes.endIndex
  }

  var isAtEnd: Bool { failed || position >= end }
  var remaining: Int { failed ? 0 : end - position }

  mutating func fixed(_ size: Int) -> UInt64 {
    guard !failed, size <= end - position else {
      failed = true
      return 0
    }
    var result: UInt64 = 0
    for index in 0..<min(size, 8) { result |= UInt64(bytes[position + index]) << (index * 8) }
    position += size
    return result
  }

  mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: fixed(1)) }

  mutating func unsignedLEB() -> UInt64 {
    var (result, shift): (UInt64, UInt64) = (0, 0)
    while !failed {
      let next = byte()
      if shift < 64 { result |= UInt64(next & 0x7F) << shift }
      shift += 7
      if next & 0x80 == 0 { break }
    }
    return result
  }

  mutating func signedLEB() -> Int64 {
    var (result, shift): (Int64, Int64) = (0, 0)
    while !failed {
      let next = byte()
      if shift < 64 { result |= Int64(next & 0x7F) << shift }
      shift += 7
      if next & 0x80 == 0 {
        if next & 0x40 != 0, shift < 64 { result |= -1 << shift }
        break
      }
    }
    return result
  }

  /// A zero-terminated string; the zero is consumed.
  mutating func string() -> String {
    guard !failed, let zero = bytes[position..<end].firstIndex(of: 0) else {
      failed = true
      return ""
    }
    defer { position = zero + 1 }
    return String(decoding: bytes[position..<zero], as: UTF8.self)
  }

  mutating func skip(_ count: UInt64) {
    guard !failed, count <= UInt64(end - position) else {
      failed = true
      return
    }
    position += Int(count)
  }
}
