import MMUMemory
import MMUPaging

// swapon and swapoff, and what /proc says of swap.

extension Kernel {
  /// swapon: lets pages go to the machine's swap area again.
  ///
  /// - Throws: EINVAL if the path is no swap area or a flag is unknown, EBUSY if it is on already, ENOENT
  ///   and whatever else looking for another file may come to.
  func startSwap(_ path: UInt64, _ flags: UInt64) throws(Errno) -> UInt64 {
    // SWAP_FLAG_PREFER 0x8000 with a priority, DISCARD 0x10000, 0x20000 and 0x40000.
    if flags & ~0x7_ffff != 0 { throw .invalid }
    let swap = try swapArea(path)
    if swap.isOn { throw .busy }
    swap.isOn = true
    return 0
  }

  /// swapoff: brings all pages back.
  ///
  /// - Throws: EINVAL if the path is no swap area that is on, ENOENT and whatever else looking for another
  ///   file may come to; ENOMEM if the pages do not fit into memory, or cannot be read: it stays on then.
  func stopSwap(_ path: UInt64) throws(Errno) -> UInt64 {
    let swap = try swapArea(path)
    if !swap.isOn { throw .invalid }
    swap.isOn = false
    if !system.emptySwap(swap) {
      swap.isOn = true
      throw .noMemory
    }
    return 0
  }

  /// The machine's swap area, if that is what a path names.
  private func swapArea(_ address: UInt64) throws(Errno) -> SwapArea {
    let path = try copyPath(address)
    if let swap = system.swap, path == Array(swap.name.utf8) { return swap }
    _ = try tree.inode(at: path, from: tree.root)
    throw .invalid
  }

  /// /proc/swaps.
  var swapsText: String {
    var text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    if let swap = system.swap, swap.isOn {
      let name = swap.name.padded(to: max(40, swap.name.utf8.count + 1))
      let type = swap.isFile ? "file\t" : "partition"
      func column(_ pages: UInt64) -> String {
        "\(pages * 4)" + (pages * 4 < 10_000_000 ? "\t" : "")
      }
      text += "\(name)\(type)\t\(column(swap.capacity))\t\(column(swap.used))\t-2\n"
    }
    return text
  }

  /// The lines of /proc/meminfo about swap, in pages.
  var swapRows: [(String, UInt64)] {
    let swap = system.swap.flatMap { $0.isOn ? $0 : nil }
    return [
      ("SwapCached", swap?.cachedFrames ?? 0), ("SwapTotal", swap?.capacity ?? 0),
      ("SwapFree", swap?.free ?? 0), ("Zswap", swap?.compressed?.poolFrames ?? 0),
      ("Zswapped", swap?.compressed?.pages ?? 0),
    ]
  }

  /// The lines of /proc/vmstat about reclaim.
  var reclaimRows: [(String, UInt64)] {
    let counters = pressure
    let compressed = counters.compressed ?? CompressedSwapCounters()
    return [
      ("pswpin", counters.diskIn), ("pswpout", counters.diskOut),
      ("pgsteal_kswapd", counters.freedByDaemon), ("pgsteal_direct", counters.freedDirectly),
      ("pgscan_kswapd", counters.scannedByDaemon), ("pgscan_direct", counters.scannedDirectly),
      ("allocstall_" + zoneName.lowercased(), counters.directReclaims),
      ("workingset_refault_anon", counters.refaultsAnonymous),
      ("workingset_refault_file", counters.refaultsFile),
      ("workingset_activate_anon", counters.activatedAnonymous),
      ("workingset_activate_file", counters.activatedFile),
      ("swap_ra", counters.readAhead), ("swap_ra_hit", counters.readAheadHits),
      ("zswpin", compressed.loaded), ("zswpout", compressed.stored),
      ("zswpwb", compressed.writtenBack),
    ]
  }
}

extension SystemMemory {
  /// Whether one page more may become resident, if need be in the place of a file's.
  fileprivate func hasRoomForSwapped() -> Bool {
    let lists = frames.lists
    while lists.pages >= lists.limit { if !reclaim() { return false } }
    return true
  }

  /// Brings everything back that is in swap; false if memory does not suffice or a page cannot be read.
  func emptySwap(_ swap: SwapArea) -> Bool {
    for space in spaces where space.swapEntries > 0 {
      if !space.bringAllBack() { return false }
    }
    for case let inode? in inodes {
      for page in inode.pages.pages(in: 0..<1 << 52) where inode.slot(page) != 0 {
        if !hasRoomForSwapped() { return false }
        if inode.swapIn(page, reclaiming: true) == 0 { return false }
      }
    }
    var cached: [UInt64] = []
    swap.forEachSlot { _, uses, frame in
      if uses == 0 && frame != 0 { cached.append(frame) }
    }
    for frame in cached { _ = giveUpSlot(of: frame) }
    return true
  }
}

extension AddressSpace {
  /// Brings all pages of this address space back from swap; false if that cannot be.
  fileprivate func bringAllBack() -> Bool {
    var addresses: [UInt64] = []
    tables.readTables(in: 0, Self.userLimit) { address, entries, count in
      for i in 0..<count where SoftwareEntry.isSwapped(entries[i]) {
        addresses.append(address + UInt64(i) << 12)
      }
    }
    for address in addresses {
      if !system.hasRoomForSwapped() { return false }
      guard let area = areas.area(at: address), let entry = tables.existingEntry(for: address)
      else { return false }
      var resolution = swapIn(area, address, 0, entry)
      if resolution == .outOfMemory && system.reclaim() {
        resolution = swapIn(area, address, 0, entry)
      }
      if !resolution.isResolved { return false }
      // As on Linux the next write faults.
      tables.set(entry, to: entry.pointee & ~PageTableEntry.writable.rawValue)
    }
    return true
  }
}
