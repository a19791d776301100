import MMUMemory

/// The areas of an address space: sorted by address, disjoint, in chunks of at most 64.
///
/// Two levels: a directory with each chunk's last end, and the chunks. So a lookup is two binary
/// searches, and an insertion moves at most a chunk and, now and then, the directory: at 65,530
/// areas about as fast as at ten. Each chunk knows the largest gap below one of its areas, for the
/// search of free space.
/// - Complexity: find O(log n); insert and remove O(64), now and then O(n / 32).
struct AreaSet: ~Copyable {
  static var chunkCapacity: Int { 64 }

  /// A place in the set: of an area, or one behind the last.
  struct Position: Equatable {
    var chunk: Int
    var index: Int
  }

  private struct Chunk {
    var areas: UnsafeMutablePointer<VirtualMemoryArea>
    var count: Int
    /// The largest distance between an area's guarded start and the end of the one before it.
    var largestGap: UInt64
    /// Pages of its areas, those of them that are accounted, and whether an area shows a file.
    var pages: UInt64
    var accounted: UInt64
    var showsFiles: Bool
  }

  private var chunks: UnsafeMutablePointer<Chunk>
  /// End of each chunk's last area: what a lookup searches.
  private var ends: UnsafeMutablePointer<UInt64>
  private var chunkCount = 0
  /// Memory of chunks that are gone, for the next ones: never more than there ever were at once.
  private var spares: [UnsafeMutablePointer<VirtualMemoryArea>] = []
  private var directoryCapacity = 16
  /// Number of areas.
  private(set) var count = 0
  /// Pages of all areas.
  private(set) var pages: UInt64 = 0 {
    didSet { if pages > peakPages { peakPages = pages } }
  }
  /// The most there ever were.
  private(set) var peakPages: UInt64 = 0
  /// Pages of the accounted areas, which are part of what the machine has promised.
  private(set) var accounted: UInt64 = 0 {
    didSet { promises.pages = promises.pages &+ accounted &- oldValue }
  }
  private let promises: MemoryPromises
  /// The area the last lookup found, until the set changes.
  private var recent: UnsafeMutablePointer<VirtualMemoryArea>?
  /// Bytes kept free below an area that grows down.
  let guardGap: UInt64

  init(guardGap: UInt64, promises: MemoryPromises) {
    self.guardGap = guardGap
    self.promises = promises
    chunks = .allocate(capacity: 16)
    ends = .allocate(capacity: 16)
  }

  deinit {
    for i in 0..<chunkCount { chunks[i].areas.deallocate() }
    for spare in spares { spare.deallocate() }
    chunks.deallocate()
    ends.deallocate()
  }

  // MARK: Lookup

  /// The area that holds `address`; valid until the set changes.
  @inline(__always)
  mutating func area(at address: UInt64) -> UnsafeMutablePointer<VirtualMemoryArea>? {
    if let recent, recent.pointee.contains(address) { return recent }
    return lookUp(address)
  }

  @inline(never)
  private mutating func lookUp(_ address: UInt64) -> UnsafeMutablePointer<VirtualMemoryArea>? {
    let position = firstEnding(after: address)
    guard position.chunk < chunkCount else { return nil }
    let found = chunks[position.chunk].areas + position.index
    if found.pointee.lower > address { return nil }
    recent = found
    return found
  }

  /// The first area whose end lies above `address`: Linux's `find_vma`.
  func firstEnding(after address: UInt64) -> Position {
    var low = 0
    var high = chunkCount
    while low < high {
      let middle = (low &+ high) / 2
      if ends[middle] > address { high = middle } else { low = middle &+ 1 }
    }
    if low == chunkCount { return end }
    // Eights instead of halves, because the areas of a big set lie in no cache: the eight loads of a
    // round do not wait for each other, so a lookup waits twice for memory instead of six times.
    let areas = chunks[low].areas
    let last = chunks[low].count &- 1
    @inline(__always)
    func countEnding(upTo address: UInt64, from first: Int, by stride: Int) -> Int {
      var count = 0
      for i in 0..<8 {
        // The last one ends above the address.
        let index = min(first &+ i &* stride, last)
        count &+= areas[index].upper <= address ? 1 : 0
      }
      return count
    }
    let eight = 8 &* countEnding(upTo: address, from: 7, by: 8)
    return Position(
      chunk: low, index: eight &+ countEnding(upTo: address, from: eight, by: 1))
  }

