import MMUMemory
import MMUPaging

extension SystemMemory {
  /// Checks everything that must hold between traps; nil, or the first thing that does not.
  ///
  /// * each frame's references are its entries, its cache's and its tables' together;
  /// * each frame is free, or held by exactly what its use says; the free ones are in a free block or
  ///   in the core's list;
  /// * entries lie inside areas and do not allow more than their area;
  /// * the reverse map finds every entry of a frame, and nothing else;
  /// * the counts of resident pages and of tables are those of the tables;
  /// * what was promised is the sum over areas and files.
  ///
  /// - Complexity: all frames ever used and all entries.
  public func checkInvariants() -> String? {
    var references = [UInt32](repeating: 0, count: Int(frames.highWater))
    // What each frame is held as; `free` by nobody.
    var uses = [FrameUse](repeating: .free, count: Int(frames.highWater))
    var problem: String?
    func hold(_ number: UInt64, _ use: FrameUse, _ owner: @autoclosure () -> String) {
      let frame = Int(number)
      guard references.indices.contains(frame) else {
        problem = problem ?? "frame \(frame) was never handed out, but is held by \(owner())"
        return
      }
      references[frame] += 1
      if uses[frame] != .free && uses[frame] != use {
        problem =
          problem ?? "frame \(frame) is held as \(uses[frame]) and, by \(owner()), as \(use)"
      }
      uses[frame] = use
    }
    var cached: UInt64 = 0
    // Entries that name each slot of swap.
    var slotUses: [UInt64: UInt32] = [:]
    for case let inode? in inodes {
      if let found = inode.checkInvariants() { problem = problem ?? found }
      inode.pages.forEach(in: 0..<1 << 52) { _, word in
        if word & Inode.swappedMark != 0 {
          slotUses[word & Inode.frameMask, default: 0] += 1
          return
        }
        hold(word & Inode.frameMask, .cache, "file \(inode.number)")
        cached += 1
      }
    }
    let dirty = inodes.reduce(0) { $0 + ($1?.dirtyPages ?? 0) }
    if dirty != writeback.dirtyPages {
      return "\(writeback.dirtyPages) dirty pages are counted, the files have \(dirty)"
    }
    if cached != cachedFrames {
      return "\(cachedFrames) frames are counted in the cache, \(cached) are there"
    }
    if spaces.isEmpty && openFiles != 0 {
      return "\(openFiles) files are open though no process is left"
    }
    var tableCount = 0
    var areaReferences = [Int](repeating: 0, count: sources.count)
    for space in spaces {
      if let found = space.checkInvariants(&areaReferences, &slotUses, hold) {
        problem = problem ?? found
      }
      tableCount += space.tablePages
    }
    for pool in pools {
      for page in pool.pages {
        for frame in page..<page + pool.framesPerPage { hold(frame, .hugePool, "the pool") }
      }
    }
    for inode in inodes {
      for page in inode?.hugeFile?.pages ?? [] where page != 0 {
        hold(page, .hugePool, "a file of huge pages")
      }
    }
    for frame in huge.deposits { hold(frame, .pageTable, "the splits to come") }
    if let swap {
      swap.forEachSlot { slot, uses, frame in
        if frame != 0 { hold(frame, .anonymous, "the swap cache") }
        let counted = slotUses.removeValue(forKey: slot) ?? 0
        if counted != uses || uses == 0 && frame == 0 {
          problem = problem ?? "slot \(slot) counts \(uses) entries, \(counted) exist"
        }
      }
    }
    if let slot = slotUses.keys.min() { problem = problem ?? "slot \(slot) is free but named" }
    if let found = frames.lists.inconsistency() { problem = problem ?? found }
    if let problem { return problem }
    if let found = checkHugeLeaves() { return found }
    let promised =
      spaces.reduce(0) { $0 + $1.areas.accounted }
      + inodes.reduce(0) { $0 + ($1?.promisedPages ?? 0) }
    if promised != committedPages {
      return "\(committedPages) pages are counted as promised, \(promised) are"
    }
    if tableCount != tablePages {
      return "\(tablePages) table pages are counted, \(tableCount) exist"
    }
    for (i, source) in sources.enumerated() {
      if let source, source.areas != areaReferences[i] {
        return "open file \(i) counts \(source.areas) areas, \(areaReferences[i]) exist"
      }
    }
    var inUse: UInt64 = 0
    for frame in 0..<Int(frames.highWater) {
      let number = FrameNumber(UInt64(frame))
      let use = frames.use(of: number)
      if use == .free {
        if references[frame] != 0 { return "frame \(frame) is free but mapped" }
        continue
      }
      inUse += 1
      if use == .kernel || use == .compressed {
        if references[frame] != 0 { return "frame \(frame) is the kernel's but mapped" }
        continue
      }
      let counted = frames.references(to: number)
      if uses[frame] != use {
        let held = references[frame] == 0 ? "held by nobody" : "held as \(uses[frame])"
        return "frame \(frame) is in use as \(use), \(held)"
      }
      if counted != references[frame] {
        return "frame \(frame) counts \(counted) references, \(references[frame]) exist"
      }
    }
    if inUse != frames.used { return "\(frames.used) frames are counted in use, \(inUse) are" }
    return frames.checkFreeFrames()
  }

