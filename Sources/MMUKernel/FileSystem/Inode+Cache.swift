import MMUMemory
import MMUTiming

// The page cache of one file. A frame in it has one reference for the cache and one for each entry
// that maps it; a dirty page differs from its block.

extension Inode {
  /// In a word of `pages`: the page differs from the disk.
  static var dirtyMark: UInt64 { 1 << 63 }

  /// The frame of a page in the cache; 0 if it is not there.
  @inline(__always)
  func cachedFrame(_ page: UInt64) -> UInt64 { pages[page] & ~Self.dirtyMark }

  /// Whether a page differs from the disk.
  func isDirty(_ page: UInt64) -> Bool { pages[page] & Self.dirtyMark != 0 }

  /// Whether reading a page waits for the disk.
  func waitsForDisk(_ page: UInt64) -> Bool {
    isOnDisk && (blocks[page] != 0 || page &* 4096 >= UInt64(provided.count))
  }

  /// Reads a page into the cache; 0 if there is no free frame.
  ///
  /// Charges the work, not the wait for the disk.
  /// - Precondition: it is not there, and lies in the file.
  func fill(_ page: UInt64, overwriting: Bool = false, reclaiming: Bool = true) -> UInt64 {
    let block = blocks[page]
    let start = Int(page &* 4096)
    let isProvided = block == 0 && start < provided.count
    let hasContent = (block != 0 || isProvided) && !overwriting
    let isZeroed = !hasContent || isProvided
    var frame = system.frames.take(.cache, zeroed: isZeroed)
    if frame == 0 && reclaiming && system.reclaim() {
      frame = system.frames.take(.cache, zeroed: isZeroed)
    }
    if frame == 0 { return 0 }
    let costs = system.costs
    system.charge(costs.frameAllocation &+ (hasContent ? costs.pageCopy : costs.pageZero))
    if hasContent {
      system.memory.willWrite(FrameNumber(frame))
      let target = system.memory.pointer(to: FrameNumber(frame))
      if let image = volume.image, block != 0 {
        target.copyMemory(from: image.bytes(of: block - 1), byteCount: 4096)
      } else {
        let count = min(4096, provided.count - start)
        provided.withUnsafeBytes {
          target.copyMemory(from: $0.baseAddress! + start, byteCount: count)
        }
      }
    }
    pages.set(page, to: frame)
    system.frames.setHome(of: frame, FrameHome(UInt32(slot), page: page))
    system.cachedFrames += 1
    return frame
  }

  /// Reads pages without anybody waiting for them, as far as memory allows.
  func readAhead(_ range: Range<UInt64>) {
    guard isOnDisk else { return }
    for page in range.clamped(to: 0..<pageCount) where cachedFrame(page) == 0 {
      if system.frames.available < 64 || fill(page, reclaiming: false) == 0 { return }
    }
  }

  /// Marks a page of the cache as different from the disk, and reserves its block; one of a memory
  /// file only as written.
  ///
  /// - Throws: ENOSPC if the disk is full.
  func makeDirty(_ page: UInt64) throws(Errno) {
    let word = pages[page]
    if word & Self.dirtyMark != 0 { return }
    if let image = volume.image, blocks[page] == 0 {
      guard let block = image.allocate() else { throw .noSpace }
      // Nobody reads the block before it is written: the page is in the cache and dirty.
      blocks.set(page, to: block + 1)
    }
    pages.set(page, to: word | Self.dirtyMark)
  }

  /// Writes bytes of one page, extending the file if they reach beyond its end.
  ///
  /// A page not in the cache is read first unless all of it is written.
  /// - Throws: ENOMEM, ENOSPC; nothing is changed then.
  func write(
    _ bytes: UnsafeRawBufferPointer, at position: UInt64, through file: OpenFile
  ) throws(Errno) {
    let page = position / 4096
    let end = position + UInt64(bytes.count)
    var frame = cachedFrame(page)
    let isNew = frame == 0
    if isNew {
      let isWhole = bytes.count == 4096
      frame =
        isWhole || blocks[page] == 0
        ? fill(page, overwriting: isWhole)
        : file.frame(of: page, of: self, pattern: .random, needed: 1)
      if frame == 0 { throw .noMemory }
    }
    do {
      try makeDirty(page)
    } catch {
      // A page just made may lie behind the end, or not have been read.
      if isNew { dropFrame(page) }
      throw error
    }
    if position > size { truncate(to: position) }
    system.memory.willWrite(FrameNumber(frame))
    if let source = bytes.baseAddress {
      (system.memory.pointer(to: FrameNumber(frame)) + Int(position & 4095))
        .copyMemory(from: source, byteCount: bytes.count)
    }
    if end > size { size = end }
  }

  /// Writes a dirty page back; its mappings have been made read-only and clean.
  private func writeBack(_ page: UInt64) {
    guard let image = volume.image, blocks[page] != 0 else { return }
    let frame = cachedFrame(page)
    // What a mapping wrote behind the end of the file never reaches the disk.
    if page == size / 4096 { zeroTail(from: size) }
    image.bytes(of: blocks[page] - 1).copyMemory(
      from: system.memory.pointer(to: FrameNumber(frame)), byteCount: 4096)
    pages.set(page, to: frame)
  }

  /// Writes the dirty pages of a range to the disk: fsync, msync.
  ///
  /// The next write through a mapping faults again.
  func sync(_ range: Range<UInt64> = 0..<1 << 52) {
    guard isOnDisk, pages.count > 0 else { return }
    var dirty: [UInt64] = []
    pages.forEach(in: range) { page, word in
      if word & Self.dirtyMark != 0 { dirty.append(page) }
    }
    if dirty.isEmpty { return }
    for mapper in mappers { mapper.space.cleanPages(dirty, of: self) }
    for page in dirty { writeBack(page) }
    system.waitForDisk(pages: UInt64(dirty.count))
  }

