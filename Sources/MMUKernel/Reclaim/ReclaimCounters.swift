/// What memory pressure has come to so far, in pages unless it says otherwise.
public struct ReclaimCounters: Hashable, Sendable {
  /// Pages written to swap, compressed ones included.
  public var swapOut: UInt64 = 0
  /// Pages read from swap, those read ahead and compressed ones included.
  public var swapIn: UInt64 = 0
  /// Of those that went, pages written to the disk: pswpout.
  public var diskOut: UInt64 = 0
  /// Of those that came, pages read from the disk: pswpin.
  public var diskIn: UInt64 = 0
  /// Read from swap beside what was wanted.
  public var readAhead: UInt64 = 0
  /// Of these, pages wanted later.
  public var readAheadHits: UInt64 = 0
  /// Writes to swap that failed.
  public var failedWrites: UInt64 = 0
  /// Reads from swap that failed.
  public var failedReads: UInt64 = 0
  /// Pages looked at by kswapd.
  public var scannedByDaemon: UInt64 = 0
  /// Pages looked at by processes that needed a frame.
  public var scannedDirectly: UInt64 = 0
  /// Pages freed by kswapd.
  public var freedByDaemon: UInt64 = 0
  /// Pages freed by processes that needed a frame.
  public var freedDirectly: UInt64 = 0
  /// Clean pages of files dropped.
  public var droppedClean: UInt64 = 0
  /// Dirty pages of files written and dropped.
  public var droppedDirty: UInt64 = 0
  /// Private and shared pages that came back after they had been evicted.
  public var refaultsAnonymous: UInt64 = 0
  /// Pages of files that came back after they had been evicted.
  public var refaultsFile: UInt64 = 0
  /// Of the private and shared ones, such as a working set that fits would have kept.
  public var activatedAnonymous: UInt64 = 0
  /// Of the files', such as a working set that fits would have kept.
  public var activatedFile: UInt64 = 0
  /// Times kswapd was woken.
  public var daemonRuns: UInt64 = 0
  /// Times a process had to free memory itself.
  public var directReclaims: UInt64 = 0
  /// Cycles in which some process waited for lack of memory.
  public var stalledSome: UInt64 = 0
  /// Of these, cycles in which nothing else ran.
  public var stalledFull: UInt64 = 0
  /// Compressed pages; nil where none are kept.
  public var compressed: CompressedSwapCounters?

  /// None.
  public init() {}

  /// Whether there was any pressure.
  public var isAny: Bool { daemonRuns + directReclaims + freedByDaemon + freedDirectly > 0 }

  /// What was counted between two moments.
  public static func - (a: Self, b: Self) -> Self {
    var r = a
    let paths: [WritableKeyPath<Self, UInt64>] = [
      \.swapOut, \.swapIn, \.diskOut, \.diskIn, \.readAhead, \.readAheadHits, \.failedWrites,
      \.failedReads, \.scannedByDaemon, \.scannedDirectly, \.freedByDaemon, \.freedDirectly,
      \.droppedClean, \.droppedDirty, \.refaultsAnonymous, \.refaultsFile, \.activatedAnonymous,
      \.activatedFile, \.daemonRuns, \.directReclaims, \.stalledSome, \.stalledFull,
    ]
    for path in paths { r[keyPath: path] &-= b[keyPath: path] }
    if let before = b.compressed { r.compressed = r.compressed.map { $0 - before } }
    return r
  }
}

/// What a compressed swap has done, in pages.
public struct CompressedSwapCounters: Hashable, Sendable {
  /// Kept.
  public var stored: UInt64 = 0
  /// Of these, pages of one repeated word.
  public var sameFilled: UInt64 = 0
  /// Brought back.
  public var loaded: UInt64 = 0
  /// Sent to the disk because they did not become small enough.
  public var incompressible: UInt64 = 0
  /// Sent to the disk because there was no frame for the pool.
  public var refused: UInt64 = 0
  /// Times the pool was found at its limit.
  public var limitHits: UInt64 = 0
  /// Written to the disk later, to make room.
  public var writtenBack: UInt64 = 0
  /// Held now.
  public var pages: UInt64 = 0
  /// Frames of the pool now.
  public var frames: UInt64 = 0

  /// What was counted between two moments; what is held, at the later one.
  static func - (a: Self, b: Self) -> Self {
    var r = a
    r.stored &-= b.stored
    r.sameFilled &-= b.sameFilled
    r.loaded &-= b.loaded
    r.incompressible &-= b.incompressible
    r.refused &-= b.refused
    r.limitHits &-= b.limitHits
    r.writtenBack &-= b.writtenBack
    return r
  }
}

extension Kernel {
  /// What memory pressure has come to so far.
  public var pressure: ReclaimCounters {
    var counters = system.reclaimCounters
    counters.stalledSome = system.stall.some
    counters.stalledFull = system.stall.full
    if let compressed = system.swap?.compressed {
      var now = compressed.counters
      now.pages = compressed.pages
      now.frames = compressed.poolFrames
      counters.compressed = now
    }
    return counters
  }
}
