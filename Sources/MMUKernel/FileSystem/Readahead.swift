import MMUMemory
import MMUTiming

// Which pages are read from the disk together: Linux's mm/readahead.c and the faults of mm/filemap.c,
// for pages of 4 KiB. A miss reads a window and waits for it; a mark in the window asks for the next one
// to be read, without anybody waiting, when somebody comes there. So a file that is read in order waits
// once.

/// What an open file remembers of its last window: Linux's `file_ra_state`, in pages.
struct Readahead {
  /// The last window, and how much of it was read ahead of the mark.
  fileprivate var start: UInt64 = 0
  fileprivate var size: UInt64 = 0
  fileprivate var ahead: UInt64 = 0
  /// Where the last read() ended; nowhere yet.
  var previous: UInt64 = .max
  /// The page the last byte of a read() came from: reading on in it is no second use.
  var lastRead: UInt64 = .max
  /// Faults that found no page, less those that did: many of them end reading around.
  fileprivate var misses: UInt64 = 0

  /// The largest window: 128 KiB, twice that after POSIX_FADV_SEQUENTIAL.
  static var largest: UInt64 { 32 }
  /// The largest request of one read(): 1,280 KiB.
  fileprivate static var largestRequest: UInt64 { 320 }
  /// Faults without a page after which a mapping is taken to be read at random.
  fileprivate static var manyMisses: UInt64 { 100 }

  /// The window of a first read.
  fileprivate static func firstSize(_ needed: UInt64, most: UInt64) -> UInt64 {
    var size: UInt64 = 1
    while size < needed { size *= 2 }
    return size <= most / 32 ? size * 4 : size <= most / 4 ? size * 2 : most
  }

  /// The window after this one.
  fileprivate func nextSize(most: UInt64) -> UInt64 {
    size < most / 16 ? 4 * size : size <= most / 2 ? 2 * size : most
  }

  /// A fault found its page, or fault-around found so many.
  mutating func hit(_ pages: UInt64) { misses -= min(misses, pages) }
}

extension OpenFile {
  /// The frame of a page for read() or write(), read from the disk now if need be; 0 if there is no free
  /// frame.
  ///
  /// - Parameters:
  ///   - page: lies in the file.
  ///   - needed: pages wanted from here on.
  func frame(of page: UInt64, of inode: Inode, needed: UInt64) -> UInt64 {
    let word = inode.word(page)
    if word != 0 {
      if word & Inode.readaheadMark != 0 { readNext(page, of: inode, needed: needed) }
      return word & Inode.frameMask
    }
    if inode.waitsForDisk(page) {
      if advice == .random {
        read(page..<page + min(needed, Readahead.largest), of: inode, waits: true)
      } else {
        readWindow(page, of: inode, needed: needed)
      }
    }
    return frameAlone(of: page, of: inode)
  }

  /// The same for a fault of a mapping.
  func frameForFault(of page: UInt64, of inode: Inode, pattern: ReadPattern) -> UInt64 {
    let word = inode.word(page)
    if word != 0 {
      noteFault(page, word, of: inode, pattern: pattern)
      return word & Inode.frameMask
    }
    if inode.waitsForDisk(page) {
      switch pattern {
      case .random: break
      case .sequential: readWindow(page, of: inode, needed: Readahead.largest)
      case .normal:
        readahead.misses = min(readahead.misses + 1, 10 * Readahead.manyMisses)
        if readahead.misses <= Readahead.manyMisses {
          readahead.start = page - min(page, windowLimit / 2)
          readahead.size = windowLimit
          readahead.ahead = windowLimit / 4
          readNoted(of: inode, waits: true)
        }
      }
    }
    return frameAlone(of: page, of: inode)
  }

  /// A fault found its page in the cache.
  func noteFault(_ page: UInt64, _ word: UInt64, of inode: Inode, pattern: ReadPattern) {
    if pattern == .random { return }
    readahead.hit(1)
    if word & Inode.readaheadMark != 0 {
      readNext(page, of: inode, needed: Readahead.largest)
    }
  }

