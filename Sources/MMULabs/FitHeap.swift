/// How a heap chooses among the free blocks that are large enough.
public enum FitStrategy: String, CaseIterable, Sendable {
  /// The one with the lowest address.
  case first
  /// The smallest, of equal ones the lowest.
  case best
  /// The largest, of equal ones the lowest.
  case worst
  /// The first at or after the end of the latest allocation, else the lowest.
  case next
}

/// One run of addresses handed out in pieces: a free list in address order, neighbours joined at once,
/// no headers, no alignment.
///
///     var heap = FitHeap(.best, size: 1000)
///     let address = heap.allocate(100)
///
/// An allocation takes the low end of the block chosen.
/// - Complexity: linear in the number of free blocks.
public struct FitHeap: Sendable {
  /// A run of free addresses.
  public struct Block: Hashable, Sendable {
    /// Its lowest address.
    public var address: UInt64
    /// How many addresses; 1 at least.
    public var size: UInt64
    /// Joins the two.
    public init(address: UInt64, size: UInt64) {
      self.address = address
      self.size = size
    }

    /// One past its highest address.
    public var end: UInt64 { address + size }
  }

  /// How blocks are chosen.
  public let strategy: FitStrategy
  /// The lowest address.
  public let base: UInt64
  /// Addresses in all.
  public let size: UInt64
  /// The free blocks in address order, no two of them adjacent.
  public private(set) var freeList: [Block]
  /// Where `next` goes on looking.
  private var cursor: UInt64
  /// Free blocks looked at so far: the cost of searching.
  public private(set) var examined = 0

  /// Makes a heap that is free as a whole.
  ///
  /// - Precondition: base + size fits 64 bits.
  public init(_ strategy: FitStrategy, base: UInt64 = 0, size: UInt64) {
    precondition(!base.addingReportingOverflow(size).overflow, "the heap ends beyond 2^64")
    self.strategy = strategy
    self.base = base
    self.size = size
    freeList = size == 0 ? [] : [Block(address: base, size: size)]
    cursor = base
  }

  /// Free addresses in all.
  public var freeSize: UInt64 { freeList.reduce(0) { $0 + $1.size } }
  /// The largest free block; 0 if nothing is free.
  public var largestFree: UInt64 { freeList.map(\.size).max() ?? 0 }

  /// Takes `size` addresses; nil if no free block is large enough.
  ///
  /// - Precondition: `size` is 1 at least.
  public mutating func allocate(_ size: UInt64) -> UInt64? {
    precondition(size > 0, "an allocation of nothing")
    guard let index = choose(size) else { return nil }
    let address = freeList[index].address
    freeList[index].address += size
    freeList[index].size -= size
    if freeList[index].size == 0 { freeList.remove(at: index) }
    cursor = address + size
    return address
  }

  private mutating func choose(_ size: UInt64) -> Int? {
    var chosen: Int?
    switch strategy {
    case .first: chosen = search(0..<freeList.count, size)
    case .next:
      let start = freeList.firstIndex { $0.address >= cursor } ?? freeList.count
      chosen = search(start..<freeList.count, size) ?? search(0..<start, size)
    case .best, .worst:
      examined += freeList.count
      for (index, block) in freeList.enumerated() where block.size >= size {
        guard let found = chosen else {
          chosen = index
          continue
        }
        let other = freeList[found].size
        if strategy == .best ? block.size < other : block.size > other { chosen = index }
      }
    }
    return chosen
  }

  /// The first block of a range of the list that is large enough.
  private mutating func search(_ range: Range<Int>, _ size: UInt64) -> Int? {
    for index in range {
      examined += 1
      if freeList[index].size >= size { return index }
    }
    return nil
  }

  /// Gives addresses back and joins them with their free neighbours.
  ///
  /// - Precondition: they were taken, as a whole or as a part of an allocation.
  public mutating func free(_ address: UInt64, _ size: UInt64) {
    precondition(size > 0 && address >= base && address + size <= base + self.size)
    let index = freeList.firstIndex { $0.address > address } ?? freeList.count
    precondition(index == 0 || freeList[index - 1].end <= address, "freed twice: \(address)")
    precondition(
      index == freeList.count || address + size <= freeList[index].address,
      "freed twice: \(address)")
    freeList.insert(Block(address: address, size: size), at: index)
    if index + 1 < freeList.count, freeList[index].end == freeList[index + 1].address {
      freeList[index].size += freeList[index + 1].size
      freeList.remove(at: index + 1)
    }
    if index > 0, freeList[index - 1].end == freeList[index].address {
      freeList[index - 1].size += freeList[index].size
      freeList.remove(at: index)
    }
  }

  /// Takes the addresses just after an allocation, so that it grows in place; false if they are not
  /// free.
  public mutating func extend(at end: UInt64, by size: UInt64) -> Bool {
    guard let index = freeList.firstIndex(where: { $0.address == end }),
      freeList[index].size >= size
    else { return false }
    freeList[index].address += size
    freeList[index].size -= size
    if freeList[index].size == 0 { freeList.remove(at: index) }
    return true
  }

  /// Makes all free addresses one block at the top, for somebody who has moved what lies below it.
  mutating func becomeCompact() {
    let free = freeSize
    freeList = free == 0 ? [] : [Block(address: base + size - free, size: free)]
    cursor = base + size - free
  }
}