  /// Frames still in use beside the kernel's own, the page cache and the swap cache: 0 when every process
  /// has ended.
  public var leakedFrames: UInt64 {
    let zeros = huge.zeroBlock == 0 ? 0 : HugePages.frames
    let pooled = pools.reduce(0) { $0 + UInt64($1.pages.count) * $1.framesPerPage }
    return frames.used - UInt64(kernelTablePages) - 2 - zeros - pooled - cachedFrames
      - (swap?.cachedFrames ?? 0) - (swap?.compressed?.poolFrames ?? 0)
  }

  /// What is wrong with the promises of the pools, if anything is.
  private func checkPromises() -> String? {
    for pool in pools {
      var promised: Int64 = 0
      var used: Set<UInt64> = []
      for space in spaces {
        for area in space.allAreas where area.hugeSize == pool.size {
          if area.flags.contains(.promised) { promised += Int64(area.pages / pool.framesPerPage) }
          space.tables.forEachHugeLeaf(in: area.lower, area.upper) { _, leaf, _ in
            if area.flags.contains(.promised) { promised -= 1 }
            used.insert((leaf & PageTableEntry.addressMask) >> 12)
          }
        }
      }
      for case let file? in inodes.map({ $0?.hugeFile }) where file.pool === pool {
        promised += file.isPromised ? Int64(file.pages.count { $0 == 0 }) : 0
        used.formUnion(file.pages.filter { $0 != 0 })
      }
      if promised != Int64(pool.promised) {
        return "\(pool.promised) huge pages are promised, \(promised) are due"
      }
      if used.count + Int(pool.free) != pool.pages.count {
        return "\(pool.free) huge pages are free and \(used.count) used, of \(pool.pages.count)"
      }
    }
    return nil
  }

  /// What is wrong with huge leaves and their books, if anything is.
  private func checkHugeLeaves() -> String? {
    var problem: String?
    var leaves = 0
    var mapped: UInt64 = 0
    for space in spaces {
      space.tables.forEachHugeLeaf(in: 0, AddressSpace.userLimit) { address, entry, bytes in
        let frame = (entry & PageTableEntry.addressMask) >> 12
        let area = space.area(at: VirtualAddress(truncating: address))
        if area?.hugeSize == nil {
          leaves += 1
          if frame != huge.zeroBlock { mapped += 1 }
        }
        if frame & (bytes >> 12 - 1) != 0 {
          problem = "the huge leaf for \(hex(address)) leads to frame \(frame)"
        }
        if let area, area.upper < address + bytes || area.hugeSize == nil && area.source != 0 {
          problem = "the huge leaf for \(hex(address)) does not fit its area"
        }
      }
    }
    if let problem { return problem }
    if leaves != huge.deposits.count {
      return "\(huge.deposits.count) page tables are kept for splits, \(leaves) leaves exist"
    }
    if let found = checkPromises() { return found }
    if mapped != huge.mapped { return "\(huge.mapped) huge leaves are counted, \(mapped) exist" }
    return nil
  }
}

