/// Faults at every memory size, for an algorithm whose pages in memory grow by one with each frame.
///
/// Mattson, Gecsei, Slutz and Traiger, "Evaluation techniques for storage hierarchies", IBM Systems
/// Journal 9(2), 1970: a reference at depth d of the stack hits with d frames or more, and faults with
/// fewer, so the number of references at each depth says it all.
public struct MissCurve: Hashable, Sendable {
  /// By number of frames: faults; for 0 frames, all references.
  private let faults: [Int]

  /// - Parameter depths: at depth d, how many references were found there; nothing at 0.
  init(references: Int, depths: UnsafeBufferPointer<Int>) {
    var faults = [references]
    faults.reserveCapacity(depths.count)
    for depth in depths.dropFirst() { faults.append(faults[faults.count - 1] - depth) }
    self.faults = faults
  }

  /// The faults with that many frames.
  public func faults(frames: Int) -> Int { faults[min(frames, faults.count - 1)] }

  /// The number of different pages: more frames change nothing.
  public var pages: Int { faults.count - 1 }
}

extension MissCurve {
  /// The curve of exact LRU, by stack distances.
  ///
  /// The depth of a page is the number of different pages referenced since its last reference, itself
  /// included. A bit for each page stands at the time of its last reference; times are renumbered when
  /// there have been as many as there are pages.
  ///
  /// - Complexity: O(n log m) for n references to m pages.
  public static func lru(_ string: ReferenceString) -> MissCurve {
    let pages = string.names.count
    var marks = RankedMarks(slots: 2 * pages + 64)
    let depths = UnsafeMutableBufferPointer<Int>.allocate(capacity: pages + 1)
    depths.initialize(repeating: 0)
    let lastSlot = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, pages))
    lastSlot.initialize(repeating: .max, count: pages)
    let pageAt = UnsafeMutablePointer<UInt32>.allocate(capacity: marks.slots)
    pageAt.initialize(repeating: 0, count: marks.slots)
    defer {
      depths.deallocate()
      lastSlot.deallocate()
      pageAt.deallocate()
    }
    var slot = 0
    string.references.withUnsafeBufferPointer { references in
      for reference in references {
        let page = Int(reference >> 1)
        let last = lastSlot[page]
        if last != .max {
          // The page of the reference before is on top, and stays where it is.
          if Int(last) == slot - 1 {
            depths[1] += 1
            continue
          }
          depths[marks.count - marks.rank(Int(last)) + 1] += 1
          marks.remove(Int(last))
        }
        if slot == marks.slots {
          slot = 0
          marks.compact { old in
            pageAt[slot] = pageAt[old]
            lastSlot[Int(pageAt[slot])] = UInt32(slot)
            slot += 1
          }
        }
        marks.insert(slot)
        lastSlot[page] = UInt32(slot)
        pageAt[slot] = UInt32(page)
        slot += 1
      }
    }
    return MissCurve(references: string.count, depths: UnsafeBufferPointer(depths))
  }
}

/// Bits that can be counted up to any place: a Fenwick tree over words of 64.
struct RankedMarks: ~Copyable {
  let slots: Int
  private(set) var count = 0
  private let wordCount: Int
  private let words: UnsafeMutablePointer<UInt64>
  /// Element i, from 1, sums the bits of as many words up to the i-th as its lowest one bit says.
  private let sums: UnsafeMutablePointer<UInt32>

  init(slots: Int) {
    wordCount = (slots + 63) / 64
    self.slots = wordCount * 64
    words = .allocate(capacity: wordCount)
    words.initialize(repeating: 0, count: wordCount)
    sums = .allocate(capacity: wordCount + 1)
    sums.initialize(repeating: 0, count: wordCount + 1)
  }

  deinit {
    words.deallocate()
    sums.deallocate()
  }

  mutating func insert(_ slot: Int) {
    words[slot >> 6] |= 1 &<< UInt64(slot & 63)
    count += 1
    add(1, slot >> 6)
  }

  mutating func remove(_ slot: Int) {
    words[slot >> 6] &= ~(1 &<< UInt64(slot & 63))
    count -= 1
    add(UInt32.max, slot >> 6)
  }

  /// How many marks there are up to a slot, itself included.
  func rank(_ slot: Int) -> Int {
    var sum = (words[slot >> 6] &<< UInt64(63 - slot & 63)).nonzeroBitCount
    var i = slot >> 6
    while i > 0 {
      sum += Int(sums[i])
      i &= i - 1
    }
    return sum
  }

  /// Moves all marks to the lowest slots, in order; `moved` sees each old slot.
  mutating func compact(_ moved: (Int) -> Void) {
    for i in 0..<wordCount {
      var word = words[i]
      while word != 0 {
        moved(i << 6 | word.trailingZeroBitCount)
        word &= word - 1
      }
    }
    sums.update(repeating: 0, count: wordCount + 1)
    for i in 0..<wordCount {
      let left = min(64, max(0, count - i << 6))
      words[i] = left == 64 ? .max : 1 &<< UInt64(left) &- 1
      // Adds what is complete to the sum above it.
      let index = i + 1
      sums[index] &+= UInt32(left)
      let parent = index + (index & -index)
      if parent <= wordCount { sums[parent] &+= sums[index] }
    }
  }

  private mutating func add(_ difference: UInt32, _ word: Int) {
    var i = word + 1
    while i <= wordCount {
      sums[i] &+= difference
      i += i & -i
    }
  }
}
