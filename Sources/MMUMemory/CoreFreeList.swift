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
  public var count: Int { held }
  @usableFromInline var held = 0
  /// The oldest first.
  @usableFromInline let entries: UnsafeMutablePointer<UInt32>

  /// Makes an empty list; a batch that is a power of two is mostly one block.
  public init(batch: Int = 64, high: Int = 384) {
    precondition(batch > 0 && high >= batch, "a list of \(high) pages takes \(batch) at once")
    self.batch = batch
    self.high = high
    entries = .allocate(capacity: high)
  }

  deinit { entries.deallocate() }

  /// Takes a page; nil if neither the list nor the buddies have one.
  @inlinable @inline(__always)
  public mutating func allocate(from buddies: inout BuddyAllocator) -> UInt64? {
    if held == 0 && !refill(from: &buddies) { return nil }
    held &-= 1
    return UInt64(entries[held])
  }

  /// Gives a page back.
  @inlinable @inline(__always)
  public mutating func release(_ page: UInt64, to buddies: inout BuddyAllocator) {
    if held == high { giveBack(batch, to: &buddies) }
    entries[held] = UInt32(truncatingIfNeeded: page)
    held &+= 1
  }

  /// Gives all pages back.
  ///
  /// - Returns: how many there were.
  @discardableResult
  public mutating func drain(to buddies: inout BuddyAllocator) -> Int {
    let all = held
    giveBack(all, to: &buddies)
    return all
  }

  /// The pages in the list, oldest first; for checks.
  public var pages: [UInt64] { (0..<held).map { UInt64(entries[$0]) } }

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
    if taken < batch { entries.update(from: entries + (batch - taken), count: taken) }
    held = taken
    return taken > 0
  }

  @usableFromInline @inline(never)
  mutating func giveBack(_ number: Int, to buddies: inout BuddyAllocator) {
    var i = 0
    while i < number {
      // What lies in a row goes back as the largest block it makes: memory is mostly unmapped in
      // the order in which it was handed out.
      let first = entries[i]
      let most = 1 << min(first.trailingZeroBitCount, buddies.maximumOrder)
      var run = 1
      while run < most && i + run < number && entries[i + run] == first &+ UInt32(run) { run += 1 }
      let order = run.bitWidth - 1 - run.leadingZeroBitCount
      buddies.release(UInt64(first), order: order)
      i += 1 << order
    }
    held -= number
    entries.update(from: entries + number, count: held)
  }
}
