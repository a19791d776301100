public import MMUMemory

/// What a frame is used for; every frame is in exactly one of these states.
public enum FrameUse: UInt8, CaseIterable, Sendable {
  /// On the free list, or never used.
  case free
  /// Private anonymous memory.
  case anonymous
  /// A page of a file in the page cache.
  case cache
  /// A paging structure of a process.
  case pageTable
  /// The kernel's own: frame 0, its half's tables, the zero page.
  case kernel
  /// Compressed pages of swap.
  case compressed
}

/// Hands out frames, with a reference count for each.
///
///     let frames = FrameAllocator(memory)
///     if let frame = frames.allocateZeroed(.anonymous) { frames.release(frame) }
///
/// Allocation and release are O(1): a list of recycled frames threaded through the records, last in
/// first out, and behind it the frames never touched. Recycled ones come first, so that the host
/// backs no more memory than the guest ever used at once; a recycled frame is cleared when it is
/// needed clear. Frame 0 is never handed out.
/// - Precondition: nobody else has written the memory: untouched frames are taken to be zero.
public final class FrameAllocator {
  /// The memory it manages, all of it.
  public let memory: PhysicalMemory
  /// For each frame: in bit 40 whether a fork shared it since it was last somebody's own, use in bits
  /// 39:32, and in bits 31:0 the reference count, or for a free frame
  /// the next free one (0: none).
  private let records: UnsafeMutablePointer<UInt64>
  /// For each frame in use, where the reverse map begins to look: see `ReverseMap.swift`.
  private let homes: UnsafeMutablePointer<UInt64>
  private let recordBytes: UInt64
  private var recycled: UInt64 = 0
  /// Length of the list `recycled` heads.
  private var recycledCount: UInt64 = 0
  /// The lowest frame never handed out.
  private var untouched: UInt64 = 1
  /// One past the last frame that may be handed out.
  private let limit: UInt64
  /// Frames in use now, the kernel's own included.
  public private(set) var used: UInt64 = 1
  /// The most frames ever in use at once.
  public private(set) var peakUsed: UInt64 = 1
  /// What reclaim may take.
  let lists: PageLists
  /// Frames in use beyond which kswapd is to free some, and beyond which whoever needs a frame does.
  var lowMark = UInt64.max
  var minimumMark = UInt64.max
  /// The first is so: set by an allocation, cleared by kswapd.
  var isLow = false
  /// Called when `lowMark` is passed.
  var onLow: () -> Void = {}
  /// For tests: the number of allocations that succeed before one fails; nil is no limit.
  ///
  /// The failing one clears it, unless `failsForever`.
  public var allocationsUntilFailure: UInt64?
  /// For tests: keep failing once `allocationsUntilFailure` has run out.
  public var failsForever = false
  /// Allocations that succeeded so far.
  public private(set) var allocations: UInt64 = 0
  /// Frames given back so far; frame 0 was never allocated.
  public var releases: UInt64 { allocations &- (used &- 1) }

  /// Takes charge of all frames of `memory`.
  public init(_ memory: PhysicalMemory) {
    precondition(memory.frameCount < 1 << 32, "at most 16 TiB of RAM")
    self.memory = memory
    limit = memory.frameCount
    recordBytes = (memory.frameCount * 8 + 4095) & ~4095
    records = Platform.map(bytes: recordBytes, hugePages: false)
      .assumingMemoryBound(to: UInt64.self)
    homes = Platform.map(bytes: recordBytes, hugePages: false)
      .assumingMemoryBound(to: UInt64.self)
    lists = PageLists(frames: memory.frameCount)
    records[0] = UInt64(FrameUse.kernel.rawValue) << 32 | 1
  }

  deinit {
    Platform.unmap(records, bytes: recordBytes)
    Platform.unmap(homes, bytes: recordBytes)
  }

  /// Frames that can still be handed out.
  public var available: UInt64 { limit - untouched + recycledCount }

  /// Takes a frame with undefined content and one reference; nil if there is none.
  public func allocate(_ use: FrameUse) -> FrameNumber? {
    let number = take(use, zeroed: false)
    return number == 0 ? nil : FrameNumber(number)
  }

  /// Takes a frame full of zeros with one reference; nil if there is none.
  public func allocateZeroed(_ use: FrameUse) -> FrameNumber? {
    let number = take(use, zeroed: true)
    return number == 0 ? nil : FrameNumber(number)
  }

  /// `allocate` as a raw number; 0 if there is none.
  @inline(__always)
  func take(_ use: FrameUse, zeroed: Bool) -> UInt64 {
    if allocationsUntilFailure != nil && failNow() { return 0 }
    var number = recycled
    if number != 0 {
      recycled = records[Int(number)] & 0xffff_ffff
      recycledCount &-= 1
      if zeroed { memory.zero(FrameNumber(number)) }
    } else {
      number = untouched
      if number >= limit { return 0 }
      untouched = number &+ 1
    }
    records[Int(number)] = UInt64(use.rawValue) &<< 32 | 1
    allocations &+= 1
    used &+= 1
    if used > peakUsed { peakUsed = used }
    if used > lowMark { noteLow() }
    return number
  }