  /// Drops clean pages that nobody maps: POSIX_FADV_DONTNEED.
  @discardableResult
  func dropClean(_ range: Range<UInt64> = 0..<1 << 52) -> Int {
    guard isOnDisk else { return 0 }
    var dropped = 0
    for page in pages.pages(in: range) {
      let word = pages[page]
      if word & Self.dirtyMark != 0 || system.frames.references(to: FrameNumber(word)) > 1 {
        continue
      }
      dropFrame(page)
      dropped += 1
    }
    return dropped
  }

  private func dropFrame(_ page: UInt64) {
    let frame = cachedFrame(page)
    pages.set(page, to: 0)
    system.frames.release(FrameNumber(frame))
    system.cachedFrames -= 1
    system.charge(system.costs.frameAllocation)
  }

  /// Gives back pages with their blocks.
  ///
  /// - Precondition: nothing maps them.
  func dropPages(_ range: Range<UInt64>) {
    for page in pages.pages(in: range) { dropFrame(page) }
    guard let image = volume.image else { return }
    for page in blocks.pages(in: range) {
      image.release(blocks[page] - 1)
      blocks.set(page, to: 0)
    }
  }

  /// Sets the size.
  ///
  /// What a smaller one cuts off goes from the cache, from the disk, and from every address space,
  /// private copies included. What a larger one adds is a hole.
  func truncate(to new: UInt64) {
    let old = size
    if new > old {
      // Bytes that mappings wrote behind the old end do not become part of the file.
      zeroTail(from: old)
      size = new
      return
    }
    size = new
    let first = (new + 4095) / 4096
    if old > new {
      for mapper in mappers { mapper.space.removePages(first..<1 << 52, of: self) }
      dropPages(first..<1 << 52)
      if UInt64(provided.count) > new { provided.removeSubrange(Int(new)...) }
      zeroTail(from: new)
    }
  }

  /// Clears the rest of the page that holds byte `end`, in the cache and on the disk.
  private func zeroTail(from end: UInt64) { zero(end..<(end + 4095) & ~4095) }

  /// Clears bytes of one page, in the cache and on the disk.
  func zero(_ range: Range<UInt64>) {
    if range.isEmpty { return }
    let page = range.lowerBound / 4096
    let offset = Int(range.lowerBound & 4095)
    let frame = cachedFrame(page)
    if frame != 0 {
      system.memory.willWrite(FrameNumber(frame))
      let part = system.memory.pointer(to: FrameNumber(frame)) + offset
      part.initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
    }
    // A reserved block that was never written is written before it is read: see `makeDirty`.
    if let image = volume.image, blocks[page] != 0 {
      let part = image.bytes(of: blocks[page] - 1) + offset
      part.initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
    }
  }
}

extension OpenFile {
  /// The most pages one window reads ahead: 128 KiB, as Linux.
  static var largestWindow: UInt64 { 32 }

  /// The frame of a page, read from the disk now if need be, with pages around it that are
  /// likely to be needed next; 0 if there is no free frame.
  ///
  /// - Parameters:
  ///   - page: lies in the file.
  ///   - pattern: how the reader says it reads.
  ///   - needed: pages a read() wants from here on; 0 for a mapping, which also reads behind it.
  func frame(
    of page: UInt64, of inode: Inode, pattern: ReadPattern, needed: UInt64
  ) -> UInt64 {
    let present = inode.cachedFrame(page)
    if present != 0 { return present }
    if !inode.waitsForDisk(page) { return inode.fill(page) }
    let range = nextWindow(page, of: inode, pattern: pattern, needed: needed)
    var read: UInt64 = 0
    let frame = inode.fill(page)
    if frame == 0 { return 0 }
    if inode.blocks[page] != 0 { read += 1 }
    for other in range where other != page && inode.cachedFrame(other) == 0 {
      // Reading ahead is a favour: it ends when memory does.
      if system.frames.available < 64 || inode.fill(other, reclaiming: false) == 0 { break }
      if inode.blocks[other] != 0 { read += 1 }
    }
    // A hole is read without the disk.
    if read > 0 { system.waitForDisk(pages: read) }
    return frame
  }

  /// The pages to read with `page`.
  ///
  /// Reading on where the last window ended doubles the window up to 32 pages; a mapping read
  /// anywhere else takes 32 pages around, as Linux's do_sync_mmap_readahead.
  private func nextWindow(
    _ page: UInt64, of inode: Inode, pattern: ReadPattern, needed: UInt64
  ) -> Range<UInt64> {
    let end = inode.pageCount
    let range: Range<UInt64>
    if pattern == .random {
      range = page..<min(end, page + max(1, min(needed, Self.largestWindow)))
    } else {
      let isNext = page == window.upperBound || page == 0
      let last = UInt64(window.count)
      if pattern == .sequential || isNext || needed > 0 {
        let doubled = isNext && page != 0 ? max(last * 2, 4) : 4
        let most = pattern == .sequential ? 2 * Self.largestWindow : Self.largestWindow
        let size = min(most, max(doubled, min(needed, most)))
        range = page..<min(end, page + size)
      } else {
        let start = page - min(page, Self.largestWindow / 2)
        range = start..<min(end, start + Self.largestWindow)
      }
      window = range
    }
    return range
  }
}
