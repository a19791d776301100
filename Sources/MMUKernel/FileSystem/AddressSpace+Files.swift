import MMUMemory
import MMUPaging
import MMUTiming

// Pages of files in an address space: how they come in, become dirty, become clean, and go.

extension AddressSpace {
  /// Pages one read fault may map: Linux's fault_around_bytes, 64 KiB.
  static var faultAroundBytes: UInt64 { 65536 }

  /// Nothing is mapped yet in an area that shows a file.
  ///
  ///     beyond the end                              -> beyondFile
  ///     read                                        -> its neighbours in the cache are mapped, and:
  ///     read, page in the cache                     -> fileMapped
  ///     write to a private area                     -> fileCopied
  ///     write to a shared area                      -> fileMapped, and the page is dirty
  ///     any of these, page not in the cache         -> fileRead
  @inline(never)
  func fillFromFile(
    _ area: UnsafeMutablePointer<VirtualMemoryArea>, _ address: UInt64, _ access: UInt64,
    _ entry: UnsafeMutablePointer<UInt64>, _ bits: UInt64
  ) -> FaultResolution {
    guard let file = system.sources[Int(area.pointee.source)], let inode = file.inode else {
      preconditionFailure("an area shows a file that is gone")
    }
    let page = area.pointee.filePage(of: address)
    if page >= inode.pageCount {
      // The area has been made ready for a private page by then.
      if access & 2 != 0 && !area.pointee.isShared && area.pointee.anonymousIdentity == 0 {
        prepareAnonymous(address)
      }
      return .beyondFile
    }
    let pattern = area.pointee.readPattern
    let word = inode.word(page)
    if access & 2 == 0 {
      mapAround(area.pointee, address, inode, file, bits)
      // One that is not in the cache, or has a mark, is left to what follows.
      if entry.pointee != 0 { return .fileMapped }
    }
    let result = word != 0 ? FaultResolution.fileMapped : inode.costOfReading(page)
    let frame = file.frameForFault(of: page, of: inode, pattern: pattern)
    // A page the host does not give is one the file does not have.
    if frame == 0 { return inode.failure == .noMemory ? .outOfMemory : .beyondFile }
    system.charge(system.costs.entryEdit)
    let written = PageTableEntry.writable.rawValue | PageTableEntry.dirty.rawValue
    if access & 2 == 0 {
      system.frames.retain(FrameNumber(frame))
      tables.set(entry, to: frame << 12 | bits | sharedReadBits(area.pointee, inode))
      changeResident(anonymous: 0, file: 1)
      return result
    }
    if area.pointee.flags.contains(.shared) {
      do { try inode.makeDirty(page) } catch { return .beyondFile }
      system.frames.retain(FrameNumber(frame))
      tables.set(entry, to: frame << 12 | bits | written)
      changeResident(anonymous: 0, file: 1)
      return result
    }
    let copy = system.frames.take(.anonymous, zeroed: false)
    if copy == 0 { return .outOfMemory }
    setHome(of: copy, area.pointee, address)
    system.memory.copy(FrameNumber(frame), to: FrameNumber(copy))
    system.charge(system.costs.frameAllocation &+ system.costs.pageCopy)
    tables.set(entry, to: copy << 12 | bits | written)
    changeResident(anonymous: 1, file: 0)
    if area.pointee.anonymousIdentity == 0 { prepareAnonymous(address) }
    return result == .fileMapped ? .fileCopied : result
  }

  /// R/W of a page that a shared area maps by a read.
  ///
  /// Memory files need not know of writes; a disk's must.
  @inline(__always)
  private func sharedReadBits(_ area: VirtualMemoryArea, _ inode: Inode) -> UInt64 {
    area.flags.contains(.shared) && area.permissions.contains(.write) && !inode.isOnDisk
      ? PageTableEntry.writable.rawValue : 0
  }

