/// The page with the fewest references since its load leaves; of several, the least recently used.
///
/// Frames with one count form a list in the order of their last use, the lists a chain by count: a hit
/// moves a frame to the next list, so every step takes constant time.
struct LeastFrequentlyUsed: ~Copyable, ReplacementAlgorithm {
  /// A count that some frame has.
  private struct Rank {
    var count: UInt32
    var frames: UInt32 = 0
    /// The ranks with the next lower and the next higher count.
    var below: UInt32
    var above: UInt32
  }

  /// The frames of each rank, from the least recently used.
  private var lists: FrameLists
  private let rankOf: UnsafeMutablePointer<UInt32>
  /// Ranks in a ring by count; the first one is none, it joins the ends.
  private let ranks: UnsafeMutablePointer<Rank>
  /// Ranks not in the ring, chained by `above`.
  private var free: UInt32 = 1

  init(frames: Int) {
    // A frame on its way up may need a new rank before it leaves the old one.
    let count = frames + 2
    lists = FrameLists(nodes: frames, lists: count)
    rankOf = .allocate(capacity: frames)
    rankOf.initialize(repeating: 0, count: frames)
    ranks = .allocate(capacity: count)
    for i in 0..<count {
      (ranks + i).initialize(to: Rank(count: 0, below: 0, above: UInt32(i + 1)))
    }
    ranks[0].above = 0
  }

  deinit {
    rankOf.deallocate()
    ranks.deallocate()
  }

  mutating func hit(_ frame: Int, at time: Int) {
    let rank = rankOf[frame]
    let count = ranks[Int(rank)].count + 1
    let above = ranks[Int(rank)].above
    lists.remove(frame)
    let next = ranks[Int(above)].count == count ? above : insert(count, over: rank)
    leave(rank)
    enter(frame, next)
  }

  mutating func loaded(_ page: Int, into frame: Int, at time: Int) {
    let lowest = ranks[0].above
    enter(frame, ranks[Int(lowest)].count == 1 ? lowest : insert(1, over: 0))
  }

  mutating func victim(for page: Int, at time: Int) -> Int {
    let lowest = ranks[0].above
    guard let frame = lists.first(of: Int(lowest)) else {
      preconditionFailure("a rank without a frame")
    }
    lists.remove(frame)
    leave(lowest)
    return frame
  }

  private mutating func enter(_ frame: Int, _ rank: UInt32) {
    lists.append(frame, to: Int(rank))
    rankOf[frame] = rank
    ranks[Int(rank)].frames += 1
  }

  /// One frame less in a rank, which ends with its last.
  private mutating func leave(_ rank: UInt32) {
    ranks[Int(rank)].frames -= 1
    guard ranks[Int(rank)].frames == 0 else { return }
    let (below, above) = (ranks[Int(rank)].below, ranks[Int(rank)].above)
    ranks[Int(below)].above = above
    ranks[Int(above)].below = below
    ranks[Int(rank)].above = free
    free = rank
  }

  private mutating func insert(_ count: UInt32, over below: UInt32) -> UInt32 {
    let rank = free
    free = ranks[Int(rank)].above
    let above = ranks[Int(below)].above
    ranks[Int(rank)] = Rank(count: count, below: below, above: above)
    ranks[Int(below)].above = rank
    ranks[Int(above)].below = rank
    return rank
  }
}