  /// The first position; equals `end` if there is no area.
  var start: Position { Position(chunk: 0, index: 0) }
  /// One behind the last area.
  var end: Position { Position(chunk: chunkCount, index: 0) }

  /// The area at a position; nil at the end.
  func area(_ position: Position) -> VirtualMemoryArea? {
    position.chunk < chunkCount ? chunks[position.chunk].areas[position.index] : nil
  }

  /// The position behind.
  func next(_ position: Position) -> Position {
    position.index + 1 < chunks[position.chunk].count
      ? Position(chunk: position.chunk, index: position.index + 1)
      : Position(chunk: position.chunk + 1, index: 0)
  }

  /// The position before; nil at the start.
  func previous(_ position: Position) -> Position? {
    if position.index > 0 { return Position(chunk: position.chunk, index: position.index - 1) }
    if position.chunk == 0 { return nil }
    return Position(chunk: position.chunk - 1, index: chunks[position.chunk - 1].count - 1)
  }

  /// Calls `body` for each area in order.
  func forEach(_ body: (VirtualMemoryArea) -> Void) {
    for c in 0..<chunkCount {
      for i in 0..<chunks[c].count { body(chunks[c].areas[i]) }
    }
  }

  // MARK: Change

  /// Puts an area before the one at `position`.
  ///
  /// - Returns: where it stands now.
  /// - Precondition: that is its place, and it overlaps nothing.
  @discardableResult
  mutating func insert(_ area: VirtualMemoryArea, at position: Position) -> Position {
    recent = nil
    count += 1
    pages += area.pages
    accounted += area.accountedPages
    var at = position
    if chunkCount == 0 {
      insertChunk(at: 0)
      at = Position(chunk: 0, index: 0)
    } else if at.index == 0 && at.chunk > 0 {
      // Behind the previous chunk's last: keeps chunks full when areas come in order.
      at = Position(chunk: at.chunk - 1, index: chunks[at.chunk - 1].count)
    }
    let isSplit = chunks[at.chunk].count == Self.chunkCapacity
    if isSplit {
      // An append opens a new chunk, anything else halves the full one.
      let keep = at.index == Self.chunkCapacity ? Self.chunkCapacity : Self.chunkCapacity / 2
      insertChunk(at: at.chunk + 1)
      let moved = chunks[at.chunk].count - keep
      (chunks[at.chunk + 1].areas).update(from: chunks[at.chunk].areas + keep, count: moved)
      chunks[at.chunk + 1].count = moved
      chunks[at.chunk].count = keep
      if at.index > keep || keep == Self.chunkCapacity {
        at = Position(chunk: at.chunk + 1, index: at.index - keep)
      }
    }
    let chunk = chunks[at.chunk]
    let place = chunk.areas + at.index
    (place + 1).update(from: place, count: chunk.count - at.index)
    place.pointee = area
    chunks[at.chunk].count += 1
    if isSplit { refresh(around: max(at.chunk - 1, 0)) }
    refresh(around: at.chunk)
    return at
  }

  /// Takes an area out.
  ///
  /// - Returns: the position of the one behind it.
  @discardableResult
  mutating func remove(at position: Position) -> Position {
    recent = nil
    count -= 1
    let chunk = chunks[position.chunk]
    let place = chunk.areas + position.index
    pages -= place.pointee.pages
    accounted -= place.pointee.accountedPages
    place.update(from: place + 1, count: chunk.count - position.index - 1)
    chunks[position.chunk].count -= 1
    if chunk.count == 1 {
      removeChunk(at: position.chunk)
      refresh(around: position.chunk)
      return Position(chunk: position.chunk, index: 0)
    }
    mergeIfSmall(position.chunk)
    refresh(around: position.chunk)
    return position.index < chunks[position.chunk].count
      ? position : Position(chunk: position.chunk + 1, index: 0)
  }

