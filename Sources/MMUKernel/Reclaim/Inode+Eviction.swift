import MMUMemory
import MMUPaging
import MMUTiming

// Pages of the page cache that go when memory is short: of a file on a disk by being dropped, written
// first if they are dirty; of a file in memory (shared memory, /tmp, memfd) to swap, in the place of
// their frame in `pages`.

extension Inode {
  /// In a word of `pages`: instead of a frame it holds a slot of the swap area.
  static var swappedMark: UInt64 { 1 << 61 }

  /// Pages written with a dirty one: those of its window of so many.
  private static var writebackWindow: UInt64 { 64 }

  /// The word of a page in the cache; 0 if it is not there, but in swap perhaps.
  @inline(__always)
  func word(_ page: UInt64) -> UInt64 {
    let word = pages[page]
    return word & Self.swappedMark == 0 ? word : 0
  }

  /// The slot of a page that is in swap; 0 if it is not.
  func slot(_ page: UInt64) -> UInt64 {
    let word = pages[page]
    return word & Self.swappedMark == 0 ? 0 : word & Self.frameMask
  }

  /// Takes a page of a file on a disk out of memory; false if it has to stay.
  func evict(_ page: UInt64, _ frame: UInt64) -> Bool {
    guard cachedFrame(page) == frame,
      let mappings = system.mappingsToCut(frame, others: 1)
    else { return false }
    let wasDirty = isDirty(page)
    if wasDirty {
      let before = system.writtenPages
      let first = page & ~(Self.writebackWindow - 1)
      sync(first..<first + Self.writebackWindow, waits: false)
      system.pagesForDisk += system.writtenPages - before
      // The host may have refused it.
      if isDirty(page) { return false }
    }
    cut(mappings, of: frame)
    shadows.set(page, to: 1 << 32 | UInt64(system.noteEviction()))
    dropFrame(page)
    if wasDirty {
      system.reclaimCounters.droppedDirty += 1
    } else {
      system.reclaimCounters.droppedClean += 1
    }
    if host != nil && pages.count == 0 { evictIfUnused() }
    return true
  }

  /// Unmaps a page of the cache everywhere.
  private func cut(_ mappings: [PageMapping], of frame: UInt64) {
    for mapping in mappings {
      system.cut(mapping, to: 0)
      mapping.space.changeResident(anonymous: 0, file: -1)
      system.frames.release(FrameNumber(frame))
    }
  }

  /// Takes a page of a file in memory to swap, or drops it if nobody has written it; false if it has to
  /// stay.
  func swapOut(_ page: UInt64, _ frame: UInt64) -> Bool {
    guard let swap = system.swap, cachedFrame(page) == frame,
      let mappings = system.mappingsToCut(frame, others: 1)
    else { return false }
    let dirty = PageTableEntry.dirty.rawValue
    if !isDirty(page) && !mappings.contains(where: { $0.entry.pointee & dirty != 0 }) {
      // Nobody has written it: it is a hole, or what the file was made with.
      cut(mappings, of: frame)
      dropFrame(page)
      return true
    }
    let slot = swap.allocate()
    if slot == 0 { return false }
    guard system.writeOut(frame, to: slot, of: swap) else {
      swap.cancel(slot)
      return false
    }
    swap.retain(slot)
    swap.setEvictionTime(of: slot, system.noteEviction())
    cut(mappings, of: frame)
    pages.set(page, to: Self.dirtyMark | Self.swappedMark | slot)
    system.frames.release(FrameNumber(frame))
    system.cachedFrames -= 1
    system.charge(system.costs.frameAllocation)
    return true
  }

  /// Brings a page back from swap; 0 if there is no free frame, or for the reason in `failure`.
  func swapIn(_ page: UInt64, reclaiming: Bool) -> UInt64 {
    guard let swap = system.swap else { preconditionFailure("a page is in no swap") }
    let slot = slot(page)
    var frame = swap.frame(of: slot)
    let lists = system.frames.lists
    if frame == 0 {
      var result = system.readSwap(slot)
      if case .noFrame = result, reclaiming, system.reclaim() { result = system.readSwap(slot) }
      switch result {
      case .noFrame: return 0
      case .failed:
        swapFailure = .inputOutput
        return 0
      case .read(let number): frame = number
      }
      system.noteRefault(frame, .anonymous, since: swap.evictionTime(of: slot))
    } else if lists.has(PageLists.Mark.readAhead, frame) {
      swap.noteReadaheadHit()
      system.reclaimCounters.readAheadHits += 1
    }
    // The swap cache's reference becomes the page cache's.
    system.frames.retain(FrameNumber(frame))
    swap.release(slot)
    system.forgetSwapped(frame, of: swap)
    system.frames.convert(frame, to: .cache)
    system.frames.setHome(of: frame, home(of: page))
    system.cachedFrames += 1
    pages.set(page, to: pages[page] & Self.dirtyMark | frame)
    return frame
  }
}

extension SystemMemory {
  /// A mapping through which a page of a file in memory was written goes: the page remembers that.
  @inline(never)
  func noteWritten(_ frame: UInt64) {
    let home = frames.home(of: frame)
    guard let inode = inodes[Int(home.owner)], !inode.isOnDisk,
      inode.cachedFrame(home.page) == frame
    else { return }
    inode.pages.set(home.page, to: inode.pages[home.page] | Inode.dirtyMark)
  }
}

extension SystemMemory {
  /// Clears bytes of a page where it lies in swap, for there is no frame to bring it back to.
  ///
  /// One that cannot be read is lost to everybody anyway.
  func zero(_ range: Range<Int>, ofSlot slot: UInt64) {
    guard let swap else { return }
    let page = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 64)
    defer { page.deallocate() }
    if case .failed = swap.read(slot, into: page) { return }
    (page + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
    for _ in 0..<16 {
      if case .failed = swap.write(slot, from: page) { continue }
      return
    }
  }
}
