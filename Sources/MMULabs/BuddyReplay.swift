import MMUAssembly
import MMUMemory

/// A script of allocations, replayed on a buddy allocator: the kernel's own.
///
///     let script = try BuddyScript(bytes, name: "demo.lab", maximumOrder: 4)
///     print(script.replay())
///
/// Lines are `alloc NAME ORDER`, `alloc NAME SIZE` with a unit (`5p`: pages, `100K`, `5000B`), and
/// `free NAME`.
public struct BuddyScript {
  enum Step {
    case allocate(name: String, order: Int, bytes: UInt64)
    case free(name: String)
  }

  private let steps: [(text: String, step: Step)]
  private let maximumOrder: Int

  /// The largest order there can be.
  public static var largestOrder: Int { BuddyAllocator.gigabyteOrder }

  /// Reads a script for a memory of 2^`maximumOrder` pages.
  ///
  /// - Throws: all that is wrong with it.
  public init(_ bytes: [UInt8], name file: String, maximumOrder: Int) throws(LabFailure) {
    precondition((0...Self.largestOrder).contains(maximumOrder), "no order: \(maximumOrder)")
    self.maximumOrder = maximumOrder
    var steps: [(text: String, step: Step)] = []
    var live: Set<String> = []
    try LabScript(bytes, name: file).read(empty: "\(file) has no commands") {
      (line) throws(LabError) in
      switch line.words[0].text {
      case "alloc":
        let name = try line.word(1, "a name")
        let (order, bytes) = try Self.request(try line.word(2, "an order"), maximumOrder)
        try line.end(after: 3)
        guard live.insert(name.text).inserted else {
          throw LabError("'\(name.text)' is allocated already", name.place)
        }
        steps.append((line.text, .allocate(name: name.text, order: order, bytes: bytes)))
      case "free":
        let name = try line.word(1, "a name")
        try line.end(after: 2)
        guard live.remove(name.text) != nil else {
          throw LabError("'\(name.text)' is not allocated here", name.place)
        }
        steps.append((line.text, .free(name: name.text)))
      default: throw line.unknownCommand(among: ["alloc", "free"])
      }
    }
    self.steps = steps
  }

  /// Reads an order, or a size that is rounded up to one.
  private static func request(
    _ word: LabScript.Word, _ maximumOrder: Int
  ) throws(LabError) -> (order: Int, bytes: UInt64) {
    let bytes: UInt64
    switch word.text.last {
    case "p", "P":
      guard let pages = UInt64(word.text.dropLast()), pages > 0, pages <= 1 << 32 else {
        throw LabError("'\(word.text)' is no number of pages", word.place)
      }
      bytes = pages * pageBytes
    case "b", "B":
      guard let count = UInt64(word.text.dropLast()), count > 0, count <= LabNumber.largest else {
        throw LabError("'\(word.text)' is no number of bytes", word.place)
      }
      bytes = count
    case let last? where last.isNumber:
      guard let order = Int(word.text), (0...maximumOrder).contains(order) else {
        throw LabError(
          "order \(word.text) is not 0 to \(maximumOrder)", word.place,
          help: "a size has a unit: 5p (pages), 100K, 5000B")
      }
      return (order, pageBytes << UInt64(order))
    default: bytes = try word.size()
    }
    var order = 0
    while pageBytes << UInt64(order) < bytes { order += 1 }
    guard order <= maximumOrder else {
      throw LabError(
        "\(word.text) needs a block of order \(order); the memory has \(maximumOrder)", word.place)
    }
    return (order, bytes)
  }

