extension MissCurve {
  /// The curve of OPT, which is a stack algorithm too: the fewest faults possible at every memory size.
  ///
  /// The referenced page goes on top of the stack; the page that was there sinks until it meets one
  /// that is used later than itself, takes that page's place, and that one sinks on, to the place the
  /// referenced page left. A tree of the latest next use in each part of the stack finds the pages
  /// that sink.
  ///
  /// - Complexity: O((n + s) log m) for n references to m pages, of which s sink; a few a reference in
  ///   practice, m at worst.
  public static func optimal(_ string: ReferenceString) -> MissCurve {
    let pages = string.names.count
    let uses = NextUses(string)
    let stack = LatestUses(places: pages)
    let depths = UnsafeMutableBufferPointer<Int>.allocate(capacity: pages + 1)
    depths.initialize(repeating: 0)
    // Of each page, its place in the stack; of each place, its page.
    let placeOf = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, pages))
    placeOf.initialize(repeating: .max, count: pages)
    let pageAt = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, pages))
    pageAt.initialize(repeating: 0, count: pages)
    defer {
      depths.deallocate()
      placeOf.deallocate()
      pageAt.deallocate()
    }
    var size = 0
    string.references.withUnsafeBufferPointer { references in
      for (time, reference) in references.enumerated() {
        let page = reference >> 1
        var place = Int(placeOf[Int(page)])
        if placeOf[Int(page)] == .max {
          place = size
          size += 1
        } else {
          depths[place + 1] += 1
        }
        // Sink from the top down to the place that the page leaves.
        var sinking = page
        var use = uses.next[time]
        var at = 0
        while true {
          let displaced = pageAt[at]
          let displacedUse = stack[at]
          stack[at] = use
          pageAt[at] = sinking
          placeOf[Int(sinking)] = UInt32(at)
          if at == place { break }
          sinking = displaced
          use = displacedUse
          at = stack.first(after: at, above: use, before: place) ?? place
        }
      }
    }
    return MissCurve(references: string.count, depths: UnsafeBufferPointer(depths))
  }
}

/// A row of next uses with a tree of maxima above it.
private struct LatestUses: ~Copyable {
  private let leaves: Int
  /// Node 1 is the root, node i has the children 2i and 2i + 1, the row is the last level.
  private let nodes: UnsafeMutablePointer<UInt32>

  init(places: Int) {
    var leaves = 1
    while leaves < places { leaves *= 2 }
    self.leaves = leaves
    nodes = .allocate(capacity: 2 * leaves)
    nodes.initialize(repeating: 0, count: 2 * leaves)
  }

  deinit { nodes.deallocate() }

  subscript(place: Int) -> UInt32 {
    get { nodes[leaves + place] }
    nonmutating set {
      var node = leaves + place
      nodes[node] = newValue
      while node > 1 {
        let maximum = max(nodes[node], nodes[node ^ 1])
        node >>= 1
        if nodes[node] == maximum { return }
        nodes[node] = maximum
      }
    }
  }

  /// The first place after one, and before another, with a use later than `use`.
  func first(after place: Int, above use: UInt32, before end: Int) -> Int? {
    var node = leaves + place
    // Up until a right neighbour has one, or the tree ends.
    while true {
      if node & (node + 1) == 0 { return nil }
      if node & 1 == 0, nodes[node + 1] > use {
        node += 1
        break
      }
      node >>= 1
    }
    while node < leaves { node = nodes[2 * node] > use ? 2 * node : 2 * node + 1 }
    return node - leaves < end ? node - leaves : nil
  }
}
