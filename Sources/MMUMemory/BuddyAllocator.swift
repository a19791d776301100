/// Hands out blocks of 2^order pages, and merges what comes back with its buddy.
///
///     var buddies = BuddyAllocator(pages: memory.frameCount)
///     if let page = buddies.allocate(order: 9) { buddies.release(page, order: 9) }
///
/// A block of an order lies at a multiple of its length; its buddy is the other half of the block one
/// order up. Two buddies are never free at once: they are one block then. Of the free blocks the
/// smallest that suffices is taken, of those the one with the lowest page number, and what is split
/// keeps its lower half.
///
/// The free blocks of each order are a bitmap with summaries: a word of 64 bits has one bit in the
/// level above, set while the word is not zero. The lowest free block is found by counting zeros from
/// the top, one word a level: three levels for 2^18 pages, six for 2^32. The bitmaps lie in host
/// memory of their own, about a quarter of a byte for each page, and the host backs what was touched
/// only: RAM nobody has used is a few bits in the bitmap of the largest order.
/// - Complexity: an allocation and a release take at most one step for each order between the order
///   wanted and the largest, one on average when blocks come and go in a row.
public struct BuddyAllocator: ~Copyable {
  /// Pages there are, free or not; numbered from 0.
  public let pages: UInt64
  /// The order of the largest blocks: 18 are blocks of 1 GiB.
  public let maximumOrder: Int
  /// Pages that are free.
  public private(set) var freePages: UInt64 = 0
  /// One bit for each order that has a free block.
  private var available: UInt64 = 0
  /// For each order the number of its free blocks.
  private let counts: UnsafeMutablePointer<UInt64>
  /// The bitmap of each order, 8 pointers: the level with a bit for each block first.
  private let levels: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>>
  /// The number of levels of each order.
  private let depths: UnsafeMutablePointer<Int>
  private let words: UnsafeMutableRawPointer
  private let wordBytes: UInt64

  /// The order of a block of 1 GiB, a page being 4 KiB.
  public static var gigabyteOrder: Int { 18 }

  /// Takes charge of pages, all of them free.
  ///
  /// - Precondition: at most 2^32 pages, and an order of at most 32.
  public init(pages: UInt64, maximumOrder: Int = BuddyAllocator.gigabyteOrder) {
    precondition(pages <= 1 << 32, "at most 16 TiB of RAM")
    precondition((0...32).contains(maximumOrder), "an order is 0 to 32")
    self.pages = pages
    self.maximumOrder = maximumOrder
    let orders = maximumOrder + 1
    counts = .allocate(capacity: orders)
    counts.initialize(repeating: 0, count: orders)
    depths = .allocate(capacity: orders)
    levels = .allocate(capacity: orders * 8)
    var total = 0
    func forEachLevel(_ body: (_ order: Int, _ level: Int, _ words: Int) -> Void) {
      for order in 0..<orders {
        var bits = Int((pages + (1 << UInt64(order)) - 1) >> UInt64(order))
        var level = 0
        repeat {
          bits = max(1, (bits + 63) / 64)
          body(order, level, bits)
          level += 1
        } while bits > 1
      }
    }
    forEachLevel { total += $2 }
    wordBytes = (UInt64(total) * 8 + 4095) & ~4095
    words = Platform.map(bytes: wordBytes, hugePages: false)
    var next = words.assumingMemoryBound(to: UInt64.self)
    for order in 0..<orders { depths[order] = 0 }
    let (levels, depths) = (levels, depths)
    forEachLevel { order, level, count in
      (levels + order * 8 + level).initialize(to: next)
      depths[order] = level + 1
      next += count
    }
    seed()
  }

  deinit {
    Platform.unmap(words, bytes: wordBytes)
    levels.deallocate()
    depths.deallocate()
    counts.deallocate()
  }

  /// Makes all pages free: blocks of the largest order, and smaller ones for what is left over.
  private mutating func seed() {
    var page: UInt64 = 0
    for order in (0...maximumOrder).reversed() {
      while pages - page >= 1 << UInt64(order) {
        insert(page >> UInt64(order), order)
        page += 1 << UInt64(order)
      }
    }
    freePages = pages
  }

  /// Takes the block of an order with the lowest page number, splitting a larger one if it must.
  ///
  /// - Returns: the number of the block's first page; nil if no free block is large enough.
  public mutating func allocate(order: Int) -> UInt64? {
    assert((0...maximumOrder).contains(order), "order \(order) is not 0 to \(maximumOrder)")
    let large = available &>> UInt64(order)
    if large == 0 { return nil }
    var from = order &+ large.trailingZeroBitCount
    var index = lowest(from)
    remove(index, from)
    while from > order {
      from &-= 1
      index &<<= 1
      insert(index | 1, from)
    }
    freePages &-= 1 &<< UInt64(order)
    return index &<< UInt64(order)
  }

  /// Takes as many pages as that many allocations of order 0 would begin with, as long as they make
  /// one block.
  ///
  /// - Returns: the first page and how many; nil if nothing is free.
  public mutating func allocateRun(atMost count: Int) -> (page: UInt64, count: Int)? {
    precondition(count > 0, "a run of \(count) pages")
    // The pages of the smallest block, in order: what is split off it is smaller still.
    guard let order = orderServing(0) else { return nil }
    let taken = min(order, count.bitWidth - 1 - count.leadingZeroBitCount)
    guard let page = allocate(order: taken) else { return nil }
    return (page, 1 << taken)
  }

