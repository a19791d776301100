// A set-associative array of tagged 64-bit values: the shape of every TLB array and of every
// paging-structure cache. Plain pointers, so that a lookup is a few host instructions; the owner
// (`MMU`) frees it.

/// The layout of a tag.
///
/// A tag is zero for an invalid entry.
///
///     63           16  15:14  13  12     11:0
///     page number      size   G   valid  PCID (0 if G)
package enum Tag {
  @inlinable package static var valid: UInt64 { 1 << 12 }
  @inlinable package static var global: UInt64 { 1 << 13 }

  /// The tag of page `number` of size `size` (0...2) under `pcid`.
  @inlinable package static func make(_ number: UInt64, size: UInt64, pcid: UInt64) -> UInt64 {
    number &<< 16 | size &<< 14 | valid | pcid
  }
  /// The same page as a global entry.
  @inlinable package static func asGlobal(_ tag: UInt64) -> UInt64 { tag & ~0xfff | global }
  @inlinable package static func size(_ tag: UInt64) -> UInt64 { (tag &>> 14) & 3 }
  @inlinable package static func number(_ tag: UInt64) -> UInt64 { tag &>> 16 }
}

/// A handle to one array; copies name the same array.
package struct TagStore {
  /// What an array consists of, in one allocation that all handles share.
  struct Fields {
    let sets: Int
    let ways: Int
    let policy: Replacement
    /// sets - 1 if that is a mask, else `.max`: the set is then a remainder.
    let setMask: UInt64
    let tags: UnsafeMutablePointer<UInt64>
    let values: UnsafeMutablePointer<UInt64>
    /// LRU: time of the last use; FIFO: time of the fill; zero for an invalid entry.
    let stamps: UnsafeMutablePointer<UInt64>
    /// The clock the stamps are taken from.
    ///
    /// It may live elsewhere, where an engine can advance it.
    let clock: UnsafeMutablePointer<UInt64>
    let ownsClock: Bool
    /// Tree bits, a heap of `treeNodes` bytes for each set (tree-PLRU only).
    let tree: UnsafeMutablePointer<UInt8>
    let treeNodes: Int
    var random: UInt64
    /// Live entries by page size (0...2), and how many of all are global (3).
    let live: UnsafeMutablePointer<Int>
    /// For wide sets: hash chains for lookup and a list in order of last known use.
    let wide: UnsafeMutablePointer<WideSetIndex>?
    /// For each set, the filter slot filled on behalf of its most recent entry plus 1; zero: none.
    ///
    /// Used where stamps are not the replacement state.
    let slots: UnsafeMutablePointer<UInt16>
  }

  private let fields: UnsafeMutablePointer<Fields>

  init(
    _ geometry: CacheGeometry, seed: UInt64, clock shared: UnsafeMutablePointer<UInt64>? = nil
  ) {
    func table<T>(_ count: Int, _ value: T) -> UnsafeMutablePointer<T> {
      let pointer = UnsafeMutablePointer<T>.allocate(capacity: count)
      pointer.initialize(repeating: value, count: count)
      return pointer
    }
    let entries = geometry.entries
    let sets = geometry.sets
    var nodes = 1
    while nodes < geometry.ways { nodes *= 2 }
    let treeNodes = geometry.replacement == .treePLRU ? nodes * 2 : 0
    let wide: UnsafeMutablePointer<WideSetIndex>? =
      geometry.ways > 16 ? .allocate(capacity: 1) : nil
    wide?.initialize(to: WideSetIndex(entries: entries, sets: sets))
    fields = .allocate(capacity: 1)
    fields.initialize(
      to: Fields(
        sets: sets, ways: geometry.ways, policy: geometry.replacement,
        setMask: sets & (sets - 1) == 0 ? UInt64(sets - 1) : .max,
        tags: table(entries, 0), values: table(entries, 0), stamps: table(entries, 0),
        clock: shared ?? table(1, 0), ownsClock: shared == nil,
        tree: table(max(1, treeNodes * sets), 0), treeNodes: treeNodes, random: seed,
        live: table(4, 0), wide: wide, slots: table(sets, 0)))
  }

  func free() {
    tags.deallocate()
    values.deallocate()
    stamps.deallocate()
    if fields.pointee.ownsClock { clock.deallocate() }
    tree.deallocate()
    live.deallocate()
    slots.deallocate()
    wide?.pointee.free()
    wide?.deallocate()
    fields.deallocate()
  }

  var sets: Int { @inline(__always) get { fields.pointee.sets } }
  var ways: Int { @inline(__always) get { fields.pointee.ways } }
  var policy: Replacement { @inline(__always) get { fields.pointee.policy } }
  var tags: UnsafeMutablePointer<UInt64> { @inline(__always) get { fields.pointee.tags } }
  var values: UnsafeMutablePointer<UInt64> { @inline(__always) get { fields.pointee.values } }
  var stamps: UnsafeMutablePointer<UInt64> { @inline(__always) get { fields.pointee.stamps } }
  var live: UnsafeMutablePointer<Int> { @inline(__always) get { fields.pointee.live } }
  var slots: UnsafeMutablePointer<UInt16> { @inline(__always) get { fields.pointee.slots } }
  private var clock: UnsafeMutablePointer<UInt64> {
    @inline(__always) get { fields.pointee.clock }
  }
  private var tree: UnsafeMutablePointer<UInt8> { fields.pointee.tree }
  private var treeNodes: Int { fields.pointee.treeNodes }
  private var wide: UnsafeMutablePointer<WideSetIndex>? {
    @inline(__always) get { fields.pointee.wide }
  }

  /// The set of page `number`; remainders are taken of the number of the 48-bit address.
  @inline(__always) func set(of number: UInt64) -> Int {
    let mask = fields.pointee.setMask
    return mask != .max
      ? Int(truncatingIfNeeded: number & mask)
      : Int(truncatingIfNeeded: number % UInt64(truncatingIfNeeded: sets))
  }

  /// The entry that holds `tag`, or its global form, in the lowest way if both are there; -1 if none
  /// does.
  @inline(__always) func find(_ tag: UInt64) -> Int {
    if wide != nil { return findWide(tag) }
    let start = set(of: Tag.number(tag)) &* ways
    let end = start &+ ways
    if live[3] == 0 { return scan(start, end, tag) }
    let global = Tag.asGlobal(tag)
    for entry in start..<end {
      let t = tags[entry]
      if t == tag || t == global { return entry }
    }
    return -1
  }

  /// The first entry from `start` to `end` with this tag; four at a time.
  @inline(__always) private func scan(_ start: Int, _ end: Int, _ tag: UInt64) -> Int {
    let tags = tags
    var entry = start
    while entry &+ 4 <= end {
      let at = tags + entry
      if at[0] == tag { return entry }
      if at[1] == tag { return entry &+ 1 }
      if at[2] == tag { return entry &+ 2 }
      if at[3] == tag { return entry &+ 3 }
      entry &+= 4
    }
    while entry < end {
      if tags[entry] == tag { return entry }
      entry &+= 1
    }
    return -1
  }

  @inline(never) private func findWide(_ tag: UInt64) -> Int {
    let wide = wide.unsafelyUnwrapped.pointee
    let global = Tag.asGlobal(tag)
    var entry = wide.first(tag)
    var lowest = -1
    while entry >= 0 {
      let t = tags[entry]
      if (t == tag || t == global) && (lowest < 0 || entry < lowest) { lowest = entry }
      entry = wide.next(entry)
    }
    return lowest
  }

  /// LRU with sets by mask: what the functions ending in Plainly need.
  var isPlain: Bool { policy == .lru && fields.pointee.setMask != .max }

  /// `find` in a plain array without global entries.
  @inline(__always) func findPlainly(_ tag: UInt64) -> Int {
    if let wide { return wide.pointee.find(tag, in: tags) }
    let set = Int(truncatingIfNeeded: Tag.number(tag) & fields.pointee.setMask)
    let start = set &* ways
    return scan(start, start &+ ways, tag)
  }

  /// `touch` in a plain array.
  @inline(__always) func stampUse(_ entry: Int) {
    let now = clock.pointee &+ 1
    clock.pointee = now
    stamps[entry] = now
  }

  /// `insert` into a plain array that never held anything but non-global entries of one size.
  @inline(__always)
  func insertPlainly(_ tag: UInt64, _ value: UInt64) -> (entry: Int, evicted: UInt64) {
    let set = Int(truncatingIfNeeded: Tag.number(tag) & fields.pointee.setMask)
    let entry = wide?.pointee.oldest(set, stamps) ?? oldest(set)
    let old = tags[entry]
    if old == 0 { live[0] &+= 1 }
    tags[entry] = tag
    values[entry] = value
    stampUse(entry)
    wide?.pointee.replace(entry, old, tag, set: set, stamp: clock.pointee)
    return (entry, old)
  }

  /// The entry with exactly this tag; -1 if there is none.
  func findExactly(_ tag: UInt64) -> Int {
    let start = set(of: Tag.number(tag)) &* ways
    for entry in start..<start &+ ways where tags[entry] == tag { return entry }
    return -1
  }

  /// Notes a use of a live entry.
  @inline(__always) func touch(_ entry: Int) {
    if policy == .lru {
      clock.pointee &+= 1
      stamps[entry] = clock.pointee
    } else if policy == .treePLRU {
      touchTree(entry)
    }
  }

  /// Points every node on the way to `entry` at its other half; the left half of n ways has
  /// ceil(n / 2).
  @inline(never) private func touchTree(_ entry: Int) {
    let bits = tree + (entry / ways) * treeNodes
    let way = entry % ways
    var low = 0
    var high = ways
    var node = 1
    while high - low > 1 {
      let middle = (low + high + 1) / 2
      if way < middle {
        bits[node] = 1
        high = middle
        node = 2 * node
      } else {
        bits[node] = 0
        low = middle
        node = 2 * node + 1
      }
    }
  }

  /// Makes `tag` live with `value`, in the place of an invalid entry or of the policy's victim, and
  /// counts as its first use.
  ///
  /// - Returns: the entry, and the tag that had to go (zero: none).
  @inline(__always)
  func insert(_ tag: UInt64, _ value: UInt64) -> (entry: Int, evicted: UInt64) {
    let set = set(of: Tag.number(tag))
    let entry = victim(set)
    let old = tags[entry]
    // Size and G of the old and the new tag are mostly the same: then no live count changes.
    let kind: UInt64 = 3 << 14 | Tag.global | Tag.valid
    if wide != nil || (old ^ tag) & kind != 0 {
      if old != 0 { forget(entry) }
      live[Int(truncatingIfNeeded: Tag.size(tag))] &+= 1
      if tag & Tag.global != 0 { live[3] &+= 1 }
    }
    tags[entry] = tag
    values[entry] = value
    clock.pointee &+= 1
    stamps[entry] = clock.pointee
    if policy == .treePLRU { touchTree(entry) }
    wide?.pointee.insert(entry, tag, set: set, stamp: clock.pointee)
    return (entry, old)
  }

  @inline(__always) private func victim(_ set: Int) -> Int {
    switch policy {
    case .lru, .fifo:
      if let wide { return wide.pointee.oldest(set, stamps) }
      return oldest(set)
    case .treePLRU, .random:
      return otherVictim(set)
    }
  }

  /// The entry of a set with the least stamp; an invalid one has stamp 0, so it comes first.
  @inline(__always) private func oldest(_ set: Int) -> Int {
    let stamps = stamps
    let ways = ways
    let start = set &* ways
    var best = start
    var least = stamps[start]
    var entry = start &+ 1
    let end = start &+ ways
    while entry < end {
      let stamp = stamps[entry]
      let isLess = stamp < least
      best = isLess ? entry : best
      least = isLess ? stamp : least
      entry &+= 1
    }
    return best
  }

  @inline(never) private func otherVictim(_ set: Int) -> Int {
    let start = set * ways
    for entry in start..<start + ways where tags[entry] == 0 { return entry }
    if policy == .random {
      return start + Int(SplitMix.next(&fields.pointee.random) % UInt64(ways))
    }
    let bits = tree + set * treeNodes
    var low = 0
    var high = ways
    var node = 1
    while high - low > 1 {
      let middle = (low + high + 1) / 2
      if bits[node] == 0 {
        high = middle
        node = 2 * node
      } else {
        low = middle
        node = 2 * node + 1
      }
    }
    return start + low
  }

  /// Drops a live entry.
  ///
  /// Replacement state of the others stays as it is.
  func remove(_ entry: Int) {
    forget(entry)
    tags[entry] = 0
    stamps[entry] = 0
  }

  @inline(__always) private func forget(_ entry: Int) {
    let tag = tags[entry]
    live[Int(truncatingIfNeeded: Tag.size(tag))] &-= 1
    if tag & Tag.global != 0 { live[3] &-= 1 }
    wide?.pointee.remove(entry, tag, set: entry / ways)
  }

  var isEmpty: Bool { live[0] | live[1] | live[2] == 0 }

  /// Drops every entry whose tag satisfies (tag & mask) == pattern.
  func removeAll(mask: UInt64, pattern: UInt64) {
    if isEmpty { return }
    for entry in 0..<sets * ways where tags[entry] != 0 && tags[entry] & mask == pattern {
      remove(entry)
    }
  }

  /// Drops everything.
  func removeAll() { removeAll(mask: 0, pattern: 0) }
}

/// SplitMix64, the generator behind every seeded choice: state in, next value out.
package enum SplitMix {
  @inlinable package static func next(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z &>> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z &>> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z &>> 31)
  }
}
