// What the free blocks say about fragmentation, as Linux counts it (mm/vmstat.c describes both
// indices; /proc/buddyinfo and debugfs's extfrag print them).

extension BuddyAllocator {
  /// The free blocks of each order from 0 to `top`, those above `top` counted as the blocks of that
  /// order they hold: with 10 a line of /proc/buddyinfo.
  public func blockCounts(upTo top: Int) -> [UInt64] {
    var result = [UInt64](repeating: 0, count: top + 1)
    for order in 0...maximumOrder where order <= top { result[order] = freeBlocks(order: order) }
    if maximumOrder > top {
      for order in top + 1...maximumOrder {
        result[top] += freeBlocks(order: order) << UInt64(order - top)
      }
    }
    return result
  }

  /// Free pages that lie in blocks too small for an allocation of `order`.
  public func unusablePages(order: Int) -> UInt64 {
    var suitable: UInt64 = 0
    for larger in order...max(order, maximumOrder) where larger <= maximumOrder {
      suitable += freeBlocks(order: larger) << UInt64(larger)
    }
    return freePages - suitable
  }

  /// The share of free memory that an allocation of `order` cannot use, in thousandths: Linux's
  /// unusable free space index; 1000 if nothing is free.
  public func unusableFreeIndex(order: Int) -> Int {
    freePages == 0 ? 1000 : Int(unusablePages(order: order) * 1000 / freePages)
  }

  /// Why an allocation of `order` would fail, in thousandths: towards 0 for want of memory, towards
  /// 1000 for fragmentation, -1000 if it would not fail: Linux's fragmentation index.
  public func fragmentationIndex(order: Int, countingUpTo top: Int = 10) -> Int {
    if orderServing(order) != nil { return -1000 }
    let blocks = blockCounts(upTo: top).reduce(0, +)
    if blocks == 0 { return 0 }
    let wanted = UInt64(1) << UInt64(order)
    return 1000 - Int((1000 + freePages * 1000 / wanted) / blocks)
  }

  /// The largest free block in pages; 0 if nothing is free.
  public var largestFreePages: UInt64 { largestFreeOrder.map { 1 << UInt64($0) } ?? 0 }

  /// Checks that counts, summaries and the sum of free pages agree with the bitmaps, and that no two
  /// blocks overlap or should have merged; what is wrong, in words.
  public func checkInvariants() -> String? {
    var sum: UInt64 = 0
    var problem: String?
    for order in 0...maximumOrder {
      var count: UInt64 = 0
      var previous: UInt64?
      let length = UInt64(1) << UInt64(order)
      forEachFreeBlock(order: order) { page in
        count += 1
        if page + length > pages { problem = "block \(page) of order \(order) ends beyond RAM" }
        if let previous, previous >= page { problem = "order \(order) is out of order at \(page)" }
        if let previous, order < maximumOrder, previous == page ^ length {
          problem = "\(previous) and \(page) of order \(order) are buddies and both free"
        }
        for larger in order + 1..<max(order + 1, maximumOrder + 1)
        where isFreeBlock(Self.start(of: page, order: larger), order: larger) {
          problem = "\(page) of order \(order) lies in a free block of order \(larger)"
        }
        previous = page
      }
      if count != freeBlocks(order: order) {
        problem = "order \(order) counts \(freeBlocks(order: order)) blocks and has \(count)"
      }
      sum += count << UInt64(order)
    }
    if sum != freePages { problem = "\(freePages) pages are free, blocks hold \(sum)" }
    return problem
  }
}
