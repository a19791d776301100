import MMUMemory
import MMUPaging
import MMUTiming

// Taking one page out of memory: looking at who used it, cutting its mappings, keeping its content.

/// What the accessed bits of a page's mappings say, all of which are clear now.
struct AccessSample {
  /// Mappings through which it was accessed.
  var count = 0
  /// One of them may execute it.
  var isExecutable = false
}

/// An entry that maps a frame.
struct PageMapping {
  let space: AddressSpace
  let address: UInt64
  let entry: UnsafeMutablePointer<UInt64>
}

extension SystemMemory {
  // MARK: Who used it

  /// Takes the accessed bits of all mappings of a frame.
  ///
  /// As Linux on x86 the translations stay in the TLBs: a page that is used through one of those does not
  /// look accessed before it has been evicted from there and walked to again. Invalidating would make the
  /// answer better and everything else slower. The one bit of a huge page answers for all its frames, and is
  /// taken with the last.
  func sampleAccess(_ frame: UInt64) -> AccessSample {
    var sample = AccessSample()
    forEachMapping(of: frame) { space, address in
      switch space.tables.region(at: address).0 {
      case .nothing: break
      case .table(let table):
        takeAccessed(table + Int((address >> 12) & 511), space, &sample)
      case .leaf(let place):
        if (address >> 12) & 511 == 511 {
          takeAccessed(place, space, &sample)
        } else if place.pointee & PageTableEntry.accessed.rawValue != 0 {
          sample.count += 1
        }
      }
      return true
    }
    return sample
  }

  @inline(__always)
  private func takeAccessed(
    _ entry: UnsafeMutablePointer<UInt64>, _ space: AddressSpace, _ sample: inout AccessSample
  ) {
    let old = entry.pointee
    if old & PageTableEntry.accessed.rawValue == 0 { return }
    space.tables.set(entry, to: old & ~PageTableEntry.accessed.rawValue)
    sample.count += 1
    if old & noExecute == 0 { sample.isExecutable = true }
  }

  /// Whether a page was accessed, or read by a system call, since it was last asked about.
  func wasUsed(_ frame: UInt64) -> Bool {
    let lists = frames.lists
    let wasReferenced = lists.has(PageLists.Mark.referenced, frame)
    lists.clear(PageLists.Mark.referenced, frame)
    return sampleAccess(frame).count > 0 || wasReferenced
  }

  /// Takes the accessed bits of all pages of all processes, calling `body` with the frame of each that had
  /// one.
  ///
  /// - Complexity: all page tables.
  func takeAccessed(_ body: (UInt64) -> Void) {
    let accessed = PageTableEntry.accessed.rawValue
    for space in spaces {
      space.tables.forEachTable(
        in: 0, 1 << 47,
        wholeLeaf: { _, place, _ in
          let leaf = place.pointee
          if leaf & (accessed | 1) == accessed | 1, let block = block(of: leaf) {
            place.pointee = leaf & ~accessed
            for frame in block { body(frame) }
          }
          return true
        }
      ) { _, entries, count in
        for i in 0..<count where entries[i] & (accessed | 1) == accessed | 1 {
          entries[i] &= ~accessed
          body((entries[i] & PageTableEntry.addressMask) >> 12)
        }
      }
    }
  }

  /// A system call uses a page of a file: Linux's mark_page_accessed.
  func noteUse(_ frame: UInt64) {
    let lists = frames.lists
    if !lists.has(PageLists.Mark.referenced, frame) {
      lists.set(PageLists.Mark.referenced, frame)
    } else {
      let list = lists.list(of: frame)
      policy.used(frame, lists)
      if lists.list(of: frame) != list { evictions &+= 1 }
    }
  }

  // MARK: Eviction

  /// Takes a page out of memory; false if it has to stay.
  func evict(_ frame: UInt64) -> Bool {
    let isGone: Bool
    switch frames.use(of: FrameNumber(frame)) {
    case .anonymous: isGone = evictAnonymous(frame)
    case .cache:
      let home = frames.home(of: frame)
      guard let inode = inodes[Int(home.owner)] else { return false }
      isGone =
        inode.isOnDisk
        ? inode.evict(home.page, frame) : inode.swapOut(home.page, frame)
    default: isGone = false
    }
    if isGone { freedByReclaim += 1 }
    return isGone
  }

  /// The entries that map a frame; nil if somebody else needs it, too, or it is locked.
  ///
  /// - Parameter others: references that are no entries.
  func mappingsToCut(_ frame: UInt64, others: UInt32) -> [PageMapping]? {
    var mappings: [PageMapping] = []
    forEachMapping(of: frame) { space, address in
      if let entry = space.tables.existingEntry(for: address) {
        mappings.append(PageMapping(space: space, address: address, entry: entry))
      }
      return true
    }
    let references = frames.references(to: FrameNumber(frame))
    if references != UInt32(mappings.count) + others { return nil }
    let isLocked = mappings.contains { mapping in
      mapping.space.areas.area(at: mapping.address)?.pointee.flags.contains(.locked) ?? false
    }
    return isLocked ? nil : mappings
  }

  /// Replaces an entry by one that is not present.
  func cut(_ mapping: PageMapping, to entry: UInt64) {
    let wasPresent = mapping.entry.pointee & 1 != 0
    mapping.space.tables.set(mapping.entry, to: entry)
    charge(costs.entryEdit)
    if wasPresent {
      deliver(
        .address(VirtualAddress(truncating: mapping.address), pcid: mapping.space.pcid))
    }
  }