  /// Few frames are free.
  @inline(never)
  private func noteLow() {
    if used > minimumMark { lists.isShort = true }
    if isLow { return }
    isLow = true
    onLow()
  }

  @inline(never)
  private func failNow() -> Bool {
    guard let left = allocationsUntilFailure else { return false }
    if left > 0 {
      allocationsUntilFailure = left - 1
      return false
    }
    if !failsForever { allocationsUntilFailure = nil }
    return true
  }

  /// Adds a reference.
  @inline(__always)
  public func retain(_ frame: FrameNumber) {
    precondition(use(of: frame) != .free, "a free frame is retained")
    records[Int(frame.rawValue)] &+= 1
  }

  /// Drops a reference; the last one frees the frame.
  ///
  /// - Returns: whether the frame is free now.
  @discardableResult @inline(__always)
  public func release(_ frame: FrameNumber) -> Bool {
    let index = Int(frame.rawValue)
    precondition(
      frame.rawValue < untouched && records[index] >> 32 != 0, "a free frame is released")
    records[index] &-= 1
    if records[index] & 0xffff_ffff != 0 { return false }
    lists.leave(frame.rawValue)
    records[index] = recycled
    recycled = frame.rawValue
    recycledCount &+= 1
    used &-= 1
    return true
  }

  /// References to a frame; 0 if it is free.
  @inline(__always)
  public func references(to frame: FrameNumber) -> UInt32 {
    let record = records[Int(frame.rawValue)]
    return record >> 32 == 0 ? 0 : UInt32(truncatingIfNeeded: record)
  }

  /// What a frame is used for.
  @inline(__always)
  public func use(of frame: FrameNumber) -> FrameUse {
    FrameUse(rawValue: UInt8(truncatingIfNeeded: records[Int(frame.rawValue)] >> 32)) ?? .free
  }

  /// Adds the reference of a forked child.
  @inline(__always)
  func share(_ number: UInt64) { records[Int(number)] = (records[Int(number)] &+ 1) | Self.forked }

  private static var forked: UInt64 { 1 << 40 }

  /// Tells whether this is the only reference left to a frame of anonymous memory; it is its holder's
  /// own then.
  @inline(__always)
  func claim(_ number: UInt64) -> Bool {
    let own = UInt64(FrameUse.anonymous.rawValue) &<< 32 | 1
    if records[Int(number)] & ~Self.forked != own { return false }
    records[Int(number)] = own
    return true
  }

  /// Tells whether a frame of anonymous memory is its holder's own: Linux's PageAnonExclusive.
  ///
  /// One that was shared by a fork is not, even if the others have gone, before `claim` says so.
  @inline(__always)
  func isExclusive(_ number: UInt64) -> Bool {
    let own = UInt64(FrameUse.anonymous.rawValue) &<< 32 | 1
    let record = records[Int(number)]
    // The swap cache's reference does not count.
    return record == own || record == own &+ 1 && lists.has(PageLists.Mark.swapCached, number)
  }

  /// Says of a frame of anonymous memory whether it is its holder's own.
  func setExclusive(_ number: UInt64, _ isExclusive: Bool) {
    records[Int(number)] =
      isExclusive ? records[Int(number)] & ~Self.forked : records[Int(number)] | Self.forked
  }

  /// Where the reverse map finds the mappings of a frame.
  @inline(__always)
  func home(of number: UInt64) -> FrameHome { FrameHome(rawValue: homes[Int(number)]) }

  /// Makes a frame in use one of another use; its references stay.
  func convert(_ number: UInt64, to use: FrameUse) {
    records[Int(number)] = UInt64(use.rawValue) << 32 | records[Int(number)] & 0xffff_ffff
  }

  /// Notes where the reverse map finds the mappings of a frame.
  @inline(__always)
  func setHome(of number: UInt64, _ home: FrameHome) { homes[Int(number)] = home.rawValue }

  /// Frames that have a use now.
  ///
  /// - Complexity: all frames ever handed out.
  func count(_ use: FrameUse) -> UInt64 {
    var count: UInt64 = 0
    for number in 0..<untouched where self.use(of: FrameNumber(number)) == use { count += 1 }
    return count
  }

  /// Watermarks in frames, below which reclaim begins: computed from the RAM as Linux does.
  private(set) lazy var watermarks: (min: UInt64, low: UInt64, high: UInt64) = {
    var root: UInt64 = 128
    while root < 262_144 && (root + 1) * (root + 1) <= limit * 4 * 16 { root += 1 }
    let step = max(root / 16, limit / 1000)
    return (root / 4, root / 4 + step, root / 4 + 2 * step)
  }()

  /// Frames below this number may have been handed out; those above never were.
  var highWater: UInt64 { untouched }

  /// Counts the free list by walking it, for `checkInvariants`.
  func countRecycled() -> UInt64? {
    var seen: UInt64 = 0
    var number = recycled
    while number != 0 {
      if number >= untouched || records[Int(number)] >> 32 != 0 { return nil }
      seen += 1
      if seen > recycledCount { return nil }
      number = records[Int(number)]
    }
    return seen == recycledCount ? seen : nil
  }
}