  /// The frame of a page, which is read alone if it is not cached; 0 if there is no free frame.
  func frameAlone(of page: UInt64, of inode: Inode) -> UInt64 {
    let frame = inode.cachedFrame(page)
    if frame != 0 { return frame }
    let waits = inode.waitsForDisk(page) && inode.isStored(page)
    let own = inode.fill(page)
    if own != 0 && waits { system.waitForDisk(pages: 1) }
    return own
  }

  private var windowLimit: UInt64 {
    advice == .sequential ? 2 * Readahead.largest : Readahead.largest
  }

  private func limit(_ needed: UInt64) -> UInt64 {
    max(windowLimit, min(needed, Readahead.largestRequest))
  }

  /// A miss: Linux's page_cache_sync_ra.
  private func readWindow(_ page: UInt64, of inode: Inode, needed: UInt64) {
    let most = limit(needed)
    if page == 0 || needed > most || page &- readahead.previous <= 1 {
      readahead.start = page
      readahead.size = Readahead.firstSize(needed, most: most)
      readahead.ahead =
        readahead.size > needed ? readahead.size - needed : readahead.size / 2
      return readNoted(of: inode, waits: true)
    }
    // Pages just before that are cached tell of a reader who came along there.
    var trace: UInt64 = 0
    while trace < most && trace < page && inode.word(page - 1 - trace) != 0 { trace += 1 }
    if trace <= needed { return read(page..<page + needed, of: inode, waits: true) }
    readahead.start = page
    readahead.size = min((trace == page ? 2 * trace : trace) + needed, most)
    readahead.ahead = 1
    readNoted(of: inode, waits: true)
  }

  /// Somebody has come to a mark: Linux's page_cache_async_ra.
  private func readNext(_ page: UInt64, of inode: Inode, needed: UInt64) {
    inode.pages.set(page, to: inode.pages[page] & ~Inode.readaheadMark)
    let most = limit(needed)
    if page == readahead.start &+ readahead.size &- readahead.ahead {
      readahead.start += readahead.size
      readahead.size = max(readahead.size, readahead.nextSize(most: most))
    } else {
      // Another reader's mark: go on behind what is cached.
      var next = page + 1
      while next - page <= most && inode.word(next) != 0 { next += 1 }
      if next - page > most { return }
      readahead.start = next
      readahead.size = next - page + needed
      readahead.size = readahead.nextSize(most: most)
    }
    readahead.ahead = readahead.size
    readNoted(of: inode, waits: false)
  }

  /// Reads the noted window and sets its mark.
  private func readNoted(of inode: Inode, waits: Bool) {
    let range = readahead.start..<readahead.start + readahead.size
    let end = min(range.upperBound, inode.pageCount)
    let mark = end >= range.lowerBound + readahead.ahead ? end - readahead.ahead : .max
    read(range, of: inode, waits: waits, mark: mark)
  }

  /// Reads the pages of a range that are not cached, as one request.
  private func read(
    _ range: Range<UInt64>, of inode: Inode, waits: Bool, mark: UInt64 = .max
  ) {
    var read: UInt64 = 0
    let isStall = system.stall.isCause
    for page in range.clamped(to: 0..<inode.pageCount) where inode.pages[page] == 0 {
      // Reading ahead is a favour: it ends when memory does.
      if !system.hasSpareFrames || inode.fill(page, reclaiming: false) == 0 { break }
      // A hole is read without the disk.
      if inode.isStored(page) { read += 1 }
      if page == mark { inode.pages.set(page, to: inode.pages[page] | Inode.readaheadMark) }
    }
    if read > 0 && waits {
      system.waitForDisk(pages: read)
    } else {
      // Nobody waits for pages that come back with it.
      system.stall.isCause = isStall
    }
  }
}
