/// Reads the LZ4 block format, from anybody: what is no such block is refused, and no byte outside
/// the two buffers is touched.
enum LZ4Decoder {
  /// Decompresses `count` bytes.
  ///
  /// - Returns: the bytes written; nil if the input is no complete block or makes more than
  ///   `capacity`. The target's content is then undefined.
  static func decode(
    _ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutableRawPointer, _ capacity: Int
  ) -> Int? {
    var at = 0
    var made = 0
    while at < count {
      let token = Int(source.load(fromByteOffset: at, as: UInt8.self))
      at &+= 1
      var literals = token &>> 4
      if literals == 15, !more(source, count, &at, &literals) { return nil }
      if literals <= 16 && at &+ 16 <= count && made &+ 16 <= capacity {
        copySixteen(source + at, target + made)
      } else {
        if literals > count &- at || literals > capacity &- made { return nil }
        (target + made).copyMemory(from: source + at, byteCount: literals)
      }
      at &+= literals
      made &+= literals
      // Only the last sequence has no match.
      if at == count { return made }
      if at &+ 2 > count { return nil }
      let offset = Int(
        source.loadUnaligned(fromByteOffset: at, as: UInt16.self).littleEndian)
      at &+= 2
      if offset == 0 || offset > made { return nil }
      var length = token & 15
      if length == 15, !more(source, count, &at, &length) { return nil }
      length &+= 4
      if length > capacity &- made { return nil }
      repeatBytes(target + made, offset, length, room: capacity &- made)
      made &+= length
    }
    return nil
  }

  /// Adds the bytes that continue a length.
  ///
  /// - Returns: whether they end before the input does; a length cannot overflow, for each byte of
  ///   input adds 255 at most.
  @inline(__always)
  private static func more(
    _ source: UnsafeRawPointer, _ count: Int, _ at: inout Int, _ length: inout Int
  ) -> Bool {
    while at < count {
      let byte = Int(source.load(fromByteOffset: at, as: UInt8.self))
      at &+= 1
      length &+= byte
      if byte != 255 { return true }
    }
    return false
  }

  /// Writes `length` bytes, each the one `offset` before it; up to `room` bytes may be overwritten.
  @inline(__always)
  private static func repeatBytes(
    _ target: UnsafeMutableRawPointer, _ offset: Int, _ length: Int, room: Int
  ) {
    if length &+ 16 > room {
      for i in 0..<length { copyByte(target, i, offset) }
    } else if offset >= 16 {
      var i = 0
      repeat {
        copySixteen(UnsafeRawPointer(target) + (i &- offset), target + i)
        i &+= 16
      } while i < length
    } else {
      // After eight single bytes the pattern also repeats at a multiple of `offset` of 8 or more.
      for i in 0..<8 { copyByte(target, i, offset) }
      let distance = (7 &+ offset) / offset &* offset
      var i = 8
      while i < length {
        let word = UnsafeRawPointer(target).loadUnaligned(
          fromByteOffset: i &- distance, as: UInt64.self)
        target.storeBytes(of: word, toByteOffset: i, as: UInt64.self)
        i &+= 8
      }
    }
  }

  @inline(__always)
  private static func copyByte(_ target: UnsafeMutableRawPointer, _ i: Int, _ offset: Int) {
    target.storeBytes(
      of: target.load(fromByteOffset: i &- offset, as: UInt8.self), toByteOffset: i, as: UInt8.self)
  }
}
