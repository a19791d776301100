import MMUMemory

/// A buddy case: what one block of pages makes of allocations and releases, step by step.
package struct BuddyCase {
  /// A block by its first page and its order.
  private struct Block: Hashable {
    let page: UInt64
    let order: Int
  }

  private enum Step {
    case allocate(id: UInt64, order: Int, page: UInt64?, splits: [Block])
    case free(id: UInt64, block: Block?, merges: [Block])
  }

  /// Names the case in messages.
  package let identifier: String
  private let maximumOrder: Int
  private let steps: [(step: Step, free: [[UInt64]]?)]

  /// Tells whether a file holds such cases, by the members of the first.
  package static func describes(_ value: VectorValue) -> Bool {
    guard case .array(let cases)? = value.member("cases") else { return false }
    return cases.first?.member("max_order") != nil
  }

  /// Reads all cases of a file.
  package static func all(_ value: VectorValue) throws(VectorError) -> [BuddyCase] {
    var cases: [BuddyCase] = []
    for element in try value.elements("cases") { cases.append(try BuddyCase(element)) }
    return cases
  }

  private init(_ value: VectorValue) throws(VectorError) {
    identifier = "buddy/" + (try value.text("name"))
    let top = try value.word("max_order")
    guard top <= 24 else { throw VectorError("\"max_order\" is at most 24, not \(top)") }
    maximumOrder = Int(top)
    var steps: [(Step, [[UInt64]]?)] = []
    var live: Set<UInt64> = []
    for element in try value.elements("steps") {
      let id = try element.word("id")
      let step: Step
      switch try element.text("op") {
      case "alloc":
        let order = try element.word("order")
        guard order <= top else { throw VectorError("order \(order) is larger than \(top)") }
        guard live.insert(id).inserted else { throw VectorError("id \(id) is allocated already") }
        let isPlaced = try element.required("page") != .null
        step = .allocate(
          id: id, order: Int(order), page: isPlaced ? try element.word("page") : nil,
          splits: try Self.blocks(element, "splits"))
      case "free":
        guard live.remove(id) != nil else { throw VectorError("id \(id) is not allocated") }
        var block: Block?
        if let page = element.member("page"), page != .null {
          let order = try element.word("order")
          guard order <= top else { throw VectorError("order \(order) is larger than \(top)") }
          block = Block(page: try element.word("page"), order: Int(order))
        }
        let merges = element.member("merges") == nil ? [] : try Self.blocks(element, "merges")
        step = .free(id: id, block: block, merges: merges)
      case let other: throw VectorError("\"\(other)\" is neither alloc nor free")
      }
      steps.append((step, element.member("free") == nil ? nil : try Self.lists(element)))
    }
    self.steps = steps
  }

  private static func blocks(
    _ value: VectorValue, _ name: String
  ) throws(VectorError) -> [Block] {
    var blocks: [Block] = []
    for element in try value.elements(name) {
      guard case .array(let pair) = element, pair.count == 2, let page = pair[0].word,
        let order = pair[1].word.flatMap({ Int(exactly: $0) })
      else { throw VectorError("\"\(name)\" holds pairs of a page and an order") }
      blocks.append(Block(page: page, order: order))
    }
    return blocks
  }

  private static func lists(_ value: VectorValue) throws(VectorError) -> [[UInt64]] {
    var lists: [[UInt64]] = []
    for element in try value.elements("free") {
      guard case .array(let pages) = element else {
        throw VectorError("\"free\" holds a list of pages for each order")
      }
      var list: [UInt64] = []
      for page in pages {
        guard let page = page.word else { throw VectorError("\"free\" holds page numbers") }
        list.append(page)
      }
      lists.append(list)
    }
    return lists
  }

  /// Replays the case.
  ///
  /// - Returns: the first thing that disagreed, in words.
  package func check() -> [String] {
    var buddies = BuddyAllocator(pages: 1 << UInt64(maximumOrder), maximumOrder: maximumOrder)
    var live: [UInt64: Block] = [:]
    for (number, (step, free)) in steps.enumerated() {
      var wrong: String?
      func compare<Value: Equatable>(_ name: String, _ value: Value, _ expected: Value) {
        if value != expected && wrong == nil { wrong = "\(name) \(value), expected \(expected)" }
      }
      switch step {
      case .allocate(let id, let order, let expected, let expectedSplits):
        let from = buddies.orderServing(order) ?? order
        let page = buddies.allocate(order: order)
        live[id] = page.map { Block(page: $0, order: order) }
        var splits: [Block] = []
        if let page {
          for split in (order..<from).reversed() {
            splits.append(Block(page: page, order: split + 1))
          }
        }
        compare(
          "the block is at", page.map { "\($0)" } ?? "none", expected.map { "\($0)" } ?? "none")
        compare("split:", shown(splits), shown(expectedSplits))
      case .free(let id, let expected, let expectedMerges):
        let block = live.removeValue(forKey: id)
        var merges: [Block] = []
        if let block {
          let end = buddies.release(block.page, order: block.order)
          for order in block.order..<end {
            merges.append(Block(page: block.page & ~0 << UInt64(order + 1), order: order + 1))
          }
        }
        if let expected { compare("it is", shown([block].compactMap(\.self)), shown([expected])) }
        compare("merged:", shown(merges), shown(expectedMerges))
      }
      if let free {
        var lists: [[UInt64]] = []
        for order in 0...maximumOrder {
          var list: [UInt64] = []
          buddies.forEachFreeBlock(order: order) { list.append($0) }
          lists.append(list)
        }
        compare("free:", lists, free)
      }
      if let wrong { return ["step \(number + 1): \(wrong)"] }
    }
    return []
  }

  private func shown(_ blocks: [Block]) -> String {
    "[" + blocks.map { "[\($0.page),\($0.order)]" }.joined(separator: ",") + "]"
  }
}
