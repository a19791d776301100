/// What makes wide sets (more than 16 ways) cheap: lookup by hash chain instead of a scan, and the
/// oldest entry of a set by a list instead of a search for the least stamp.
///
/// The list is kept in order of `recorded` stamps, which may lag behind the true ones: a use writes
/// the stamp only, so that an engine's filter can do it too. `oldest` moves entries whose stamp has
/// changed to where they belong until the head is true; the result is exactly the least stamp.
struct WideSetIndex {
  private let buckets: Int
  private let heads: UnsafeMutablePointer<Int32>
  private let links: UnsafeMutablePointer<Int32>
  private let recorded: UnsafeMutablePointer<UInt64>
  private let older: UnsafeMutablePointer<Int32>
  private let newer: UnsafeMutablePointer<Int32>
  /// Oldest and newest of each set, -1 if empty.
  private let ends: UnsafeMutablePointer<Int32>
  private let ways: Int

  init(entries: Int, sets: Int) {
    var count = 64
    while count < 2 * entries { count *= 2 }
    buckets = count
    ways = entries / sets
    func table<T>(_ count: Int, _ value: T) -> UnsafeMutablePointer<T> {
      let pointer = UnsafeMutablePointer<T>.allocate(capacity: count)
      pointer.initialize(repeating: value, count: count)
      return pointer
    }
    heads = table(count, -1)
    links = table(entries, -1)
    recorded = table(entries, 0)
    older = table(entries, -1)
    newer = table(entries, -1)
    ends = table(2 * sets, -1)
    // Invalid entries stand at the old end, the lowest-numbered first.
    for set in 0..<sets {
      for entry in set * ways..<(set + 1) * ways { append(entry, set, stamp: 0) }
    }
  }

  func free() {
    heads.deallocate()
    links.deallocate()
    recorded.deallocate()
    older.deallocate()
    newer.deallocate()
    ends.deallocate()
  }

  @inline(__always) private func bucket(_ tag: UInt64) -> Int {
    Int(truncatingIfNeeded: (tag &>> 14 &* 0x9e37_79b9_7f4a_7c15) &>> 32) & (buckets &- 1)
  }

  @inline(__always) func first(_ tag: UInt64) -> Int { Int(heads[bucket(tag)]) }
  @inline(__always) func next(_ entry: Int) -> Int { Int(links[entry]) }

  /// The entry with exactly this tag; -1 if there is none.
  @inline(__always) func find(_ tag: UInt64, in tags: UnsafeMutablePointer<UInt64>) -> Int {
    var entry = first(tag)
    while entry >= 0 && tags[entry] != tag { entry = next(entry) }
    return entry
  }

  /// Enters a new tag in the place of another, or of none (zero); its entry becomes the newest.
  @inline(never)
  func replace(_ entry: Int, _ old: UInt64, _ tag: UInt64, set: Int, stamp: UInt64) {
    if old != 0 { unchain(entry, old) }
    insert(entry, tag, set: set, stamp: stamp)
  }

  private func unchain(_ entry: Int, _ tag: UInt64) {
    var at = heads + bucket(tag)
    while Int(at.pointee) != entry { at = links + Int(at.pointee) }
    at.pointee = links[entry]
  }

  /// Enters a new tag; its entry becomes the newest of its set.
  func insert(_ entry: Int, _ tag: UInt64, set: Int, stamp: UInt64) {
    let bucket = bucket(tag)
    links[entry] = heads[bucket]
    heads[bucket] = Int32(truncatingIfNeeded: entry)
    unlink(entry, set)
    append(entry, set, stamp: stamp)
  }

  /// Forgets a tag; its entry becomes invalid, among the oldest by its number.
  func remove(_ entry: Int, _ tag: UInt64, set: Int) {
    unchain(entry, tag)
    unlink(entry, set)
    // Among the invalid ones (recorded 0), in order of their numbers.
    var after = Int(ends[2 * set])
    while after >= 0 && recorded[after] == 0 && after < entry { after = Int(newer[after]) }
    recorded[entry] = 0
    link(entry, set, before: after)
  }

  /// The entry of `set` with the least stamp.
  func oldest(_ set: Int, _ stamps: UnsafeMutablePointer<UInt64>) -> Int {
    while true {
      let head = Int(ends[2 * set])
      let stamp = stamps[head]
      if stamp == recorded[head] { return head }
      unlink(head, set)
      var before = -1
      var at = Int(ends[2 * set + 1])
      while at >= 0 && recorded[at] > stamp {
        before = at
        at = Int(older[at])
      }
      recorded[head] = stamp
      link(head, set, before: before)
    }
  }

  private func append(_ entry: Int, _ set: Int, stamp: UInt64) {
    recorded[entry] = stamp
    link(entry, set, before: -1)
  }

  private func link(_ entry: Int, _ set: Int, before: Int) {
    let after = before >= 0 ? Int(older[before]) : Int(ends[2 * set + 1])
    newer[entry] = Int32(truncatingIfNeeded: before)
    older[entry] = Int32(truncatingIfNeeded: after)
    if before >= 0 {
      older[before] = Int32(truncatingIfNeeded: entry)
    } else {
      ends[2 * set + 1] = Int32(truncatingIfNeeded: entry)
    }
    if after >= 0 {
      newer[after] = Int32(truncatingIfNeeded: entry)
    } else {
      ends[2 * set] = Int32(truncatingIfNeeded: entry)
    }
  }

  private func unlink(_ entry: Int, _ set: Int) {
    let before = Int(newer[entry])
    let after = Int(older[entry])
    if before >= 0 {
      older[before] = Int32(truncatingIfNeeded: after)
    } else {
      ends[2 * set + 1] = Int32(truncatingIfNeeded: after)
    }
    if after >= 0 {
      newer[after] = Int32(truncatingIfNeeded: before)
    } else {
      ends[2 * set] = Int32(truncatingIfNeeded: before)
    }
  }
}
