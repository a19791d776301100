/// A page of a reference string: a page number, in one process.
public struct PageName: Hashable, Sendable {
  /// The process, for strings recorded of several; else 0.
  public var process: UInt32
  /// The page number, below 2^52.
  public var page: UInt64

  /// Joins the two.
  public init(_ page: UInt64, process: UInt32 = 0) {
    self.process = process
    self.page = page
  }

  /// The smallest number that is no page number: addresses have 64 bits, pages 4 KiB.
  public static var limit: UInt64 { 1 << 52 }
}

/// Page references in the order in which they happen, with the pages numbered densely.
///
///     let string = ReferenceString(pages: [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5])
///     print(ReplacementPolicy.fifo.replay(string, frames: 3).faults)  // 9
///
/// Page numbers are mapped to 0, 1, 2, ... in the order of first appearance, once, so that a replay
/// needs no dictionary.
public struct ReferenceString: Sendable {
  /// A page's dense number, shifted left by one, and 1 for a write: one word for each reference.
  public private(set) var references: [UInt32] = []
  /// What the page with a dense number is called.
  public private(set) var names: [PageName] = []
  /// How many of the references are writes.
  public private(set) var writes = 0
  /// Page numbers were written in hexadecimal, and are best shown so.
  public var isHexadecimal = false

  /// Positions of an open-addressing table: a dense number plus one, or 0.
  private var table = [UInt32](repeating: 0, count: 64)

  /// Makes an empty string.
  public init() {}

  /// Makes a string of page numbers; `writes` tells which references write, none if it is shorter.
  ///
  /// - Precondition: at most `limit` of them, each below `PageName.limit`.
  public init(pages: some Sequence<UInt64>, writes: [Bool] = []) {
    for (i, page) in pages.enumerated() {
      append(PageName(page), isWrite: i < writes.count && writes[i])
    }
  }

  /// The most references a string can have: a gigabyte of them.
  public static var limit: Int { 1 << 28 }

  /// Number of references.
  public var count: Int { references.count }

  /// What the page of a reference is called.
  public func name(at index: Int) -> PageName { names[Int(references[index] >> 1)] }

  /// Tells whether a reference writes.
  public func isWrite(at index: Int) -> Bool { references[index] & 1 != 0 }

  /// Adds `count` references to one page.
  ///
  /// - Precondition: the string stays within `limit`.
  public mutating func append(_ name: PageName, isWrite: Bool = false, count: Int = 1) {
    precondition(name.page < PageName.limit, "page \(name.page) is beyond 64-bit addresses")
    precondition(references.count + count <= Self.limit, "more than \(Self.limit) references")
    let word = number(name) << 1 | (isWrite ? 1 : 0)
    if isWrite { writes += count }
    if count == 1 {
      references.append(word)
    } else {
      references.append(contentsOf: repeatElement(word, count: count))
    }
  }

  /// Makes room for so many references.
  mutating func reserve(_ count: Int) { references.reserveCapacity(count) }

  /// The dense number of a page, a new one if it is new.
  private mutating func number(_ name: PageName) -> UInt32 {
    let mask = table.count - 1
    var place = Self.hash(name) & mask
    while table[place] != 0 {
      let number = table[place] - 1
      if names[Int(number)] == name { return number }
      place = (place + 1) & mask
    }
    names.append(name)
    table[place] = UInt32(names.count)
    if names.count * 2 > table.count { grow() }
    return UInt32(names.count - 1)
  }

  private mutating func grow() {
    table = [UInt32](repeating: 0, count: table.count * 4)
    let mask = table.count - 1
    for (number, name) in names.enumerated() {
      var place = Self.hash(name) & mask
      while table[place] != 0 { place = (place + 1) & mask }
      table[place] = UInt32(number + 1)
    }
  }

  /// Mixes all bits of a name into the low ones: pages come in runs and strides, which must not pile up.
  private static func hash(_ name: PageName) -> Int {
    var z = name.page ^ UInt64(name.process) << 44
    z = (z ^ (z >> 33)) &* 0xff51_afd7_ed55_8ccd
    z = (z ^ (z >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    return Int(truncatingIfNeeded: z ^ (z >> 33))
  }
}
