// The LZ4 block format ("LZ4 Block Format Description", Yann Collet): a run of sequences, each a token,
// literals, and a match that repeats earlier output.
//
//     token     1 byte: literals in bits 7:4, match length - 4 in bits 3:0; 15 means "and more"
//     more      bytes of 255 and a last one below, added up
//     literals  copied as they are
//     offset    2 bytes, low first: how far back the match begins, 1 at least
//     more      as above, for the match
//
// The last sequence is literals only. Its 5 bytes at least are never part of a match, and no match
// begins in the last 12 bytes.

/// Writes the LZ4 block format: greedy, one candidate for each hash of four bytes.
struct LZ4Encoder: ~Copyable {
  /// Where four bytes of each hash were last seen.
  private let table: UnsafeMutablePointer<UInt16>

  private static var hashBits: UInt32 { 11 }
  private static var tableBytes: Int { 2 << Int(hashBits) }
  /// Matches are this long at least.
  private static var shortestMatch: Int { 4 }
  /// A match ends this far before the end of the input at least.
  private static var lastLiterals: Int { 5 }
  /// A match begins this far before the end of the input at least.
  private static var lastStart: Int { 12 }
  /// After 2^this misses in a row the search takes longer steps.
  private static var skipShift: Int { 6 }
  /// The longest input: positions are 16 bits, and no offset can be out of reach.
  static var longestInput: Int { 1 << 16 }

  init() { table = .allocate(capacity: 1 << Int(Self.hashBits)) }

  deinit { table.deallocate() }

  /// Compresses `count` bytes.
  ///
  /// - Returns: the bytes written; nil if they would be more than `capacity`.
  func encode(
    _ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutableRawPointer, _ capacity: Int
  ) -> Int? {
    precondition(count <= Self.longestInput, "a block of \(count) bytes is too long")
    var output = Output(target, capacity)
    var anchor = 0
    if count > Self.lastStart {
      UnsafeMutableRawPointer(table).initializeMemory(
        as: UInt8.self, repeating: 0, count: Self.tableBytes)
      let limit = count &- Self.lastStart
      let matchEnd = count &- Self.lastLiterals
      var at = 1  // an empty entry of the table is position 0
      while at <= limit {
        var effort = 1 &<< Self.skipShift
        var candidate = 0
        while true {
          let four = Self.word(source, at)
          let slot = Int((four &* 2_654_435_761) &>> (32 &- Self.hashBits))
          candidate = Int(table[slot])
          table[slot] = UInt16(truncatingIfNeeded: at)
          if Self.word(source, candidate) == four { break }
          at &+= effort &>> Self.skipShift
          effort &+= 1
          if at > limit { return output.finish(source, anchor, count) }
        }
        while at > anchor && candidate > 0
          && Self.byte(source, at &- 1) == Self.byte(source, candidate &- 1)
        {
          at &-= 1
          candidate &-= 1
        }
        let length =
          Self.shortestMatch
          &+ Self.common(
            source, at &+ Self.shortestMatch, candidate &+ Self.shortestMatch, matchEnd)
        let literals = at &- anchor
        guard
          output.put(
            source, anchor, literals, count, offset: at &- candidate,
            length &- Self.shortestMatch)
        else { return nil }
        at &+= length
        anchor = at
        if at <= limit {
          let inside = at &- 2
          let slot = Int(
            (Self.word(source, inside) &* 2_654_435_761) &>> (32 &- Self.hashBits))
          table[slot] = UInt16(truncatingIfNeeded: inside)
        }
      }
    }
    return output.finish(source, anchor, count)
  }

  @inline(__always)
  private static func word(_ source: UnsafeRawPointer, _ at: Int) -> UInt32 {
    source.loadUnaligned(fromByteOffset: at, as: UInt32.self)
  }

  @inline(__always)
  private static func byte(_ source: UnsafeRawPointer, _ at: Int) -> UInt8 {
    source.load(fromByteOffset: at, as: UInt8.self)
  }

  /// How many bytes from `a` and from `b`, which comes before it, agree before `end`.
  @inline(__always)
  private static func common(_ source: UnsafeRawPointer, _ a: Int, _ b: Int, _ end: Int) -> Int {
    var length = 0
    while a &+ length &+ 8 <= end {
      let difference =
        source.loadUnaligned(fromByteOffset: a &+ length, as: UInt64.self).littleEndian
        ^ source.loadUnaligned(fromByteOffset: b &+ length, as: UInt64.self).littleEndian
      if difference != 0 { return length &+ difference.trailingZeroBitCount / 8 }
      length &+= 8
    }
    while a &+ length < end && byte(source, a &+ length) == byte(source, b &+ length) {
      length &+= 1
    }
    return length
  }

  /// Where the compressed bytes go, never beyond the capacity.
  private struct Output {
    let target: UnsafeMutableRawPointer
    let capacity: Int
    var used = 0

    @inline(__always)
    init(_ target: UnsafeMutableRawPointer, _ capacity: Int) {
      self.target = target
      self.capacity = capacity
    }

    /// Writes a sequence with a match, `extra` bytes longer than the shortest; false if there is no
    /// room.
    @inline(__always)
    mutating func put(
      _ source: UnsafeRawPointer, _ anchor: Int, _ literals: Int, _ count: Int, offset: Int,
      _ extra: Int
    ) -> Bool {
      // The token, the offset, and a byte for each "more".
      let needed = 5 &+ literals &+ literals / 255 &+ extra / 255
      if used &+ needed > capacity { return false }
      putLiterals(source, anchor, literals, count, low: min(extra, 15))
      target.storeBytes(
        of: UInt16(truncatingIfNeeded: offset).littleEndian, toByteOffset: used, as: UInt16.self)
      used &+= 2
      if extra >= 15 { putMore(extra &- 15) }
      return true
    }

    /// Writes what is left as literals.
    ///
    /// - Returns: the bytes written in all; nil if there is no room.
    mutating func finish(_ source: UnsafeRawPointer, _ anchor: Int, _ count: Int) -> Int? {
      let literals = count &- anchor
      let needed = literals < 15 ? 1 + literals : 2 + literals + (literals - 15) / 255
      if used + needed > capacity { return nil }
      putLiterals(source, anchor, literals, count, low: 0)
      return used
    }

    @inline(__always)
    private mutating func putLiterals(
      _ source: UnsafeRawPointer, _ anchor: Int, _ literals: Int, _ count: Int, low: Int
    ) {
      let token = UInt8(truncatingIfNeeded: min(literals, 15) &<< 4 | low)
      target.storeBytes(of: token, toByteOffset: used, as: UInt8.self)
      used &+= 1
      if literals >= 15 { putMore(literals &- 15) }
      if literals <= 16 && anchor &+ 16 <= count && used &+ 16 <= capacity {
        copySixteen(source + anchor, target + used)
      } else {
        (target + used).copyMemory(from: source + anchor, byteCount: literals)
      }
      used &+= literals
    }

    @inline(__always)
    private mutating func putMore(_ value: Int) {
      var rest = value
      while rest >= 255 {
        target.storeBytes(of: 255, toByteOffset: used, as: UInt8.self)
        used &+= 1
        rest &-= 255
      }
      target.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: used, as: UInt8.self)
      used &+= 1
    }
  }
}

/// Copies 16 bytes, all read before any is written.
@inline(__always)
func copySixteen(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
  let low = source.loadUnaligned(as: UInt64.self)
  let high = source.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
  target.storeBytes(of: low, as: UInt64.self)
  target.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
}
