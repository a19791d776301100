/// A set of numbers below a bound that knows its least and its greatest: bits in words, and above each
/// level a bit for every word that is not zero.
///
/// - Complexity: every operation takes as many steps as the bound has base-64 digits.
struct PositionSet: ~Copyable {
  private let words: UnsafeMutablePointer<UInt64>
  /// Where each level begins, the bits themselves first.
  private let starts: [Int]

  init(below bound: Int) {
    var starts: [Int] = []
    var total = 0
    var size = max(1, bound)
    repeat {
      size = (size + 63) / 64
      starts.append(total)
      total += size
    } while size > 1
    self.starts = starts
    words = .allocate(capacity: total)
    words.initialize(repeating: 0, count: total)
  }

  deinit { words.deallocate() }

  mutating func insert(_ position: Int) {
    var index = position
    for start in starts {
      let word = words + (start + index >> 6)
      let old = word.pointee
      word.pointee = old | 1 &<< UInt64(index & 63)
      if old != 0 { return }
      index >>= 6
    }
  }

  mutating func remove(_ position: Int) {
    var index = position
    for start in starts {
      let word = words + (start + index >> 6)
      word.pointee &= ~(1 &<< UInt64(index & 63))
      if word.pointee != 0 { return }
      index >>= 6
    }
  }

  /// The greatest number in the set.
  var last: Int? {
    var index = 0
    for start in starts.reversed() {
      let word = words[start + index]
      if word == 0 { return nil }
      index = index << 6 | (63 - word.leadingZeroBitCount)
    }
    return index
  }

  /// The least number in the set.
  var first: Int? {
    var index = 0
    for start in starts.reversed() {
      let word = words[start + index]
      if word == 0 { return nil }
      index = index << 6 | word.trailingZeroBitCount
    }
    return index
  }
}
