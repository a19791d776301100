import Testing
import TestSupport

@testable import MMUMemory

/// One byte for each page, and the free blocks derived from nothing but that.
private struct ByteMap {
  var used: [Bool]
  let maximumOrder: Int

  /// The free blocks of each order: maximal aligned runs of free pages.
  var blocks: [[UInt64]] {
    var result = [[UInt64]](repeating: [], count: maximumOrder + 1)
    func cover(_ page: Int, _ order: Int) {
      if page >= used.count { return }
      let end = page + 1 << order
      if end <= used.count && !used[page..<end].contains(true) {
        result[order].append(UInt64(page))
      } else if order > 0 {
        cover(page, order - 1)
        cover(page + 1 << (order - 1), order - 1)
      }
    }
    for page in stride(from: 0, to: used.count, by: 1 << maximumOrder) {
      cover(page, maximumOrder)
    }
    return result
  }

  mutating func mark(_ page: UInt64, _ order: Int, _ value: Bool) {
    for i in Int(page)..<Int(page) + 1 << order { used[i] = value }
  }
}

@Suite struct BuddyAllocatorTests {
  private func blocks(_ buddies: borrowing BuddyAllocator) -> [[UInt64]] {
    var result: [[UInt64]] = []
    for order in 0...buddies.maximumOrder {
      var list: [UInt64] = []
      buddies.forEachFreeBlock(order: order) { list.append($0) }
      result.append(list)
    }
    return result
  }

  @Test(arguments: [
    (1, 0), (1, 18), (2, 1), (63, 5), (64, 6), (65, 6), (100, 3), (256, 8), (777, 4), (1000, 18),
    (4097, 12),
  ])
  func `every step leaves the free blocks a byte map has`(pages: Int, maximumOrder: Int) {
    for seed in 1...3 as ClosedRange<UInt64> {
      var random = Dice(seed &* 977 &+ UInt64(pages))
      var buddies = BuddyAllocator(pages: UInt64(pages), maximumOrder: maximumOrder)
      var map = ByteMap(
        used: [Bool](repeating: false, count: pages), maximumOrder: maximumOrder)
      var held: [(page: UInt64, order: Int)] = []
      var wrong: String?
      for step in 0..<(pages > 1000 ? 150 : 300) where wrong == nil {
        let free = map.blocks
        if blocks(buddies) != free { wrong = "free blocks differ before step \(step)" }
        if let problem = buddies.checkInvariants() { wrong = "step \(step): \(problem)" }
        // Phases of growth and of shrinking, so that memory fills and empties.
        let grows = step / 75 % 2 == 0 ? 70 : 30
        let order = min(random.below(maximumOrder + 1), random.below(maximumOrder + 1))
        switch random.below(100) {
        case 0..<5:
          let page = BuddyAllocator.start(of: UInt64(random.below(pages)), order: order)
          let end = Int(page) + 1 << order
          let isFree = end <= pages && !map.used[Int(page)..<end].contains(true)
          if buddies.take(page, order: order) != isFree { wrong = "take(\(page)) at \(step)" }
          if isFree {
            map.mark(page, order, true)
            held.append((page, order))
          }
        case 5..<grows:
          let expected = (order...maximumOrder).first { !free[$0].isEmpty }
          if buddies.orderServing(order) != expected { wrong = "orderServing at \(step)" }
          let page = buddies.allocate(order: order)
          if page != expected.map({ free[$0][0] }) { wrong = "allocate at \(step)" }
          guard let page else { continue }
          map.mark(page, order, true)
          held.append((page, order))
        default:
          if held.isEmpty { continue }
          var block = held.remove(at: random.below(held.count))
          if block.order > 0 && random.below(4) == 0 {
            // Half a block comes back; the rest is kept.
            block.order -= 1
            held.append((block.page + 1 << UInt64(block.order), block.order))
          }
          map.mark(block.page, block.order, false)
          let order = buddies.release(block.page, order: block.order)
          let merged = BuddyAllocator.start(of: block.page, order: order)
          if !map.blocks[order].contains(merged) { wrong = "release at \(step)" }
        }
      }
      #expect(wrong == nil, "\(pages) pages, seed \(seed)")
    }
  }

  @Test func `all orders of all splits of a small memory give back what they took`() {
    // 2^5 pages: each sequence of three orders, released in each of the six ways.
    let ways = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    for code in 0..<216 {
      let orders = [code % 6, code / 6 % 6, code / 36]
      for way in ways {
        var buddies = BuddyAllocator(pages: 32, maximumOrder: 5)
        let pages = orders.map { buddies.allocate(order: $0) }
        let taken = zip(orders, pages).reduce(0) { $0 + ($1.1 == nil ? 0 : 1 << UInt64($1.0)) }
        #expect(buddies.freePages == 32 - taken)
        for i in way {
          if let page = pages[i] { buddies.release(page, order: orders[i]) }
        }
        #expect(buddies.isFreeBlock(0, order: 5) == true, "\(orders) \(way)")
        #expect(buddies.freePages == 32)
      }
    }
  }

