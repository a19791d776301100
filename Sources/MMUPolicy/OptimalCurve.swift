extension MissCurve {
  /// The curve of OPT, which is a stack algorithm too: the fewest faults possible at every memory size.
  ///
  /// - Complexity: O(n m) at worst for n references to m pages; in practice a reference looks at a few
  ///   runs of 64 places, see `OptimalStack`.
  public static func optimal(_ string: ReferenceString) -> MissCurve {
    let uses = NextUses(string)
    var stack = OptimalStack(pages: string.names.count)
    let depths = UnsafeMutableBufferPointer<Int>.allocate(capacity: string.names.count + 1)
    depths.initialize(repeating: 0)
    defer { depths.deallocate() }
    string.references.withUnsafeBufferPointer { references in
      for (time, reference) in references.enumerated() {
        if let depth = stack.reference(reference >> 1, nextUse: uses.next[time]) {
          depths[depth] += 1
        }
      }
    }
    return MissCurve(references: string.count, depths: UnsafeBufferPointer(depths))
  }
}

/// OPT's stack: its first k pages are those that a memory of k frames holds.
///
/// The referenced page goes on top. The page that was there sinks until it meets one that is used later
/// than itself, takes that page's place, and that one sinks on, and so forth to the place that the
/// referenced page left. The latest use in each run of 64 places, and in each 64 runs, tells which of
/// them nothing can displace.
private struct OptimalStack: ~Copyable {
  private static var run: Int { 64 }
  private static var nothing: Int32 { .min }
  /// By place, from the top: the page and when it is used next.
  private let pageAt: UnsafeMutablePointer<UInt32>
  private let useAt: UnsafeMutablePointer<Int32>
  /// By page: its place.
  private let placeOf: UnsafeMutablePointer<UInt32>
  private let latestOfRun: UnsafeMutablePointer<Int32>
  private let latestOfRuns: UnsafeMutablePointer<Int32>
  private var size = 0

  init(pages: Int) {
    let groups = pages / (Self.run * Self.run) + 1
    let places = groups * Self.run * Self.run
    pageAt = .allocate(capacity: places)
    pageAt.initialize(repeating: 0, count: places)
    useAt = .allocate(capacity: places)
    useAt.initialize(repeating: Self.nothing, count: places)
    placeOf = .allocate(capacity: max(1, pages))
    placeOf.initialize(repeating: .max, count: pages)
    latestOfRun = .allocate(capacity: groups * Self.run)
    latestOfRun.initialize(repeating: Self.nothing, count: groups * Self.run)
    latestOfRuns = .allocate(capacity: groups)
    latestOfRuns.initialize(repeating: Self.nothing, count: groups)
  }

  deinit {
    pageAt.deallocate()
    useAt.deallocate()
    placeOf.deallocate()
    latestOfRun.deallocate()
    latestOfRuns.deallocate()
  }

  /// References a page; its depth, from 1, if it has been referenced before.
  mutating func reference(_ page: UInt32, nextUse: UInt32) -> Int? {
    let known = placeOf[Int(page)]
    var place = Int(known)
    if known == .max {
      place = size
      size += 1
    }
    var sinking = page
    // Times fit 31 bits, and `NextUses.never` becomes the latest there is.
    var use = Int32(truncatingIfNeeded: nextUse & 0x7fff_ffff)
    var at = 0
    if place > 0 {
      exchange(&sinking, &use, at: 0)
      at = 1
    }
    while true {
      let run = at / Self.run
      let end = min((run + 1) * Self.run, place)
      while at < end {
        if useAt[at] > use { exchange(&sinking, &use, at: at) }
        at += 1
      }
      if run == place / Self.run { break }
      refresh(run)
      at = nextRun(after: run, above: use, before: place / Self.run) * Self.run
    }
    exchange(&sinking, &use, at: place)
    refresh(place / Self.run)
    return known == .max ? nil : place + 1
  }

  @inline(__always)
  private mutating func exchange(_ page: inout UInt32, _ use: inout Int32, at place: Int) {
    let (displaced, displacedUse) = (pageAt[place], useAt[place])
    pageAt[place] = page
    useAt[place] = use
    placeOf[Int(page)] = UInt32(truncatingIfNeeded: place)
    (page, use) = (displaced, displacedUse)
  }

  /// The next run with a later use, or `last`.
  private func nextRun(after run: Int, above use: Int32, before last: Int) -> Int {
    var next = run + 1
    while next < last {
      if next % Self.run == 0, next + Self.run <= last, latestOfRuns[next / Self.run] <= use {
        next += Self.run
      } else if latestOfRun[next] > use {
        return next
      } else {
        next += 1
      }
    }
    return last
  }

  private mutating func refresh(_ run: Int) {
    let latest = Self.latest(useAt + run * Self.run)
    if latestOfRun[run] == latest { return }
    latestOfRun[run] = latest
    let group = run / Self.run
    latestOfRuns[group] = Self.latest(latestOfRun + group * Self.run)
  }

  /// The greatest of 64.
  private static func latest(_ uses: UnsafeMutablePointer<Int32>) -> Int32 {
    let vectors = UnsafeRawPointer(uses)
    var result = vectors.loadUnaligned(as: SIMD16<Int32>.self)
    for i in 1..<4 {
      let next = vectors.loadUnaligned(fromByteOffset: 64 * i, as: SIMD16<Int32>.self)
      result.replace(with: next, where: next .> result)
    }
    return result.max()
  }
}
