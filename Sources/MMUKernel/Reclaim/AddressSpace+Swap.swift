import MMUMemory
import MMUPaging
import MMUTiming

// Pages of swap in an address space: how they come back, and what becomes of entries that name slots.

extension AddressSpace {
  /// A fault at a page that is in swap: Linux's do_swap_page.
  ///
  ///     its frame is in the swap cache                  -> swapCached, a minor fault
  ///     it is read, with its neighbours                 -> swappedIn, a major fault
  ///     it cannot be read                               -> swapFailed, SIGBUS
  ///
  /// The frame is mapped writable if the page was this process's own; a write to one that others have,
  /// too, is copied at once.
  @inline(never)
  func swapIn(
    _ area: UnsafeMutablePointer<VirtualMemoryArea>, _ address: UInt64, _ access: UInt64,
    _ entry: UnsafeMutablePointer<UInt64>
  ) -> FaultResolution {
    guard let swap = system.swap else { preconditionFailure("an entry names a slot of no swap") }
    let old = entry.pointee
    let slot = (old & PageTableEntry.addressMask) >> 12
    var resolution = FaultResolution.swapCached
    var frame = swap.frame(of: slot)
    let lists = system.frames.lists
    if frame == 0 {
      resolution = .swappedIn
      switch system.readSwap(slot) {
      case .noFrame: return .outOfMemory
      case .failed: return .swapFailed
      case .read(let number): frame = number
      }
      setHome(of: frame, area.pointee, address)
      system.noteRefault(frame, .anonymous, since: swap.evictionTime(of: slot))
    } else {
      if lists.has(PageLists.Mark.readAhead, frame) {
        lists.clear(PageLists.Mark.readAhead, frame)
        swap.noteReadaheadHit()
        system.reclaimCounters.readAheadHits += 1
      }
      if system.frames.home(of: frame) == .unknown { setHome(of: frame, area.pointee, address) }
    }
    system.frames.retain(FrameNumber(frame))
    let isWrite = access & 2 != 0
    let wasExclusive = old & SoftwareEntry.exclusive != 0
    swap.release(slot)
    // What is written, locked, or takes one of few slots, gives its slot up.
    if isWrite || swap.isHalfFull || area.pointee.flags.contains(.locked) {
      _ = system.giveUpSlot(of: frame)
    }
    let isOwn = wasExclusive || system.frames.references(to: FrameNumber(frame)) == 1
    system.frames.setExclusive(frame, isOwn)
    var bits = leafBits(area.pointee.permissions)
    if isOwn && area.pointee.permissions.contains(.write) {
      bits |= PageTableEntry.writable.rawValue
      if isWrite { bits |= PageTableEntry.dirty.rawValue }
    }
    // For swapoff, which asks for no access.
    if area.pointee.permissions.rawValue == 0 { bits = bits & ~1 | SoftwareEntry.inaccessible }
    system.charge(system.costs.entryEdit)
    tables.set(entry, to: frame << 12 | bits)
    swapEntries -= 1
    changeResident(anonymous: 1, file: 0)
    if isWrite && !isOwn {
      // Without a frame for the copy the fault comes again, and finds the page read-only.
      let copied = copyOnWrite(area, address, entry)
      if copied == .outOfMemory { return .outOfMemory }
    }
    return resolution
  }

  /// Gives back what an entry that names a slot stood for.
  func dropSwapEntry(_ entry: UInt64) {
    system.releaseSwapEntry((entry & PageTableEntry.addressMask) >> 12)
    swapEntries -= 1
  }
}

extension SystemMemory {
  /// What reading a page of swap came to.
  enum SwapRead {
    case read(UInt64)
    case noFrame
    case failed
  }

  /// Reads a slot that is not in the swap cache, and those around it that are in use.
  ///
  /// Charges the wait for the disk. The frame has the swap cache's reference only.
  func readSwap(_ slot: UInt64) -> SwapRead {
    guard let swap else { return .failed }
    var fromDisk: UInt64 = 0
    let result = readSwap(slot, of: swap, &fromDisk)
    if case .read = result {
      for other in swap.readaheadWindow(slot, largest: 1 << pageCluster)
      where other != slot {
        if swap.uses(of: other) == 0 || swap.frame(of: other) != 0 { continue }
        // A favour, which ends when memory does.
        if frames.lists.isShort || frames.available <= frames.watermarks.low { break }
        guard case .read(let frame) = readSwap(other, of: swap, &fromDisk) else { break }
        frames.lists.set(PageLists.Mark.readAhead, frame)
        reclaimCounters.readAhead += 1
      }
    }
    if fromDisk > 0 {
      waitForDisk(pages: fromDisk)
      stall.isCause = true
    }
    return result
  }

  /// MADV_WILLNEED: reads a slot into the swap cache, without anybody waiting for it.
  ///
  /// - Returns: false if there is no room for more; a page that cannot be read is left to its fault.
  func readSwapAhead(_ slot: UInt64) -> Bool {
    guard let swap, swap.frame(of: slot) == 0 else { return true }
    if !hasSpareFrames { return false }
    var fromDisk: UInt64 = 0
    if case .noFrame = readSwap(slot, of: swap, &fromDisk) { return false }
    return true
  }

  private func readSwap(
    _ slot: UInt64, of swap: SwapArea, _ fromDisk: inout UInt64
  ) -> SwapRead {
    let frame = frames.take(.anonymous, zeroed: false)
    if frame == 0 { return .noFrame }
    charge(costs.frameAllocation)
    memory.willWrite(FrameNumber(frame))
    switch swap.read(slot, into: memory.pointer(to: FrameNumber(frame))) {
    case .failed:
      reclaimCounters.failedReads += 1
      frames.release(FrameNumber(frame))
      return .failed
    case .compressed: break
    case .disk:
      reclaimCounters.diskIn += 1
      fromDisk += 1
    }
    reclaimCounters.swapIn += 1
    swap.enter(frame, slot)
    frames.setHome(of: frame, .unknown)
    frames.lists.enter(frame, .anonymous)
    frames.lists.set(PageLists.Mark.swapCached, frame)
    return .read(frame)
  }

  /// One entry less names a slot; a frame that only the swap cache has then goes, too.
  func releaseSwapEntry(_ slot: UInt64) {
    guard let swap else { preconditionFailure("an entry names a slot of no swap") }
    swap.release(slot)
    let frame = swap.frame(of: slot)
    if frame != 0, swap.uses(of: slot) == 0, frames.references(to: FrameNumber(frame)) == 1 {
      forgetSwapped(frame, of: swap)
    }
  }

  /// Drops an entry's reference to a page of private memory or of a file; one that only the swap cache has
  /// then goes if no entry names its slot.
  @inline(__always)
  func releasePage(_ frame: UInt64) {
    if frames.release(FrameNumber(frame)) { return }
    if frames.lists.has(PageLists.Mark.swapCached, frame),
      frames.references(to: FrameNumber(frame)) == 1
    {
      _ = giveUpSlot(of: frame)
    }
  }
}
