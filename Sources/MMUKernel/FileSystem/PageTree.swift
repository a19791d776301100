/// Words by page number: a radix tree of 512-way nodes, as high as the largest number needs.
///
/// What Linux's page cache keeps in an XArray; a word of 0 is none. A file below 2 MiB needs one
/// node, so a lookup there is one load.
/// - Complexity: O(log page) for one word; visits cost the nodes in the range.
struct PageTree: ~Copyable {
  private typealias Node = UnsafeMutablePointer<UInt64>

  /// Slots 0...511 hold words, or in upper nodes the addresses of nodes; 512 counts those in use.
  private var root: Node?
  private var height: UInt64 = 0
  /// How many words are not 0.
  private(set) var count = 0

  deinit { if let root { Self.free(root, height) } }

  private static func makeNode() -> Node {
    let node = Node.allocate(capacity: 513)
    node.initialize(repeating: 0, count: 513)
    return node
  }

  private static func child(_ node: Node, _ slot: Int) -> Node? {
    Node(bitPattern: UInt(truncatingIfNeeded: node[slot]))
  }

  private static func free(_ node: Node, _ height: UInt64) {
    if height > 1 {
      for slot in 0..<512 { if let child = child(node, slot) { free(child, height - 1) } }
    }
    node.deallocate()
  }

  /// The word of a page; 0 if it has none.
  subscript(page: UInt64) -> UInt64 {
    guard var node = root, page >> (9 &* height) == 0 else { return 0 }
    var level = height
    while level > 1 {
      level &-= 1
      guard let next = Self.child(node, Int((page >> (9 &* level)) & 511)) else { return 0 }
      node = next
    }
    return node[Int(page & 511)]
  }

  /// Gives a page a word; 0 takes it away.
  mutating func set(_ page: UInt64, to word: UInt64) {
    if word == 0 {
      if let root, self[page] != 0 {
        remove(page, from: root, height)
        count -= 1
        if count == 0 {
          root.deallocate()
          self.root = nil
          height = 0
        }
      }
      return
    }
    if root == nil {
      root = Self.makeNode()
      height = 1
    }
    while page >> (9 &* height) != 0, let old = root {
      let node = Self.makeNode()
      node[0] = UInt64(UInt(bitPattern: old))
      node[512] = 1
      root = node
      height += 1
    }
    guard var node = root else { return }
    var level = height
    while level > 1 {
      level -= 1
      let slot = Int((page >> (9 * level)) & 511)
      if node[slot] == 0 {
        node[slot] = UInt64(UInt(bitPattern: Self.makeNode()))
        node[512] += 1
      }
      guard let next = Self.child(node, slot) else { return }
      node = next
    }
    let slot = Int(page & 511)
    if node[slot] == 0 {
      node[512] += 1
      count += 1
    }
    node[slot] = word
  }

  /// Takes a word out and frees nodes that become empty, the root excepted.
  private func remove(_ page: UInt64, from node: Node, _ level: UInt64) {
    let slot = Int((page >> (9 * (level - 1))) & 511)
    if level > 1 {
      guard let next = Self.child(node, slot) else { return }
      remove(page, from: next, level - 1)
      if next[512] != 0 { return }
      next.deallocate()
    }
    node[slot] = 0
    node[512] -= 1
  }

  /// Calls `body` with each page of `range` that has a word, in order.
  ///
  /// - Precondition: `body` does not change the tree.
  func forEach(in range: Range<UInt64>, _ body: (UInt64, UInt64) -> Void) {
    if let root { visit(root, height, 0, range, body) }
  }

  private func visit(
    _ node: Node, _ level: UInt64, _ base: UInt64, _ range: Range<UInt64>,
    _ body: (UInt64, UInt64) -> Void
  ) {
    let shift = 9 * (level - 1)
    var slot = range.lowerBound > base ? (range.lowerBound - base) >> shift : 0
    while slot < 512 {
      let start = base + slot << shift
      if start >= range.upperBound { return }
      let word = node[Int(slot)]
      slot += 1
      if word == 0 { continue }
      if level == 1 {
        body(start, word)
      } else if let child = Node(bitPattern: UInt(truncatingIfNeeded: word)) {
        visit(child, level - 1, start, range, body)
      }
    }
  }

  /// The pages of `range` that have a word, in order.
  func pages(in range: Range<UInt64>) -> [UInt64] {
    var result: [UInt64] = []
    forEach(in: range) { page, _ in result.append(page) }
    return result
  }
}
