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
  /// A part of a huge page that was set aside at the start, in use or not.
  case hugePool
}

/// Hands out frames, with a reference count for each.
///
///     let frames = FrameAllocator(memory)
///     if let frame = frames.allocateZeroed(.anonymous) { frames.release(frame) }
///
/// Free frames are kept by a `BuddyAllocator` with blocks of up to 1 GiB and, in front of it, a
/// `CoreFreeList` of single frames, last in first out: so a frame is taken and released in O(1), and
/// most of them neither split a block nor merge one. A frame handed out before is cleared when it is
/// needed clear; one never touched is zeros anyway. The smallest free block is taken, the lowest of
/// those, so that RAM never used stays in large blocks and the host backs little more than the guest
/// ever used at once. Frame 0 is never handed out.
/// - Precondition: nobody else has written the memory: untouched frames are taken to be zero.
public final class FrameAllocator {
  /// The memory it manages, all of it.
  public let memory: PhysicalMemory
  /// A word for each frame; 0 if it was never handed out.
  ///
  ///     63     it was handed out at least once, and may hold anything
  ///     40     a fork shared it since it was last somebody's own
  ///     39:32  use
  ///     31:0   reference count
  private let records: UnsafeMutablePointer<UInt64>
  /// For each frame in use, where the reverse map begins to look: see `ReverseMap.swift`.
  private let homes: UnsafeMutablePointer<UInt64>
  private let recordBytes: UInt64
  /// The free frames but those in `list`.
  private var buddies: BuddyAllocator
  /// The free frames that the core takes first.
  private var list: CoreFreeList
  /// One past the highest frame ever handed out; those from here on are untouched.
  private(set) var highWater: UInt64 = 1
  /// How many free frames reclaim is to keep.
  public let watermarks: Watermarks
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
  /// Frames handed out so far.
  public private(set) var allocations: UInt64 = 0
  /// Frames given back so far; frame 0 was never allocated.
  public var releases: UInt64 { allocations &- (used &- 1) }

  /// Takes charge of all frames of `memory`.
  public init(_ memory: PhysicalMemory) {
    self.memory = memory
    buddies = BuddyAllocator(pages: memory.frameCount)
    list = CoreFreeList(batch: 64, high: 384)
    watermarks = Watermarks(pages: memory.frameCount)
    recordBytes = (memory.frameCount * 8 + 4095) & ~4095
    records = Platform.map(bytes: recordBytes, hugePages: false)
      .assumingMemoryBound(to: UInt64.self)
    homes = Platform.map(bytes: recordBytes, hugePages: false)
      .assumingMemoryBound(to: UInt64.self)
    lists = PageLists(frames: memory.frameCount)
    let isFree = buddies.take(0, order: 0)
    precondition(isFree, "frame 0 is free at first")
    records[0] = Self.record(.kernel)
  }

  deinit {
    Platform.unmap(records, bytes: recordBytes)
    Platform.unmap(homes, bytes: recordBytes)
  }

  /// Frames that can still be handed out.
  public var available: UInt64 { buddies.freePages &+ UInt64(list.count) }

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
    guard let number = list.allocate(from: &buddies) else { return 0 }
    handOut(number, use, zeroed: zeroed)
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

  /// Takes 2^`order` frames in a row, at a multiple of that number: each with the use, one reference,
  /// and a `release` of its own.
  ///
  /// Their content is undefined unless they are to be `zeroed`; then only those handed out before
  /// are cleared. Counts as one allocation for `allocationsUntilFailure`.
  /// - Returns: the first one; 0 if no free block is large enough.
  /// - Complexity: their number.
  public func takeBlock(_ use: FrameUse, order: Int, zeroed: Bool = false) -> UInt64 {
    precondition((0...buddies.maximumOrder).contains(order), "there is no block of order \(order)")
    if allocationsUntilFailure != nil && failNow() { return 0 }
    // What is in the list may be a part of one that the host backs already.
    drainCoreList()
    guard let first = buddies.allocate(order: order) else { return 0 }
    let count = UInt64(1) << UInt64(order)
    for number in first..<first + count { handOut(number, use, zeroed: zeroed) }
    allocations += count
    used += count
    peakUsed = max(peakUsed, used)
    if used > lowMark { noteLow() }
    return first
  }

  /// Gives the frames of the core's list back to the buddies, which may merge them.
  public func drainCoreList() { list.drain(to: &buddies) }