  /// Takes out the areas from a position on that lie below an address, calling `release` with each that
  /// shows a file.
  ///
  /// - Precondition: none reaches beyond the address; `release` does not use the set.
  /// - Complexity: O(chunks) for anonymous areas, O(areas) for others; and once the directory behind.
  mutating func remove(
    from first: Position, below upper: UInt64, _ release: (VirtualMemoryArea) -> Void
  ) {
    recent = nil
    var gone: UInt64 = 0
    var goneAccounted: UInt64 = 0
    var kept = first.chunk
    var c = first.chunk
    while c < chunkCount {
      let areas = chunks[c].areas
      let n = chunks[c].count
      let from = c == first.chunk ? first.index : 0
      var to = from
      if from == 0 && ends[c] <= upper && !chunks[c].showsFiles {
        gone &+= chunks[c].pages
        goneAccounted &+= chunks[c].accounted
        to = n
      }
      while to < n && areas[to].lower < upper {
        gone &+= areas[to].pages
        goneAccounted &+= areas[to].accountedPages
        if areas[to].source != 0 { release(areas[to]) }
        to &+= 1
      }
      if to == from && from == 0 { break }
      count -= to - from
      (areas + from).update(from: areas + to, count: n - to)
      chunks[c].count = n - (to - from)
      if chunks[c].count == 0 {
        spares.append(areas)
      } else {
        chunks[kept] = chunks[c]
        ends[kept] = ends[c]
        kept += 1
      }
      c += 1
      if to < n { break }
    }
    pages -= gone
    accounted -= goneAccounted
    (chunks + kept).update(from: chunks + c, count: chunkCount - c)
    (ends + kept).update(from: ends + c, count: chunkCount - c)
    chunkCount -= c - kept
    // At most two have been cut.
    for c in (first.chunk..<max(first.chunk, kept)).reversed() { mergeIfSmall(c) }
    refresh(around: first.chunk)
    if first.chunk + 1 < chunkCount { refresh(around: first.chunk + 1) }
  }

  /// Joins a chunk that has become small with the next one; what is known of it is stale then.
  private mutating func mergeIfSmall(_ index: Int) {
    let chunk = chunks[index]
    guard chunk.count < 16 && index + 1 < chunkCount && chunks[index + 1].count + chunk.count < 48
    else { return }
    let next = chunks[index + 1]
    (chunk.areas + chunk.count).update(from: next.areas, count: next.count)
    chunks[index].count += next.count
    removeChunk(at: index + 1)
  }

  /// Replaces the area at a position by another that keeps the order.
  mutating func replace(at position: Position, with area: VirtualMemoryArea) {
    recent = nil
    let place = chunks[position.chunk].areas + position.index
    pages = pages &- place.pointee.pages &+ area.pages
    accounted = accounted &- place.pointee.accountedPages &+ area.accountedPages
    place.pointee = area
    refresh(around: position.chunk)
  }

  /// Brings what the directory says of a chunk, and the gap below the next one, up to date.
  private mutating func refresh(around chunk: Int) {
    for c in chunk...chunk + 1 where c < chunkCount {
      let areas = chunks[c].areas
      let n = chunks[c].count
      ends[c] = areas[n - 1].upper
      var previous = c == 0 ? 0 : ends[c - 1]
      var largest: UInt64 = 0
      var pages: UInt64 = 0
      var accounted: UInt64 = 0
      var sources: UInt32 = 0
      for i in 0..<n {
        let top = areas[i].guardedLower(gap: guardGap)
        if top > previous && top - previous > largest { largest = top - previous }
        previous = areas[i].upper
        pages &+= areas[i].pages
        accounted &+= areas[i].accountedPages
        sources |= areas[i].source
      }
      chunks[c].largestGap = largest
      chunks[c].pages = pages
      chunks[c].accounted = accounted
      chunks[c].showsFiles = sources != 0
    }
  }

  private mutating func insertChunk(at index: Int) {
    if chunkCount == directoryCapacity {
      let larger = UnsafeMutablePointer<Chunk>.allocate(capacity: directoryCapacity * 2)
      larger.update(from: chunks, count: chunkCount)
      chunks.deallocate()
      chunks = larger
      let largerEnds = UnsafeMutablePointer<UInt64>.allocate(capacity: directoryCapacity * 2)
      largerEnds.update(from: ends, count: chunkCount)
      ends.deallocate()
      ends = largerEnds
      directoryCapacity *= 2
    }
    (chunks + index + 1).update(from: chunks + index, count: chunkCount - index)
    (ends + index + 1).update(from: ends + index, count: chunkCount - index)
    (chunks + index).pointee = Chunk(
      areas: spares.popLast() ?? .allocate(capacity: Self.chunkCapacity), count: 0, largestGap: 0,
      pages: 0, accounted: 0, showsFiles: false)
    ends[index] = 0
    chunkCount += 1
  }

