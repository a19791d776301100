/// First in, first out: the page that was loaded earliest leaves.
///
/// Frames are filled in order and each victim's frame is refilled at once, so the oldest page's frame
/// goes round.
struct FirstInFirstOut: ReplacementAlgorithm {
  private let frames: Int
  private var hand = 0

  init(frames: Int) { self.frames = frames }

  mutating func victim(for page: Int, at time: Int) -> Int {
    let frame = hand
    hand = hand + 1 == frames ? 0 : hand + 1
    return frame
  }
}

/// The least recently used page leaves.
struct LeastRecentlyUsed: ~Copyable, ReplacementAlgorithm {
  /// Frames from the least to the most recently used.
  private var order: FrameLists

  init(frames: Int) { order = FrameLists(nodes: frames, lists: 1) }

  mutating func hit(_ frame: Int, at time: Int) { order.moveToEnd(frame) }

  mutating func loaded(_ page: Int, into frame: Int, at time: Int) { order.append(frame) }

  mutating func victim(for page: Int, at time: Int) -> Int {
    guard let frame = order.first() else { preconditionFailure("no frame is in use") }
    order.remove(frame)
    return frame
  }
}

/// The most recently used page leaves: the one of the reference before.
struct MostRecentlyUsed: ReplacementAlgorithm {
  private var latest = 0

  mutating func hit(_ frame: Int, at time: Int) { latest = frame }

  mutating func loaded(_ page: Int, into frame: Int, at time: Int) { latest = frame }

  mutating func victim(for page: Int, at time: Int) -> Int { latest }
}

/// Any page leaves, all equally likely.
struct RandomChoice: ReplacementAlgorithm {
  private let frames: UInt64
  /// SplitMix64, Sebastiano Vigna's public-domain generator.
  private var state: UInt64

  init(frames: Int, seed: UInt64) {
    self.frames = UInt64(frames)
    state = seed
  }

  mutating func victim(for page: Int, at time: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    z ^= z >> 31
    return Int(z.multipliedFullWidth(by: frames).high)
  }
}

/// A hand goes round the frames and takes the first page not referenced since it last came by.
///
/// The same as FIFO with a second chance: a queue whose referenced heads go back to its end.
struct Clock: ~Copyable, ReplacementAlgorithm {
  private let frames: Int
  private var hand = 0
  /// A referenced bit for each frame.
  private let referenced: UnsafeMutablePointer<UInt8>
  private let atLoad: UInt8

  /// - Parameter setsAtLoad: a load counts as a reference; else only hits do.
  init(frames: Int, setsAtLoad: Bool) {
    self.frames = frames
    atLoad = setsAtLoad ? 1 : 0
    referenced = .allocate(capacity: frames)
    referenced.initialize(repeating: 0, count: frames)
  }

  deinit { referenced.deallocate() }

  mutating func hit(_ frame: Int, at time: Int) { referenced[frame] = 1 }

  mutating func loaded(_ page: Int, into frame: Int, at time: Int) { referenced[frame] = atLoad }

  mutating func victim(for page: Int, at time: Int) -> Int {
    while referenced[hand] != 0 {
      referenced[hand] = 0
      hand = hand + 1 == frames ? 0 : hand + 1
    }
    let frame = hand
    hand = hand + 1 == frames ? 0 : hand + 1
    return frame
  }
}