  /// Maps the cached pages of the 16-page window around a read fault, as far as area, file and page
  /// table reach, but those with a readahead mark: Linux's do_fault_around.
  private func mapAround(
    _ area: VirtualMemoryArea, _ address: UInt64, _ inode: Inode, _ file: OpenFile, _ bits: UInt64
  ) {
    let window = Self.faultAroundBytes
    let lower = max(address & ~(window &- 1), area.lower)
    // Cut off at the area's start, it reaches so much further, but not into the next page table.
    let upper = min(lower &+ window, area.upper, (lower & ~0x1f_ffff) &+ 0x20_0000)
    let more = sharedReadBits(area, inode)
    var page = area.filePage(of: lower)
    let end = inode.pageCount
    var mapped = 0
    var at = lower
    // The window lies in one page table.
    guard let first = tables.existingEntry(for: lower) else { return }
    while at < upper && page < end {
      let place = first + Int((at &- lower) &>> 12)
      if place.pointee == 0 {
        let word = inode.word(page)
        if word != 0 && word & Inode.readaheadMark == 0 {
          let frame = word & Inode.frameMask
          system.frames.retain(FrameNumber(frame))
          tables.set(place, to: frame &<< 12 | bits | more)
          mapped &+= 1
        }
      }
      at &+= 4096
      page &+= 1
    }
    file.readahead.hit(UInt64(mapped))
    system.charge(UInt64(mapped) &* system.costs.entryEdit)
    changeResident(anonymous: 0, file: mapped)
  }

  /// A write to a page of a shared area that is mapped read-only: it becomes dirty.
  @inline(never)
  func writeShared(
    _ area: VirtualMemoryArea, _ address: UInt64, _ entry: UnsafeMutablePointer<UInt64>
  ) -> FaultResolution {
    guard let inode = system.sources[Int(area.source)]?.inode else {
      preconditionFailure("a shared area shows no file")
    }
    let page = area.filePage(of: address)
    do { try inode.makeDirty(page) } catch { return .beyondFile }
    let written = PageTableEntry.writable.rawValue | PageTableEntry.dirty.rawValue
    system.charge(system.costs.entryEdit)
    let frame = entry.pointee & PageTableEntry.addressMask
    tables.set(entry, to: frame | leafBits(area.permissions) | written)
    return .fileMapped
  }

  /// Calls `body` with each area that shows a file.
  func forEachArea(of inode: Inode, _ body: (VirtualMemoryArea) -> Void) {
    areas.forEach {
      if $0.source != 0, system.sources[Int($0.source)]?.inode === inode { body($0) }
    }
  }

  /// Write-protects the mappings of dirty pages, in ascending order, so that the next write is noticed.
  ///
  /// - Complexity: all areas, and the pages each of them shows.
  func cleanPages(_ pages: [UInt64], of inode: Inode) {
    var batch = InvalidationBatch()
    forEachArea(of: inode) { area in
      if !area.flags.contains(.shared) { return }
      // The first page that the area shows.
      var low = 0
      var high = pages.count
      while low < high {
        let middle = (low + high) / 2
        if pages[middle] < area.pageOffset { low = middle + 1 } else { high = middle }
      }
      while low < pages.count && pages[low] - area.pageOffset < area.pages {
        clean(area.lower + (pages[low] - area.pageOffset) * pageBytes, &batch)
        low += 1
      }
    }
    batch.deliver(pcid: pcid.rawValue, in: system)
  }

  /// The same in one area that is known to show the pages.
  ///
  /// - Returns: those that are mapped elsewhere, too.
  func cleanPages(
    _ pages: [UInt64], of inode: Inode, in area: VirtualMemoryArea
  ) -> [UInt64] {
    var batch = InvalidationBatch()
    let rest = pages.filter { page in
      let here = clean(area.lower + (page - area.pageOffset) * pageBytes, &batch)
      return inode.mappings(of: page) > (here ? 1 : 0)
    }
    batch.deliver(pcid: pcid.rawValue, in: system)
    return rest
  }