  @Test(arguments: 1...6) func `a run is what single allocations would take`(seed: UInt64) {
    var random = Dice(seed)
    var one = BuddyAllocator(pages: 777, maximumOrder: 9)
    var other = BuddyAllocator(pages: 777, maximumOrder: 9)
    for _ in 0..<500 {
      let page = UInt64(random.below(777))
      if one.take(page, order: 0) { _ = other.take(page, order: 0) }
    }
    while one.freePages > 0 {
      let run = one.allocateRun(atMost: 1 + random.below(70)) ?? (0, 0)
      for i in 0..<run.count { #expect(other.allocate(order: 0) == run.page + UInt64(i)) }
      #expect(blocks(one) == blocks(other))
    }
    let none = one.allocateRun(atMost: 1)
    #expect(none == nil)
  }

  @Test func `terabytes of untouched memory are a few blocks of a gigabyte`() {
    var buddies = BuddyAllocator(pages: 1 << 32)
    #expect(buddies.freeBlocks(order: 18) == 1 << 14)
    #expect(buddies.largestFreePages == 1 << 18)
    #expect(buddies.allocate(order: 0) == 0)
    #expect(buddies.allocate(order: 18) == 1 << 18)
    #expect(buddies.take((1 << 32) - 1, order: 0) == true)
    #expect(buddies.take((1 << 32) - 1, order: 0) == false)
    #expect(buddies.freePages == 1 << 32 - 2 - 1 << 18)
    buddies.release((1 << 32) - 1, order: 0)
    buddies.release(1 << 18, order: 18)
    #expect(buddies.release(0, order: 0) == 18)
    #expect(buddies.freeBlocks(order: 18) == 1 << 14)
  }

  @Test func `counts and indices are those of Linux`() {
    var buddies = BuddyAllocator(pages: 1 << 12)
    #expect(buddies.blockCounts(upTo: 10) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4])
    #expect(buddies.unusableFreeIndex(order: 10) == 0)
    #expect(buddies.fragmentationIndex(order: 10) == -1000)
    // Every second page is in use.
    while buddies.allocate(order: 0) != nil {}
    #expect(buddies.unusableFreeIndex(order: 0) == 1000)
    #expect(buddies.fragmentationIndex(order: 0) == 0)
    for page in stride(from: 0 as UInt64, to: 1 << 12, by: 2) { buddies.release(page, order: 0) }
    #expect(buddies.blockCounts(upTo: 10)[0] == 2048)
    #expect(buddies.unusableFreeIndex(order: 0) == 0)
    #expect(buddies.unusableFreeIndex(order: 1) == 1000)
    // 1000 - (1000 + 2048 * 1000 / 2) / 2048 = 1000 - 500
    #expect(buddies.fragmentationIndex(order: 1) == 500)
    // 1000 - (1000 + 2048 * 1000 / 512) / 2048 = 1000 - 2
    #expect(buddies.fragmentationIndex(order: 9) == 998)
  }

  @Test func `a block released twice is a broken invariant`() async {
    await #expect(processExitsWith: .failure) {
      var buddies = BuddyAllocator(pages: 16, maximumOrder: 4)
      buddies.release(0, order: 0)
    }
    await #expect(processExitsWith: .failure) {
      var buddies = BuddyAllocator(pages: 16, maximumOrder: 4)
      _ = buddies.allocate(order: 4)
      buddies.release(1, order: 1)
    }
  }
}

@Suite struct CoreFreeListTests {
  @Test func `the page freed last comes first, and no page is handed out twice`() {
    var random = Dice(5)
    var buddies = BuddyAllocator(pages: 300)
    var list = CoreFreeList(batch: 7, high: 20)
    var held: [UInt64] = []
    for step in 0..<5000 {
      if random.below(100) < (step / 500 % 2 == 0 ? 60 : 40) {
        let page = list.allocate(from: &buddies)
        if page == nil { #expect(held.count == 300) }
        guard let page else { continue }
        #expect(!held.contains(page))
        held.append(page)
      } else if !held.isEmpty {
        let page = held.remove(at: random.below(held.count))
        list.release(page, to: &buddies)
        if random.below(2) == 0 {
          #expect(list.allocate(from: &buddies) == page)
          list.release(page, to: &buddies)
        }
        #expect(list.pages.contains(page) == true)
      }
      #expect(UInt64(held.count + list.count) + buddies.freePages == 300)
      #expect(list.count <= 20)
    }
    for page in held { list.release(page, to: &buddies) }
    list.drain(to: &buddies)
    #expect(list.count == 0)
    let untouched = BuddyAllocator(pages: 300)
    #expect(buddies.blockCounts(upTo: 18) == untouched.blockCounts(upTo: 18))
  }

  @Test(arguments: [[Int](0..<300), (0..<300).reversed(), (0..<150).reversed() + (150..<300)])
  func `pages given back in a row make the blocks they came from`(order: [Int]) {
    var buddies = BuddyAllocator(pages: 300)
    var list = CoreFreeList(batch: 11, high: 70)
    for _ in 0..<300 { _ = list.allocate(from: &buddies) }
    for page in order {
      list.release(UInt64(page), to: &buddies)
      #expect(UInt64(list.count) + buddies.freePages <= 300)
    }
    #expect(UInt64(list.count) + buddies.freePages == 300)
    #expect(buddies.checkInvariants() == nil)
    #expect(list.drain(to: &buddies) > 0)
    #expect(buddies.checkInvariants() == nil)
    #expect(
      buddies.blockCounts(upTo: 18) == BuddyAllocator(pages: 300).blockCounts(upTo: 18))
  }

  @Test func `pages of an untouched memory come in order`() {
    var buddies = BuddyAllocator(pages: 1024)
    var list = CoreFreeList()
    for page in 0..<1024 as Range<UInt64> { #expect(list.allocate(from: &buddies) == page) }
    #expect(list.allocate(from: &buddies) == nil)
    buddies = BuddyAllocator(pages: 1 << 10)
    list = CoreFreeList(batch: 7, high: 9)
    for page in 0..<1024 as Range<UInt64> { #expect(list.allocate(from: &buddies) == page) }
  }
}