extension Kernel {
  /// What has not been given back at the end of a run; nil if everything has.
  ///
  /// - Precondition: the kernel was shut down.
  public var leak: String? {
    if system.leakedFrames != 0 { return "\(system.leakedFrames) frames were not given back" }
    if system.openFiles != 0 { return "\(system.openFiles) files are still open" }
    if system.tablePages != 0 { return "\(system.tablePages) table pages were not given back" }
    if !segments.segments.isEmpty { return "there are still shared-memory segments" }
    if let swap = system.swap, swap.used != swappedFilePages {
      return "\(swap.used - swappedFilePages) slots of swap were not given back"
    }
    return nil
  }

  /// Pages of files in memory that are in swap.
  private var swappedFilePages: UInt64 {
    var count: UInt64 = 0
    for case let inode? in system.inodes {
      inode.pages.forEach(in: 0..<1 << 52) { _, word in
        if word & Inode.swappedMark != 0 { count += 1 }
      }
    }
    return count
  }
}

extension AddressSpace {
  func checkInvariants(
    _ areaReferences: inout [Int], _ slotUses: inout [UInt64: UInt32],
    _ hold: (UInt64, FrameUse, @autoclosure () -> String) -> Void
  ) -> String? {
    if let problem = areas.inconsistency() { return problem }
    areas.forEach { areaReferences[Int($0.source)] += $0.source == 0 ? 0 : 1 }
    var tableCount = 0
    tables.forEachTableFrame {
      tableCount += 1
      hold($0, .pageTable, "a process's tables")
    }
    var leaves = 0
    tables.forEachHugeLeaf(in: 0, Self.userLimit) { address, leaf, _ in
      if areas.area(at: address)?.pointee.hugeSize == nil { return leaves += 1 }
      hold((leaf & PageTableEntry.addressMask) >> 12, .hugePool, hex(address))
    }
    if tableCount + leaves != tables.pages {
      return "\(tables.pages) tables are counted, \(tableCount) exist and \(leaves) huge leaves"
    }
    var problem: String?
    var anonymous: UInt64 = 0
    var file: UInt64 = 0
    var swapped: UInt64 = 0
    tables.readTables(in: 0, 1 << 47) { address, entries, count in
      for i in 0..<count where entries[i] != 0 {
        let at = address + UInt64(i) << 12
        let entry = entries[i]
        guard let area = areas.area(at: at)?.pointee else {
          problem = "an entry maps \(hex(at)) outside any area"
          continue
        }
        if area.hugeSize != nil || entry == SoftwareEntry.guardPage { continue }
        let permissions = area.permissions
        if SoftwareEntry.isSwapped(entry) {
          swapped += 1
          slotUses[(entry & PageTableEntry.addressMask) >> 12, default: 0] += 1
          continue
        }
        if entry & PageTableEntry.writable.rawValue != 0 && !permissions.contains(.write)
          || entry & 1 != 0 && permissions.rawValue == 0
          || entry & system.noExecute != (permissions.contains(.execute) ? 0 : system.noExecute)
        {
          problem = "the entry for \(hex(at)) allows more than \(permissions)"
        }
        let frame = (entry & PageTableEntry.addressMask) >> 12
        if frame == system.zeroFrame {
          if entry & PageTableEntry.writable.rawValue != 0 { problem = "the zero page is writable" }
          continue
        }
        let use = system.frames.use(of: FrameNumber(frame))
        // The swap cache's reference is no sharer.
        let isCached = system.frames.lists.has(PageLists.Mark.swapCached, frame)
        let isShared = system.frames.references(to: FrameNumber(frame)) > (isCached ? 2 : 1)
        let isWritable = entry & PageTableEntry.writable.rawValue != 0
        if area.flags.contains(.shared) {
          let inode = system.sources[Int(area.source)]?.inode
          let page = area.filePage(of: at)
          if inode?.cachedFrame(page) != frame {
            problem = "the entry for \(hex(at)) does not lead to page \(page) of its file"
          }
          if isWritable, let inode, inode.isOnDisk && !inode.isDirty(page) {
            problem = "the entry for \(hex(at)) is writable though its page is clean"
          }
        } else if isWritable && isShared {
          problem = "the frame at \(hex(at)) is shared but writable"
        }
        if use == .cache { file += 1 } else { anonymous += 1 }
        if !isInReverseMap(frame, at, area) {
          problem = "the reverse map does not lead from frame \(frame) to \(hex(at))"
        }
        hold(frame, use == .cache ? .cache : .anonymous, hex(at))
      }
    }
    if let problem { return problem }
    if swapped != swapEntries { return "\(swapEntries) pages in swap are counted, \(swapped) are" }
    if anonymous != residentAnonymous || file != residentFile {
      return "resident pages are counted \(residentAnonymous) and \(residentFile), "
        + "\(anonymous) and \(file) exist"
    }
    return nil
  }
}

