import MMULabs

/// A heap case: what a placement strategy makes of allocations and releases, step by step.
package struct FitCase {
  private enum Step {
    case allocate(id: UInt64, size: UInt64, address: UInt64?)
    case free(id: UInt64, isIgnored: Bool)
  }

  /// Names the case in messages.
  package let identifier: String
  private let heap: FitHeap
  private let steps: [(step: Step, freeList: [FitHeap.Block]?)]

  /// Tells whether a file holds such cases, by the members of the first.
  package static func describes(_ value: VectorValue) -> Bool {
    guard case .array(let cases)? = value.member("cases"), let first = cases.first else {
      return false
    }
    return first.member("policy") != nil && first.member("size") != nil
  }

  /// Reads all cases of a file.
  package static func all(_ value: VectorValue) throws(VectorError) -> [FitCase] {
    var cases: [FitCase] = []
    for element in try value.elements("cases") { cases.append(try FitCase(element)) }
    return cases
  }

  private init(_ value: VectorValue) throws(VectorError) {
    identifier = "fit/" + (try value.text("name"))
    let name = try value.text("policy")
    guard let strategy = FitStrategy(rawValue: name) else {
      throw VectorError("\"\(name)\" is none of first, best, worst, next")
    }
    let (base, size) = (try value.word("base"), try value.word("size"))
    guard !base.addingReportingOverflow(size).overflow else {
      throw VectorError("the heap ends beyond 2^64")
    }
    heap = FitHeap(strategy, base: base, size: size)
    var steps: [(Step, [FitHeap.Block]?)] = []
    var live: Set<UInt64> = []
    for element in try value.elements("steps") {
      let id = try element.word("id")
      let step: Step
      switch try element.text("op") {
      case "alloc":
        let size = try element.word("size")
        guard size > 0 else { throw VectorError("an allocation of nothing") }
        guard live.insert(id).inserted else { throw VectorError("id \(id) is allocated already") }
        let isPlaced = try element.required("address") != .null
        step = .allocate(
          id: id, size: size, address: isPlaced ? try element.word("address") : nil)
      case "free":
        guard live.remove(id) != nil else { throw VectorError("id \(id) is not allocated") }
        let isIgnored = element.member("ignored") == nil ? false : try element.flag("ignored")
        step = .free(id: id, isIgnored: isIgnored)
      case let other: throw VectorError("\"\(other)\" is neither alloc nor free")
      }
      let hasList = element.member("free_list") != nil
      steps.append((step, hasList ? try Self.blocks(element) : nil))
    }
    self.steps = steps
  }

  private static func blocks(_ value: VectorValue) throws(VectorError) -> [FitHeap.Block] {
    var blocks: [FitHeap.Block] = []
    for element in try value.elements("free_list") {
      guard case .array(let pair) = element, pair.count == 2, let address = pair[0].word,
        let size = pair[1].word
      else { throw VectorError("\"free_list\" holds pairs of an address and a size") }
      blocks.append(FitHeap.Block(address: address, size: size))
    }
    return blocks
  }

  /// Replays the case.
  ///
  /// - Returns: the first thing that disagreed, in words.
  package func check() -> [String] {
    var heap = heap
    var live: [UInt64: FitHeap.Block] = [:]
    for (number, (step, freeList)) in steps.enumerated() {
      let wrong: String?
      switch step {
      case .allocate(let id, let size, let expected):
        let address = heap.allocate(size)
        live[id] = address.map { FitHeap.Block(address: $0, size: size) }
        wrong =
          address == expected
          ? nil : "\(size) are at \(shown(address)), expected \(shown(expected))"
      case .free(let id, let isIgnored):
        let block = live.removeValue(forKey: id)
        if let block { heap.free(block.address, block.size) }
        wrong =
          (block == nil) == isIgnored
          ? nil : "id \(id) \(block == nil ? "was not" : "was") placed, expected the opposite"
      }
      if let wrong { return ["step \(number + 1): \(wrong)"] }
      if let freeList, heap.freeList != freeList {
        return [
          "step \(number + 1): the free list is \(shown(heap.freeList)), "
            + "expected \(shown(freeList))"
        ]
      }
    }
    return []
  }

  private func shown(_ address: UInt64?) -> String { address.map { "\($0)" } ?? "nowhere" }

  private func shown(_ blocks: [FitHeap.Block]) -> String {
    "[" + blocks.map { "[\($0.address),\($0.size)]" }.joined(separator: ",") + "]"
  }
}
