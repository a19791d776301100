/// SplitMix64: the same stream everywhere, so that every random case can be made again from its seed.
public struct Dice: RandomNumberGenerator {
  private var state: UInt64

  /// Starts a stream.
  public init(_ seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// 0 ..< count.
  public mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }

  /// True in `percent` of all cases.
  public mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

  /// One of some values.
  public mutating func pick<T>(_ from: [T]) -> T { from[below(from.count)] }
}
