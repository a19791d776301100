import MMUMemory
import MMUTiming

// The page cache of one file. A frame in it has one reference for the cache and one for each entry
// that maps it; a dirty page differs from its block.

extension Inode {
  /// In a word of `pages`: the page differs from the disk.
  static var dirtyMark: UInt64 { 1 << 63 }
  /// In a word of `pages`: who comes to this page wants the next window read (Linux's PG_readahead).
  static var readaheadMark: UInt64 { 1 << 62 }
  /// The frame in a word of `pages`.
  static var frameMask: UInt64 { 1 << 40 - 1 }

  /// The frame of a page in the cache; 0 if it is not there.
  @inline(__always)
  func cachedFrame(_ page: UInt64) -> UInt64 { word(page) & Self.frameMask }

  /// Whether a page differs from the disk.
  func isDirty(_ page: UInt64) -> Bool { pages[page] & Self.dirtyMark != 0 }

  /// Whether reading a page waits for the disk.
  func waitsForDisk(_ page: UInt64) -> Bool {
    isOnDisk && (blocks[page] != 0 || page &* 4096 >= UInt64(provided.count))
  }

  /// Reads a page into the cache; 0 if there is no free frame, or for the reason in `failure`.
  ///
  /// Charges the work, not the wait for the disk.
  /// - Precondition: it is not there, and lies in the file.
  func fill(_ page: UInt64, overwriting: Bool = false, reclaiming: Bool = true) -> UInt64 {
    let block = blocks[page]
    host?.failure = nil
    if pages[page] != 0 { return swapIn(page, reclaiming: reclaiming) }
    isPromiseRefused = !canPromisePage
    if isPromiseRefused { return 0 }
    if reclaiming && system.frames.lists.isShort { system.reclaimDirectly() }
    let start = Int(page &* 4096)
    let isProvided = block == 0 && start < provided.count
    let hasContent = (isStored(page) || isProvided) && !overwriting
    let isZeroed = !hasContent || block == 0
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
        system.readPages += 1
      } else if host != nil {
        if !readFromHost(page, to: target) {
          system.frames.release(FrameNumber(frame))
          return 0
        }
        system.readPages += 1
      } else {
        let count = min(4096, provided.count - start)
        provided.withUnsafeBytes {
          target.copyMemory(from: $0.baseAddress! + start, byteCount: count)
        }
      }
    }
    pages.set(page, to: frame)
    system.frames.setHome(of: frame, home(of: page))
    system.frames.lists.enter(frame, isOnDisk ? .file : .anonymous)
    system.cachedFrames += 1
    if case let shadow = shadows[page], shadow != 0 {
      shadows.set(page, to: 0)
      system.noteRefault(frame, .file, since: UInt32(truncatingIfNeeded: shadow))
      if hasContent && !isProvided { system.stall.isCause = true }
    }
    notePromised()
    return frame
  }

  /// Reads pages without anybody waiting for them, as far as memory allows.
  func readAhead(_ range: Range<UInt64>) {
    if !isOnDisk {
      for page in pages.pages(in: range) {
        let slot = slot(page)
        if slot != 0 && !system.readSwapAhead(slot) { return }
      }
      return
    }
    let isStall = system.stall.isCause
    for page in range.clamped(to: 0..<pageCount) where cachedFrame(page) == 0 {
      if !system.hasSpareFrames || fill(page, reclaiming: false) == 0 { break }
    }
    system.stall.isCause = isStall
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
    if !isOnDisk { return }
    system.writeback.noteDirty(self)
    system.dirtiedPages += 1
  }

  /// Writes bytes of one page, extending the file if they reach beyond its end.
  ///
  /// A page not in the cache is read first unless all of it is written.
  /// - Throws: ENOMEM, ENOSPC, what the host says; nothing is changed then.
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
        isWhole || !isStored(page)
        ? fill(page, overwriting: isWhole)
        : file.frameAlone(of: page, of: self)
      if frame == 0 { throw failure }
    }
    do {
      try makeDirty(page)
    } catch {
      // A page just made may lie behind the end, or not have been read.
      if isNew { dropFrame(page) }
      throw error
    }
    if position > size {
      // The old end may be in swap, and making room for it must not take this page.
      system.frames.retain(FrameNumber(frame))
      truncate(to: position)
      system.frames.release(FrameNumber(frame))
    }
    system.memory.willWrite(FrameNumber(frame))
    if let source = bytes.baseAddress {
      (system.memory.pointer(to: FrameNumber(frame)) + Int(position & 4095))
        .copyMemory(from: source, byteCount: bytes.count)
    }
    if end > size { size = end }
  }

  /// Writes a dirty page back; its mappings have been made read-only and clean.
  ///
  /// - Throws: what the host says; the page stays dirty.
  private func writeBack(_ page: UInt64, to file: (any HostFile)?) throws(Errno) {
    let frame = cachedFrame(page)
    // What a mapping wrote behind the end of the file never reaches the disk.
    if page == size / 4096 { zeroTail(from: size) }
    if let file {
      try write(page, to: file)
      setClean(page, frame)
      return
    }
    guard let image = volume.image, blocks[page] != 0 else { return }
    image.bytes(of: blocks[page] - 1).copyMemory(
      from: system.memory.pointer(to: FrameNumber(frame)), byteCount: 4096)
    setClean(page, frame)
  }

  private func setClean(_ page: UInt64, _ frame: UInt64) {
    pages.set(page, to: frame)
    system.writeback.noteClean(self)
    system.writtenPages += 1
  }

  /// Writes the dirty pages of a range to the disk: fsync, msync.
  ///
  /// The next write through a mapping faults again. Where an area is known that shows the pages
  /// (`shownBy`), the others are only looked at for pages that have more mappings than that.
  /// - Returns: why some of them could not be written; these stay dirty.
  @discardableResult
  func sync(
    _ range: Range<UInt64> = 0..<1 << 52, waits: Bool = true,
    shownBy area: (AddressSpace, VirtualMemoryArea)? = nil
  ) -> Errno? {
    guard isOnDisk, pages.count > 0 else { return nil }
    var dirty: [UInt64] = []
    pages.forEach(in: range) { page, word in
      if word & Self.dirtyMark != 0 { dirty.append(page) }
    }
    if dirty.isEmpty { return nil }
    var mapped = dirty.filter { mappings(of: $0) > 0 }
    if let (space, area) = area { mapped = space.cleanPages(mapped, of: self, in: area) }
    if !mapped.isEmpty {
      for mapper in mappers { mapper.space.cleanPages(mapped, of: self) }
    }
    var failure: Errno?
    func writeAll(_ file: (any HostFile)?) {
      for page in dirty {
        do { try writeBack(page, to: file) } catch { failure = failure ?? error }
      }
    }
    if let host {
      do { try host.change(writeAll) } catch { failure = failure ?? error }
    } else {
      writeAll(nil)
    }
    if waits { system.waitForDisk(pages: UInt64(dirty.count)) }
    return failure
  }

  /// Entries that map a cached page, and others that use its frame.
  func mappings(of page: UInt64) -> UInt64 {
    // One reference is the cache's own.
    UInt64(system.frames.references(to: FrameNumber(cachedFrame(page)))) - 1
  }

  /// Drops clean pages that nobody maps: POSIX_FADV_DONTNEED.
  @discardableResult
  func dropClean(_ range: Range<UInt64> = 0..<1 << 52) -> Int {
    guard isOnDisk else { return 0 }
    var dropped = 0
    for page in pages.pages(in: range) {
      let word = pages[page]
      let frame = FrameNumber(word & Self.frameMask)
      if word & Self.dirtyMark != 0 || system.frames.references(to: frame) > 1 { continue }
      dropFrame(page)
      dropped += 1
    }
    if let host, host.content == nil, pages.count == 0 { unregisterContent() }
    return dropped
  }

  /// Takes a page out of the cache, or out of swap, without keeping its content.
  func dropFrame(_ page: UInt64) {
    let slot = slot(page)
    if slot != 0 {
      pages.set(page, to: 0)
      noteReturned()
      return system.releaseSwapEntry(slot)
    }
    let frame = cachedFrame(page)
    if isOnDisk && isDirty(page) { system.writeback.noteClean(self) }
    pages.set(page, to: 0)
    system.frames.release(FrameNumber(frame))
    system.cachedFrames -= 1
    noteReturned()
    system.charge(system.costs.frameAllocation)
  }

  /// Gives back pages with their blocks.
  ///
  /// - Precondition: nothing maps them.
  func dropPages(_ range: Range<UInt64>) {
    for page in pages.pages(in: range) { dropFrame(page) }
    for page in shadows.pages(in: range) { shadows.set(page, to: 0) }
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
      if let host, host.stored > new { host.stored = new }
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
    let slot = slot(page)
    let frame = slot != 0 ? fill(page) : cachedFrame(page)
    if slot != 0 && frame == 0 {
      _ = failure
      system.zero(offset..<offset + range.count, ofSlot: slot)
    }
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