  /// Write-protects an entry; false if there is none.
  @discardableResult
  private func clean(_ address: UInt64, _ batch: inout InvalidationBatch) -> Bool {
    guard let entry = tables.existingEntry(for: address), entry.pointee != 0,
      !SoftwareEntry.hasNoFrame(entry.pointee)
    else { return false }
    let written = PageTableEntry.writable.rawValue | PageTableEntry.dirty.rawValue
    if entry.pointee & written != 0 {
      let isPresent = entry.pointee & 1 != 0
      tables.set(entry, to: entry.pointee & ~written)
      system.charge(system.costs.entryEdit)
      if isPresent { batch.note(address) }
    }
    return true
  }

  /// Unmaps pages of a file, private copies included unless they are to stay.
  func removePages(
    _ range: Range<UInt64>, of inode: Inode, keepingCopies: Bool = false
  ) {
    var batch = InvalidationBatch()
    forEachArea(of: inode) { area in
      let pages = range.clamped(to: area.pageOffset..<area.pageOffset + area.pages)
      if pages.isEmpty { return }
      let lower = area.lower + (pages.lowerBound - area.pageOffset) * pageBytes
      let upper = area.lower + (pages.upperBound - area.pageOffset) * pageBytes
      unmapPages(lower, upper, keepingCopies: keepingCopies, keepingGuards: true, batch: &batch)
    }
    batch.deliver(pcid: pcid.rawValue, in: system)
  }

  /// MADV_WILLNEED: reads the files of a range into the cache, and its pages of swap.
  ///
  /// - Throws: ENOMEM if part of the range is not mapped, the rest being done.
  func readAhead(_ lower: UInt64, _ upper: UInt64) throws(Errno) {
    try forEachArea(lower, upper) { area, from, to in
      if !area.isShared { readSwapAhead(from, to) }
      guard let inode = system.sources[Int(area.source)]?.inode else { return }
      let first = area.filePage(of: from)
      inode.readAhead(first..<first + (to - from) / pageBytes)
    }
  }

  /// msync: writes back what shared mappings of a range made dirty.
  ///
  /// - Throws: ENOMEM if part of the range is not mapped, the rest being done; EBUSY for
  ///   MS_INVALIDATE of a locked area; what a host says that refuses a page.
  func synchronize(
    _ lower: UInt64, _ upper: UInt64, writes: Bool, invalidates: Bool
  ) throws(Errno) {
    var at = lower
    var hole = false
    while at < upper {
      guard let area = areas.area(areas.firstEnding(after: at)) else { throw .noMemory }
      if area.lower > at {
        hole = true
        if area.lower >= upper { break }
        at = area.lower
      }
      if invalidates && area.flags.contains(.locked) { throw .busy }
      let end = min(upper, area.upper)
      if writes && area.flags.contains(.shared), let inode = system.sources[Int(area.source)]?.inode
      {
        let first = area.filePage(of: at)
        let pages = first..<first + (end - at) / pageBytes
        if let error = inode.sync(pages, shownBy: (self, area)) { throw error }
      }
      at = area.upper
    }
    if hole { throw .noMemory }
  }
}

extension Inode {
  /// What a fault comes to for a page that is not in the cache.
  fileprivate func costOfReading(_ page: UInt64) -> FaultResolution {
    let slot = slot(page)
    if slot == 0 { return waitsForDisk(page) ? .fileRead : .fileMapped }
    return system.swap?.frame(of: slot) == 0 ? .swappedIn : .swapCached
  }
}

extension VirtualMemoryArea {
  /// What MADV_RANDOM and MADV_SEQUENTIAL said of it.
  var readPattern: OpenFile.ReadPattern {
    flags.contains(.randomReads)
      ? .random : flags.contains(.sequentialReads) ? .sequential : .normal
  }
}