  /// Replays the script.
  ///
  /// - Returns: each step with what was split or merged and the free lists, and how it ended.
  public func replay() -> String {
    let pages = UInt64(1) << UInt64(maximumOrder)
    var buddies = BuddyAllocator(pages: pages, maximumOrder: maximumOrder)
    var live: [String: (page: UInt64, order: Int, bytes: UInt64)] = [:]
    var (requests, failures, fragmentationFailures, splits, merges) = (0, 0, 0, 0, 0)
    var (asked, granted) = (0 as UInt64, 0 as UInt64)
    let width = steps.map(\.text.count).max() ?? 0
    var text = "buddies, order \(maximumOrder): \(pages) pages, \(LabNumber.words(pages << 12))\n"
    for (line, step) in steps {
      var what: String
      switch step {
      case .allocate(let name, let order, let bytes):
        requests += 1
        let from = buddies.orderServing(order)
        if let from, let page = buddies.allocate(order: order) {
          live[name] = (page, order, bytes)
          what = Self.range(page, order)
          for split in (order..<max(order, from)).reversed() {
            what += (split == from - 1 ? ", splits " : " ") + Self.range(page, split + 1)
          }
          splits += from - order
          asked += bytes
          granted += pageBytes << UInt64(order)
        } else {
          failures += 1
          what = "fails"
          if buddies.freePages >= 1 << UInt64(order) {
            fragmentationFailures += 1
            what = "fails, \(buddies.freePages) pages free"
          }
        }
      case .free(let name):
        if let block = live.removeValue(forKey: name) {
          let end = buddies.release(block.page, order: block.order)
          what = Self.range(block.page, block.order)
          for order in block.order..<end {
            let first = block.page & ~0 << UInt64(order + 1)
            what += (order == block.order ? ", merges " : " ") + Self.range(first, order + 1)
          }
          merges += end - block.order
        } else {
          what = "was not placed"
        }
      }
      text += "  \(padded(line, width))  \(what)\n"
      text += "  \(padded("", width))    free: \(Self.freeLists(buddies))\n"
    }
    var held: (asked: UInt64, granted: UInt64) = (0, 0)
    for block in live.values {
      held.asked += block.bytes
      held.granted += pageBytes << UInt64(block.order)
    }
    var table = LabTable()
    table.add(["requests", "\(requests)"])
    table.add(["failed", "\(failures)"])
    table.add(["  though enough was free", "\(fragmentationFailures)"])
    table.add(["splits", "\(splits)"])
    table.add(["merges", "\(merges)"])
    table.add(["free pages at the end", "\(buddies.freePages)"])
    table.add(["  largest block", "\(buddies.largestFreePages)"])
    table.add([
      "external fragmentation",
      LabNumber.percent(buddies.freePages - buddies.largestFreePages, of: buddies.freePages),
    ])
    table.add([
      "internal fragmentation", LabNumber.percent(held.granted - held.asked, of: held.granted),
    ])
    table.add([
      "  of all that was granted", LabNumber.percent(granted - asked, of: granted),
    ])
    text += "\n" + table.text + "\n"
    var orders = LabTable()
    let all = Array(0...maximumOrder)
    orders.add("order", all.map { "\($0)" })
    orders.add("free blocks", buddies.blockCounts(upTo: maximumOrder).map { "\($0)" })
    var unusable: [String] = []
    for order in all { unusable.append(Self.thousandths(buddies.unusableFreeIndex(order: order))) }
    orders.add("unusable free space", unusable)
    return text + orders.text
  }

  private static func thousandths(_ value: Int) -> String {
    let digits = "\(value % 1000)"
    return "\(value / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits
  }

  /// The pages of a block, first and last.
  private static func range(_ page: UInt64, _ order: Int) -> String {
    order == 0 ? "\(page)" : "\(page)-\(page + 1 << UInt64(order) - 1)"
  }

  /// The free blocks, by order.
  private static func freeLists(_ buddies: borrowing BuddyAllocator) -> String {
    var lists: [String] = []
    for order in 0...buddies.maximumOrder where buddies.freeBlocks(order: order) > 0 {
      var list = "order \(order):"
      buddies.forEachFreeBlock(order: order) { list += " " + range($0, order) }
      lists.append(list)
    }
    return lists.isEmpty ? "nothing" : lists.joined(separator: "; ")
  }
}