  /// Gives a block back, and merges it with its buddy as long as that is free.
  ///
  /// - Precondition: the block was handed out, or is part of one that was.
  /// - Returns: the order of the free block that it is part of now.
  @discardableResult
  public mutating func release(_ page: UInt64, order: Int) -> Int {
    precondition(
      page < pages && page & (1 << UInt64(order) - 1) == 0, "no block of order \(order): \(page)")
    assert(!overlapsFree(page, order: order), "page \(page) is released twice")
    freePages &+= 1 &<< UInt64(order)
    var order = order
    var index = page &>> UInt64(order)
    while order < maximumOrder && isSet(index ^ 1, order) {
      remove(index ^ 1, order)
      index &>>= 1
      order &+= 1
    }
    insert(index, order)
    return order
  }

  /// Takes a given block, if all of it is free: for pages that are somebody's from the start, and for
  /// what empties a range of memory.
  public mutating func take(_ page: UInt64, order: Int) -> Bool {
    guard page < pages, let whole = freeBlock(containing: page), whole.order >= order else {
      return false
    }
    precondition(page & (1 << UInt64(order) - 1) == 0, "no block of order \(order): \(page)")
    var from = whole.order
    remove(whole.page >> UInt64(from), from)
    while from > order {
      from -= 1
      insert((page >> UInt64(from)) ^ 1, from)
    }
    freePages -= 1 << UInt64(order)
    return true
  }

  /// The order of the block that an allocation would take or split; nil if it would fail.
  public func orderServing(_ order: Int) -> Int? {
    let large = available >> UInt64(order)
    return large == 0 ? nil : order + large.trailingZeroBitCount
  }

  /// The order of the largest free block; nil if nothing is free.
  public var largestFreeOrder: Int? {
    available == 0 ? nil : 63 - available.leadingZeroBitCount
  }

  /// The free block a page is in; nil if the page is in use.
  public func freeBlock(containing page: UInt64) -> (page: UInt64, order: Int)? {
    guard page < pages else { return nil }
    for order in 0...maximumOrder where isSet(page >> UInt64(order), order) {
      return (Self.start(of: page, order: order), order)
    }
    return nil
  }

  /// The number of free blocks of an order.
  public func freeBlocks(order: Int) -> UInt64 { counts[order] }

  /// Tells whether a block is free as such, neither split nor part of a larger one.
  public func isFreeBlock(_ page: UInt64, order: Int) -> Bool {
    isSet(page >> UInt64(order), order)
  }

  /// Calls `body` with the first page of each free block of an order, lowest first.
  public func forEachFreeBlock(order: Int, _ body: (UInt64) -> Void) {
    var left = counts[order]
    var word = 0
    while left > 0 {
      word = nextWord(from: word, order)
      var bits = levels[order * 8][word]
      while bits != 0 {
        let index = UInt64(word) << 6 | UInt64(bits.trailingZeroBitCount)
        body(index << UInt64(order))
        bits &= bits - 1
        left -= 1
      }
      word += 1
    }
  }

  /// The first page of the block of an order that a page lies in.
  static func start(of page: UInt64, order: Int) -> UInt64 { page & ~0 << UInt64(order) }

  /// Tells whether any page of a block is free.
  func overlapsFree(_ page: UInt64, order: Int) -> Bool {
    if freeBlock(containing: page) != nil { return true }
    for smaller in 0..<order {
      let first = page >> UInt64(smaller)
      let end = first + 1 << UInt64(order - smaller)
      for index in first..<end where index << UInt64(smaller) < pages && isSet(index, smaller) {
        return true
      }
    }
    return false
  }

  // MARK: the bitmaps

  @inline(__always)
  private func isSet(_ index: UInt64, _ order: Int) -> Bool {
    // The buddy of the last block may lie beyond the pages, in a word that is there or not.
    index &<< UInt64(order) < pages
      && levels[order &* 8][Int(index &>> 6)] &>> (index & 63) & 1 != 0
  }

  @inline(__always)
  private mutating func insert(_ index: UInt64, _ order: Int) {
    counts[order] &+= 1
    available |= 1 &<< UInt64(order)
    var index = index
    var level = levels + order &* 8
    let end = level + depths[order]
    while level < end {
      let word = level.pointee + Int(index &>> 6)
      let old = word.pointee
      word.pointee = old | 1 &<< (index & 63)
      if old != 0 { return }
      index &>>= 6
      level += 1
    }
  }

  @inline(__always)
  private mutating func remove(_ index: UInt64, _ order: Int) {
    counts[order] &-= 1
    if counts[order] == 0 { available &= ~(1 &<< UInt64(order)) }
    var index = index
    var level = levels + order &* 8
    let end = level + depths[order]
    while level < end {
      let word = level.pointee + Int(index &>> 6)
      word.pointee &= ~(1 &<< (index & 63))
      if word.pointee != 0 { return }
      index &>>= 6
      level += 1
    }
  }

  /// The lowest free block of an order that has one.
  @inline(__always)
  private func lowest(_ order: Int) -> UInt64 {
    var index: UInt64 = 0
    var level = levels + (order &* 8 &+ depths[order])
    let first = levels + order &* 8
    while level > first {
      level -= 1
      index = index &<< 6 | UInt64(level.pointee[Int(index)].trailingZeroBitCount)
    }
    return index
  }

  /// The first word of an order's bitmap from `word` on that is not zero; there is one.
  private func nextWord(from word: Int, _ order: Int) -> Int {
    // Up while the rest of the summary word is empty, then down along the lowest bits.
    let bitmap = levels + order * 8
    if bitmap[0][word] != 0 { return word }
    var level = 1
    var index = word
    while true {
      let rest = bitmap[level][index >> 6] & (~0 << UInt64(index & 63))
      if rest != 0 {
        index = index & ~63 | rest.trailingZeroBitCount
        break
      }
      index = (index >> 6) + 1
      level += 1
    }
    while level > 1 {
      level -= 1
      index = index << 6 | bitmap[level][index].trailingZeroBitCount
    }
    return index
  }
}