  private mutating func removeChunk(at index: Int) {
    spares.append(chunks[index].areas)
    (chunks + index).update(from: chunks + index + 1, count: chunkCount - index - 1)
    (ends + index).update(from: ends + index + 1, count: chunkCount - index - 1)
    chunkCount -= 1
  }

  // MARK: Free space

  /// The highest `length` free bytes inside `low..<high`: their first address, or nil.
  func highestGap(length: UInt64, low: UInt64, high: UInt64) -> UInt64? {
    guard low < high, high - low >= length else { return nil }
    // The end of the gap being looked at: the guarded start of the area above it.
    var top = high
    var chunk = chunkCount - 1
    while chunk >= 0 {
      let areas = chunks[chunk].areas
      let n = chunks[chunk].count
      let floor = max(ends[chunk], low)
      if top > floor && top - floor >= length { return top - length }
      if ends[chunk] <= low { return nil }
      if chunks[chunk].largestGap < length {
        top = min(high, areas[0].guardedLower(gap: guardGap))
        chunk -= 1
        continue
      }
      var i = n - 1
      while i >= 0 {
        top = min(high, areas[i].guardedLower(gap: guardGap))
        if i == 0 { break }
        let floor = max(areas[i - 1].upper, low)
        if top > floor && top - floor >= length { return top - length }
        i -= 1
      }
      chunk -= 1
    }
    return top > low && top - low >= length ? top - length : nil
  }

  /// The lowest `length` free bytes inside `low..<high`: their first address, or nil.
  func lowestGap(length: UInt64, low: UInt64, high: UInt64) -> UInt64? {
    var bottom = low
    var position = firstEnding(after: low)
    while position != end {
      let area = chunks[position.chunk].areas[position.index]
      let top = min(area.guardedLower(gap: guardGap), high)
      if top > bottom && top - bottom >= length { return bottom }
      bottom = max(bottom, area.upper)
      if bottom >= high { return nil }
      position = next(position)
    }
    return high > bottom && high - bottom >= length ? bottom : nil
  }

  // MARK: Checks

  /// What is wrong with the structure, if anything is.
  func inconsistency() -> String? {
    var previous: UInt64 = 0
    var seen = 0
    var seenPages: UInt64 = 0
    var seenAccounted: UInt64 = 0
    for c in 0..<chunkCount {
      let n = chunks[c].count
      if n == 0 || n > Self.chunkCapacity { return "chunk \(c) holds \(n) areas" }
      var largest: UInt64 = 0
      for i in 0..<n {
        let area = chunks[c].areas[i]
        if area.lower >= area.upper || area.lower < previous
          || (area.lower | area.upper) & 4095 != 0
        {
          return "area \(i) of chunk \(c) is empty, unaligned or out of order"
        }
        let top = area.guardedLower(gap: guardGap)
        if top > previous { largest = max(largest, top - previous) }
        previous = area.upper
        seenPages += area.pages
        seenAccounted += area.accountedPages
      }
      let pages = (0..<n).reduce(0) { $0 + chunks[c].areas[$1].pages }
      let accounted = (0..<n).reduce(0) { $0 + chunks[c].areas[$1].accountedPages }
      let showsFiles = (0..<n).contains { chunks[c].areas[$0].source != 0 }
      if pages != chunks[c].pages || accounted != chunks[c].accounted
        || showsFiles != chunks[c].showsFiles
      {
        return "chunk \(c) has a wrong sum of pages, or of files"
      }
      if largest != chunks[c].largestGap { return "chunk \(c) has a wrong largest gap" }
      if previous != ends[c] { return "chunk \(c) has a wrong end" }
      seen += n
    }
    if seen != count || seenPages != pages || seenAccounted != accounted {
      return "the count of areas, of pages or of accounted pages is wrong"
    }
    return nil
  }
}