extension AddressSpace {
  /// Whether the reverse map leads from a frame to an entry that maps it.
  ///
  /// By its home, not by asking for all mappings, which would take too long for each of many.
  private func isInReverseMap(_ frame: UInt64, _ address: UInt64, _ area: VirtualMemoryArea) -> Bool
  {
    let home = system.frames.home(of: frame)
    if system.frames.use(of: FrameNumber(frame)) == .cache {
      guard let inode = system.sources[Int(area.source)]?.inode else { return false }
      return home == inode.home(of: area.filePage(of: address))
        && inode.mappers.contains { $0.space === self }
    }
    // Read ahead, or mapped by a handler.
    if home == .unknown { return true }
    return home == FrameHome(family.number, page: area.homePage(of: address))
      && (hasMovedPages || home.page == address >> 12)
  }
}

extension Inode {
  /// What is wrong with the file's books, if anything is.
  func checkInvariants() -> String? {
    var problem: String?
    var dirty: UInt64 = 0
    pages.forEach(in: 0..<1 << 52) { page, word in
      if word & Self.swappedMark != 0 { return }
      if word & Self.dirtyMark != 0 { dirty += 1 }
      if page >= pageCount {
        problem = "file \(number) has page \(page) in the cache behind its end"
      }
      if isOnDisk && word & Self.dirtyMark != 0 && blocks[page] == 0 && host == nil {
        problem = "page \(page) of file \(number) is dirty and has no block"
      }
      if word & Self.dirtyMark != 0, let host, host.content == nil || !host.isContentWritable {
        problem = "page \(page) of file \(number) is dirty and its host's file closed"
      }
    }
    if let host,
      host.content != nil && holds == 0 && !pages.pages(in: 0..<1 << 52).contains(where: isDirty)
    {
      problem = "file \(number) of the host is open though nobody holds it"
    }
    if dirty != dirtyPages && isOnDisk {
      problem = "file \(number) counts \(dirtyPages) dirty pages, \(dirty) exist"
    }
    for mapper in mappers {
      var count = 0
      mapper.space.areas.forEach {
        if $0.source != 0, system.sources[Int($0.source)]?.inode === self { count += 1 }
      }
      if count != mapper.areas {
        problem = "file \(number) counts \(mapper.areas) areas of an address space, \(count) exist"
      }
    }
    return problem
  }
}
