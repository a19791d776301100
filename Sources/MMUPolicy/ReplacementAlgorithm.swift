/// Chooses which page leaves when one is needed and no frame is free.
///
/// Frames are 0..<frames, pages their dense numbers, `time` the index of the reference. FIFO:
///
///     struct RoundRobin: ReplacementAlgorithm {
///       let frames: Int
///       var hand = -1
///       mutating func victim(for page: Int, at time: Int) -> Int {
///         hand = (hand + 1) % frames
///         return hand
///       }
///     }
///
/// State is best kept by frame, not by page: there are fewer frames, so it stays in the host's caches.
public protocol ReplacementAlgorithm: ~Copyable {
  /// Learns that the page in `frame` was referenced and was there.
  mutating func hit(_ frame: Int, at time: Int)
  /// Learns that a page has been loaded into a frame, one that was free or that it just gave up.
  mutating func loaded(_ page: Int, into frame: Int, at time: Int)
  /// The frame whose page leaves for `page`; every frame is in use.
  mutating func victim(for page: Int, at time: Int) -> Int
}

extension ReplacementAlgorithm where Self: ~Copyable {
  /// Ignores hits, as algorithms do that look at loads only.
  @inlinable public mutating func hit(_ frame: Int, at time: Int) {}
  /// Ignores loads.
  @inlinable public mutating func loaded(_ page: Int, into frame: Int, at time: Int) {}
}

/// Sees every step of a replay.
public protocol ReplayObserver: ~Copyable {
  /// A reference to a page that was there.
  mutating func hit(_ page: Int, at time: Int)
  /// A reference to a page that was not there and is now in `frame`, where `victim` was if any.
  mutating func fault(_ page: Int, into frame: Int, victim: Int?, at time: Int)
}

/// Sees nothing, and costs nothing.
public struct NoObserver: ReplayObserver {
  /// Makes one.
  @inlinable public init() {}
  /// Does nothing.
  @inlinable public mutating func hit(_ page: Int, at time: Int) {}
  /// Does nothing.
  @inlinable public mutating func fault(
    _ page: Int, into frame: Int, victim: Int?, at time: Int
  ) {}
}
