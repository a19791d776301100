import Testing
import TestSupport

@testable import MMUCompression

/// The LZ4 block format as its description reads, byte by byte; nil if the block is none.
private func plainDecode(_ block: [UInt8], limit: Int) -> [UInt8]? {
  var rest = block[...]
  var out: [UInt8] = []
  func length(_ nibble: UInt8) -> Int? {
    var value = Int(nibble)
    if nibble < 15 { return value }
    while let byte = rest.popFirst() {
      value += Int(byte)
      if byte < 255 { return value }
    }
    return nil
  }
  while let token = rest.popFirst() {
    guard let literals = length(token >> 4), literals <= rest.count else { return nil }
    out += rest.prefix(literals)
    rest = rest.dropFirst(literals)
    if out.count > limit { return nil }
    if rest.isEmpty { return out }
    guard let low = rest.popFirst(), let high = rest.popFirst() else { return nil }
    let offset = Int(low) | Int(high) << 8
    guard offset > 0, offset <= out.count, let extra = length(token & 15) else { return nil }
    if out.count + extra + 4 > limit { return nil }
    for _ in 0..<extra + 4 { out.append(out[out.count - offset]) }
  }
  return nil
}

/// Decompresses between guard bytes; nil if refused.
///
/// Touched guards are recorded as an issue.
private func decode(_ block: [UInt8], capacity: Int) -> [UInt8]? {
  var target = [UInt8](repeating: 0xa5, count: capacity + 64)
  let made = block.withUnsafeBytes { source in
    target.withUnsafeMutableBytes { target in
      source.baseAddress.flatMap {
        LZ4Decoder.decode($0, source.count, into: target.baseAddress! + 32, capacity)
      }
    }
  }
  let guards = target.prefix(32) + target.suffix(32)
  if guards.contains(where: { $0 != 0xa5 }) { Issue.record("bytes outside the target changed") }
  return made.map { Array(target[32..<32 + $0]) }
}

private func encode(_ bytes: [UInt8], capacity: Int) -> [UInt8]? {
  let encoder = LZ4Encoder()
  var target = [UInt8](repeating: 0xa5, count: capacity + 32)
  let made = bytes.withUnsafeBytes { source in
    target.withUnsafeMutableBytes { target in
      encoder.encode(source.baseAddress!, source.count, into: target.baseAddress!, capacity)
    }
  }
  if target.suffix(32).contains(where: { $0 != 0xa5 }) {
    Issue.record("bytes beyond the capacity changed")
  }
  return made.map { Array(target.prefix($0)) }
}

/// What the description demands of a block's end: the last 5 bytes are literals, and no match begins
/// in the last 12.
private func endsProperly(_ block: [UInt8], count: Int) -> Bool {
  var (at, made, lastMatch) = (0, 0, 0)
  while at < block.count {
    let token = Int(block[at])
    at += 1
    func length(_ nibble: Int) -> Int {
      var value = nibble
      if nibble == 15 {
        repeat {
          value += Int(block[at])
          at += 1
        } while block[at - 1] == 255
      }
      return value
    }
    let literals = length(token >> 4)
    at += literals
    made += literals
    if at == block.count { return made == count && (lastMatch == 0 || literals >= 5) }
    at += 2
    lastMatch = made
    if made > count - 12 { return false }
    made += length(token & 15) + 4
  }
  return false
}

@Suite struct LZ4Tests {
  @Test(arguments: PageSample.allCases)
  func `what is compressed comes back, by both decoders`(kind: PageSample) throws {
    var random = Dice(11)
    for round in 0..<60 {
      // Short inputs of every length too.
      let count = round < 40 ? 4096 : 1 + random.below(80)
      let bytes = Array(kind.page(&random).prefix(count))
      let block = try #require(encode(bytes, capacity: count + count / 255 + 16))
      #expect(plainDecode(block, limit: 4096) == bytes)
      #expect(decode(block, capacity: count) == bytes)
      #expect(decode(block, capacity: 4096) == bytes)
      #expect(endsProperly(block, count: count))
      // A target that is one byte too small is refused, one that just suffices is not.
      #expect(encode(bytes, capacity: block.count) == block)
      #expect(encode(bytes, capacity: block.count - 1) == nil)
      #expect(decode(block, capacity: count - 1) == nil)
    }
  }

