/// Single pages set aside by one core in front of a buddy allocator, as Linux's per-CPU page lists.
///
///     var list = CoreFreeList()
///     if let page = list.allocate(from: &buddies) { list.release(page, to: &buddies) }
///
/// The page freed last is taken first, while it is warm. An empty list takes `batch` pages from the
/// buddies at once, one that has reached `high` gives the `batch` oldest back; so most allocations
/// neither split nor merge. Pages in the list are not free to the buddies: `drain` before a large
/// block is given up as impossible.
public struct CoreFreeList: ~Copyable {
  /// Pages moved at once.
  public let batch: Int
  /// Pages the list may hold.
  public let high: Int
  /// Pages in the list now.
  public var count: Int { newest &- oldest }
  /// Where the next page goes, and where the oldest lies: of a ring, place `i` is `entries[i & mask]`.
  @usableFromInline var newest = 0, oldest = 0
  @usableFromInline let entries: UnsafeMutablePointer<UInt32>
  @usableFromInline let mask: Int

  /// Makes an empty list; a batch that is a power of two is mostly one block.
  public init(batch: Int = 64, high: Int = 384) {
    precondition(batch > 0 && high >= batch, "a list of \(high) pages takes \(batch) at once")
    self.batch = batch
    self.high = high
    let capacity = 1 << (Int.bitWidth - (high - 1).leadingZeroBitCount)
    entries = .allocate(capacity: capacity)
    mask = capacity - 1
  }

  deinit { entries.deallocate() }

  /// Takes a page; nil if neither the list nor the buddies have one.
  @inlinable @inline(__always)
  public mutating func allocate(from buddies: inout BuddyAllocator) -> UInt64? {
    if newest == oldest && !refill(from: &buddies) { return nil }
    newest &-= 1
    return UInt64(entries[newest & mask])
  }

  /// Gives a page back.
  @inlinable @inline(__always)
  public mutating func release(_ page: UInt64, to buddies: inout BuddyAllocator) {
    if count == high { giveBack(batch, to: &buddies) }
    entries[newest & mask] = UInt32(truncatingIfNeeded: page)
    newest &+= 1
  }

  /// Gives all pages back.
  ///
  /// - Returns: how many there were.
  @discardableResult
  public mutating func drain(to buddies: inout BuddyAllocator) -> Int {
    let all = count
    giveBack(all, to: &buddies)
    return all
  }

  /// The pages in the list, oldest first; for checks.
  public var pages: [UInt64] { (oldest..<newest).map { UInt64(entries[$0 & mask]) } }

  @usableFromInline @inline(never)
  mutating func refill(from buddies: inout BuddyAllocator) -> Bool {
    var taken = 0
    while taken < batch, let run = buddies.allocateRun(atMost: batch - taken) {
      taken += run.count
      // The lowest page comes to lie on top.
      for i in 0..<run.count {
        entries[batch - taken + run.count - 1 - i] =
          UInt32(truncatingIfNeeded: run.page) &+ UInt32(i)
      }
    }
    // The last batch there is may be smaller than others.
    oldest = batch - taken
    newest = batch
    return taken > 0
  }

  @usableFromInline @inline(never)
  mutating func giveBack(_ number: Int, to buddies: inout BuddyAllocator) {
    let end = oldest + number
    while oldest < end {
      // What lies in a row, upwards or downwards, goes back as the largest block it makes: memory is
      // mostly unmapped in the order in which it was handed out.
      let first = entries[oldest & mask]
      let isFalling = end - oldest > 1 && entries[(oldest + 1) & mask] == first &- 1
      let step: UInt32 = isFalling ? ~0 : 1
      let edge = isFalling ? first &+ 1 : first
      let most = min(end - oldest, 1 << min(edge.trailingZeroBitCount, buddies.maximumOrder))
      var run = 1
      while run < most && entries[(oldest + run) & mask] == first &+ step &* UInt32(run) {
        run += 1
      }
      let order = run.bitWidth - 1 - run.leadingZeroBitCount
      let lowest = isFalling ? UInt64(edge) - 1 << UInt64(order) : UInt64(first)
      buddies.release(lowest, order: order)
      oldest += 1 << order
    }
  }
}