  /// Makes the record of a frame that is no longer free.
  @inline(__always)
  private func handOut(_ number: UInt64, _ use: FrameUse, zeroed: Bool) {
    if records[Int(number)] == 0 {
      if number >= highWater { highWater = number &+ 1 }
    } else if zeroed {
      memory.zero(FrameNumber(number))
    }
    records[Int(number)] = Self.record(use)
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
      frame.rawValue < highWater && records[index] & Self.useMask != 0, "a free frame is released")
    records[index] &-= 1
    if records[index] & 0xffff_ffff != 0 { return false }
    lists.leave(frame.rawValue)
    records[index] = Self.touched
    list.release(frame.rawValue, to: &buddies)
    used &-= 1
    return true
  }

  /// References to a frame; 0 if it is free.
  @inline(__always)
  public func references(to frame: FrameNumber) -> UInt32 {
    UInt32(truncatingIfNeeded: records[Int(frame.rawValue)])
  }

  /// What a frame is used for.
  @inline(__always)
  public func use(of frame: FrameNumber) -> FrameUse {
    FrameUse(rawValue: UInt8(truncatingIfNeeded: records[Int(frame.rawValue)] >> 32)) ?? .free
  }

  // MARK: Records

  private static var touched: UInt64 { 1 << 63 }
  private static var forked: UInt64 { 1 << 40 }
  private static var useMask: UInt64 { 0xff << 32 }

  /// The record of a frame somebody has for himself.
  @inline(__always)
  private static func record(_ use: FrameUse) -> UInt64 {
    touched | UInt64(use.rawValue) &<< 32 | 1
  }

  /// Adds the reference of a forked child.
  @inline(__always)
  func share(_ number: UInt64) { records[Int(number)] = (records[Int(number)] &+ 1) | Self.forked }

  /// Tells whether this is the only reference left to a frame of anonymous memory; it is its holder's
  /// own then.
  @inline(__always)
  func claim(_ number: UInt64) -> Bool {
    let own = Self.record(.anonymous)
    if records[Int(number)] & ~Self.forked != own { return false }
    records[Int(number)] = own
    return true
  }

  /// Tells whether a frame of anonymous memory is its holder's own: Linux's PageAnonExclusive.
  ///
  /// One that was shared by a fork is not, even if the others have gone, before `claim` says so.
  @inline(__always)
  func isExclusive(_ number: UInt64) -> Bool {
    let own = Self.record(.anonymous)
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
    records[Int(number)] = Self.record(use) & ~1 | records[Int(number)] & 0xffff_ffff
  }

  /// Notes where the reverse map finds the mappings of a frame.
  @inline(__always)
  func setHome(of number: UInt64, _ home: FrameHome) { homes[Int(number)] = home.rawValue }

  /// Frames that have a use now.
  ///
  /// - Complexity: all frames ever handed out.
  func count(_ use: FrameUse) -> UInt64 {
    var count: UInt64 = 0
    for number in 0..<highWater where self.use(of: FrameNumber(number)) == use { count += 1 }
    return count
  }

  /// Calls `body` with the free frames as the buddies keep them; those in the core's list are in use
  /// to them.
  func withBuddies<Result>(_ body: (borrowing BuddyAllocator) -> Result) -> Result { body(buddies) }

  /// The core's list of free frames: how many it holds, may hold, and moves at once.
  var coreList: (count: Int, high: Int, batch: Int) { (list.count, list.high, list.batch) }

  /// What is wrong with the free frames, if anything: each frame is in use, in a free block or in the
  /// core's list.
  ///
  /// - Complexity: all frames ever handed out, and the free blocks.
  func checkFreeFrames() -> String? {
    if let problem = buddies.checkInvariants() { return problem }
    if available + used != memory.frameCount {
      return "\(available) frames are free and \(used) in use of \(memory.frameCount)"
    }
    let listed = list.pages
    let end = max(highWater, (listed.max() ?? 0) + 1)
    var isFree = [Bool](repeating: false, count: Int(end))
    for order in 0...buddies.maximumOrder {
      buddies.forEachFreeBlock(order: order) { first in
        for number in first..<max(first, min(first + 1 << UInt64(order), end)) {
          isFree[Int(number)] = true
        }
      }
    }
    for number in listed {
      if isFree[Int(number)] { return "frame \(number) is free twice" }
      isFree[Int(number)] = true
    }
    for number in 0..<end where isFree[Int(number)] != (use(of: FrameNumber(number)) == .free) {
      return "frame \(number) is \(use(of: FrameNumber(number))), but the free lists disagree"
    }
    return nil
  }
}