  @Test func `long literals and long matches carry their lengths over bytes of 255`() throws {
    var random = Dice(3)
    for count in [14, 15, 16, 269, 270, 271, 524, 525, 526] {
      let literals = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let zeros = [UInt8](repeating: 0, count: 4 + count)
      let bytes = literals + zeros + literals + [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
      let block = try #require(encode(bytes, capacity: 4096))
      #expect(plainDecode(block, limit: 4096) == bytes)
      #expect(decode(block, capacity: 4096) == bytes)
    }
  }

  @Test func `blocks of the format that this encoder would not write are read`() {
    // Literals "ab", then a match of 4 at offset 1, then one of 19 at offset 2, then "z".
    let block: [UInt8] = [0x20, 97, 98, 1, 0, 0x0f, 2, 0, 0, 0x10, 122]
    let expected = Array("abbbbb".utf8) + Array("bbbbbbbbbbbbbbbbbbb".utf8) + [122]
    #expect(plainDecode(block, limit: 4096) == expected)
    #expect(decode(block, capacity: 4096) == expected)
    #expect(decode([0], capacity: 10) == [])
    // Each offset below 16 with each length, where there is room and where there is none.
    for offset in 1...15 {
      for length in 4...40 {
        let start = (1...15).map { UInt8($0) }
        let more = length - 4 >= 15 ? [UInt8(length - 19)] : []
        let block: [UInt8] =
          [0xf0 | UInt8(min(15, length - 4)), 0] + start + [UInt8(offset), 0] + more + [0x10, 99]
        let expected = plainDecode(block, limit: 4096)
        #expect(expected?.count == 16 + length)
        #expect(decode(block, capacity: 4096) == expected)
        #expect(decode(block, capacity: 16 + length) == expected)
      }
    }
  }

  @Test func `what is no block is refused`() {
    #expect(decode([], capacity: 100) == nil)
    #expect(decode([0x10], capacity: 100) == nil, "a literal is missing")
    #expect(decode([0xf0, 255, 255], capacity: 4096) == nil, "a length does not end")
    #expect(decode([0x10, 97, 1], capacity: 100) == nil, "half an offset")
    #expect(decode([0x10, 97, 1, 0], capacity: 100) == nil, "it ends with a match")
    #expect(decode([0x10, 97, 0, 0, 0], capacity: 100) == nil, "offset 0")
    #expect(decode([0x10, 97, 2, 0, 0], capacity: 100) == nil, "before the beginning")
    #expect(decode([0x1f, 97, 1, 0, 255, 255, 0, 0], capacity: 100) == nil, "too much output")
  }

  @Test(arguments: 1...8)
  func `damaged blocks are refused or read as the plain decoder does`(seed: UInt64) throws {
    var random = Dice(seed)
    for round in 0..<rounds {
      let kind = PageSample.allCases[random.below(PageSample.allCases.count)]
      var block: [UInt8]
      if round % 4 == 0 {
        block = (0..<1 + random.below(300)).map { _ in UInt8.random(in: 0...255, using: &random) }
      } else {
        block = try #require(encode(kind.page(&random), capacity: 5000))
        for _ in 0...random.below(4) {
          let at = random.below(block.count)
          switch random.below(4) {
          case 0: block[at] = UInt8.random(in: 0...255, using: &random)
          case 1: block[at] = 255
          case 2: block.removeSubrange(at..<min(block.count, at + 1 + random.below(8)))
          default: block.insert(UInt8.random(in: 0...255, using: &random), at: at)
          }
          if block.isEmpty { block = [0] }
        }
      }
      #expect(decode(block, capacity: 4096) == plainDecode(block, limit: 4096))
    }
  }
}