  /// A page of private memory, or one that only the swap cache has.
  private func evictAnonymous(_ frame: UInt64) -> Bool {
    if frames.lists.has(PageLists.Mark.lazyFree, frame) { return dropLazily(frame) }
    guard let swap else { return false }
    let isCached = frames.lists.has(PageLists.Mark.swapCached, frame)
    guard let mappings = mappingsToCut(frame, others: isCached ? 1 : 0) else { return false }
    let wasExclusive = frames.isExclusive(frame)
    let isDirty = mappings.contains { $0.entry.pointee & PageTableEntry.dirty.rawValue != 0 }
    let slot = isCached ? swap.slot(of: frame) : swap.allocate()
    if slot == 0 { return false }
    if !isCached || isDirty {
      guard writeOut(frame, to: slot, of: swap) else {
        if !isCached { swap.cancel(slot) }
        return false
      }
    }
    swap.retain(slot, by: UInt32(mappings.count))
    swap.setEvictionTime(of: slot, noteEviction())
    let exclusive = wasExclusive ? SoftwareEntry.exclusive : 0
    for mapping in mappings {
      cut(mapping, to: slot << 12 | SoftwareEntry.swapped | exclusive)
      mapping.space.changeResident(anonymous: -1, file: 0)
      mapping.space.swapEntries += 1
      frames.release(FrameNumber(frame))
    }
    if isCached { forgetSwapped(frame, of: swap) }
    charge(costs.frameAllocation)
    return true
  }

  /// A page of MADV_FREE: its content goes, if it was not written since.
  private func dropLazily(_ frame: UInt64) -> Bool {
    guard let mappings = mappingsToCut(frame, others: 0) else { return false }
    if mappings.contains(where: { $0.entry.pointee & PageTableEntry.dirty.rawValue != 0 }) {
      frames.lists.enterAnew(frame, .anonymous)
      return false
    }
    for mapping in mappings {
      cut(mapping, to: 0)
      mapping.space.changeResident(anonymous: -1, file: 0)
      frames.release(FrameNumber(frame))
    }
    charge(costs.frameAllocation)
    return true
  }

  /// Writes a frame to its slot; false if that fails.
  func writeOut(_ frame: UInt64, to slot: UInt64, of swap: SwapArea) -> Bool {
    switch swap.write(slot, from: memory.pointer(to: FrameNumber(frame))) {
    case .failed:
      reclaimCounters.failedWrites += 1
      return false
    case .compressed: break
    case .disk:
      reclaimCounters.diskOut += 1
      pagesForDisk += 1
    }
    reclaimCounters.swapOut += 1
    return true
  }

  /// Takes a frame out of the swap cache, with the cache's reference.
  func forgetSwapped(_ frame: UInt64, of swap: SwapArea) {
    frames.lists.clear(PageLists.Mark.swapCached | PageLists.Mark.readAhead, frame)
    swap.forget(frame)
    frames.release(FrameNumber(frame))
  }

  /// Takes a frame out of the swap cache if no entry names its slot: its content is its own from now on.
  ///
  /// - Returns: whether it is not in the swap cache now.
  func giveUpSlot(of frame: UInt64) -> Bool {
    guard frames.lists.has(PageLists.Mark.swapCached, frame), let swap else { return true }
    if swap.uses(of: swap.slot(of: frame)) != 0 { return false }
    forgetSwapped(frame, of: swap)
    return true
  }

  /// Makes a frame of private memory its only holder's own; false if others have it, too.
  @inline(__always)
  func claim(_ frame: UInt64) -> Bool {
    frames.claim(frame)
      || frames.lists.has(PageLists.Mark.swapCached, frame)
        && frames.references(to: FrameNumber(frame)) == 2 && giveUpSlot(of: frame)
        && frames.claim(frame)
  }

  /// Drops the clean pages of files that nobody maps: a 1 written to /proc/sys/vm/drop_caches.
  func dropCleanPages() {
    for case let inode? in inodes { inode.dropClean() }
  }

  // MARK: Refaults

  /// A page goes: the time on the clock of evictions, which activations drive, too.
  func noteEviction() -> UInt32 {
    evictions &+= 1
    return evictions
  }

  /// A page is back that went at a time: Linux's workingset_refault.
  ///
  /// So many pages have gone since as memory would have had to be larger. If the pages in use that it
  /// competes with are more than that, it would have stayed in place of one of them.
  func noteRefault(_ frame: UInt64, _ kind: PageKind, since time: UInt32) {
    let distance = UInt64(evictions &- time)
    let lists = frames.lists
    let competing = swap == nil ? lists.count(kind) : lists.pages
    let isWorkingSet = distance <= competing - policy.inactive(kind, lists)
    switch kind {
    case .anonymous:
      reclaimCounters.refaultsAnonymous += 1
      reclaimCounters.activatedAnonymous += isWorkingSet ? 1 : 0
    case .file:
      reclaimCounters.refaultsFile += 1
      reclaimCounters.activatedFile += isWorkingSet ? 1 : 0
    }
    if isWorkingSet { evictions &+= 1 }
    noteCost(kind, Self.clusterPages)
    policy.refaulted(frame, isWorkingSet: isWorkingSet, lists)
  }
}
