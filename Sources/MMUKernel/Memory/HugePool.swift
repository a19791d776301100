import MMUMemory

/// The huge pages of one size that were set aside when the machine started: Linux's `hstate`.
///
/// They are handed out whole and come back whole; nothing splits, swaps or reclaims them. A page in use
/// has in its first frame's record one reference more than it has mappings and files.
final class HugePool {
  /// 2 MiB or 1 GiB.
  let size: PageSize
  private let frames: FrameAllocator
  /// First frames of all pages: HugePages_Total.
  private(set) var pages: [UInt64] = []
  /// Of those nobody uses, the next one last.
  private var unused: [UInt64] = []
  /// Those that have been used, and may hold anything.
  private var touched: Set<UInt64> = []
  /// Pages promised to mappings that have not touched them yet: HugePages_Rsvd.
  private(set) var promised: UInt64 = 0
  /// The most pages ever in use at once.
  private(set) var peakUsed: UInt64 = 0

  /// Sets aside so many pages, or as many as there are.
  init(_ size: PageSize, pages count: UInt64, _ frames: FrameAllocator) {
    self.size = size
    self.frames = frames
    while pages.count < count {
      let block = frames.takeBlock(.hugePool, order: Int(size.shift) - 12, zeroed: true)
      if block == 0 { break }
      pages.append(block)
    }
    unused = pages.reversed()
  }

  /// Frames of one page.
  var framesPerPage: UInt64 { size.bytes / pageBytes }
  /// HugePages_Free.
  var free: UInt64 { UInt64(unused.count) }

  /// Promises pages, if so many are neither in use nor promised.
  func promise(_ count: UInt64) -> Bool {
    if free < promised || free - promised < count { return false }
    promised += count
    return true
  }

  /// Moves pages from a mapping to its promise, or the other way round, whatever is free.
  func changePromise(by count: Int64) { promised = UInt64(Int64(promised) + count) }

  /// Takes a page, of undefined content; 0 if there is none.
  ///
  /// - Parameter isPromised: it is one that was promised.
  func take(isPromised: Bool) -> UInt64 {
    if unused.isEmpty || !isPromised && free <= promised { return 0 }
    if isPromised { promised -= 1 }
    let page = unused.removeLast()
    frames.retain(FrameNumber(page))
    peakUsed = max(peakUsed, UInt64(pages.count - unused.count))
    return page
  }

  /// Fills a page just taken with zeros, if it may hold anything else.
  func clear(_ page: UInt64) {
    if touched.insert(page).inserted { return }
    for frame in page..<page + framesPerPage { frames.memory.zero(FrameNumber(frame)) }
  }

  /// Copies a page to another, just taken.
  func copy(_ page: UInt64, to target: UInt64) {
    touched.insert(target)
    for i in 0..<framesPerPage {
      frames.memory.copy(FrameNumber(page + i), to: FrameNumber(target + i))
    }
  }

  /// Adds a mapping to a page in use.
  func retain(_ page: UInt64) { frames.retain(FrameNumber(page)) }

  /// Takes away a mapping or a file; the last one's page is free again.
  func release(_ page: UInt64) {
    frames.release(FrameNumber(page))
    if frames.references(to: FrameNumber(page)) == 1 { unused.append(page) }
  }

  /// Mappings of a page, and files that hold it.
  func users(of page: UInt64) -> UInt64 { UInt64(frames.references(to: FrameNumber(page))) - 1 }
}

/// What stands behind a mapping of huge pages: the pages themselves if it is shared.
final class HugeFile {
  let pool: HugePool
  /// For each page its first frame; 0 if it was not touched yet.
  private(set) var pages: [UInt64]
  /// The pages that were not touched are promised.
  let isPromised: Bool

  /// Makes a file without pages.
  ///
  /// - Parameter isPromised: the pool has promised all of them to the file.
  init(_ pool: HugePool, pages count: UInt64, isPromised: Bool) {
    self.pool = pool
    self.isPromised = isPromised
    pages = Array(repeating: 0, count: Int(count))
  }

  /// Takes a page for the file's place; 0 if there is none.
  func fill(_ place: UInt64) -> UInt64 {
    pages[Int(place)] = pool.take(isPromised: isPromised)
    return pages[Int(place)]
  }

  /// Gives everything back.
  func evict() {
    for page in pages where page != 0 { pool.release(page) }
    if isPromised { pool.changePromise(by: -Int64(pages.count { $0 == 0 })) }
    pages = []
  }
}
