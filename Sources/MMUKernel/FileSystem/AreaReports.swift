import MMUMemory
import MMUPaging

// maps and smaps: the areas of an address space as text, in Linux's formats.

extension AddressSpace {
  /// /proc/PID/maps.
  func mapsText() -> String {
    var text = ""
    areas.forEach { text += mapsLine($0) }
    return text
  }

  /// A line of maps: range, permissions, offset, device, inode, and from column 74 on the name.
  private func mapsLine(_ area: VirtualMemoryArea) -> String {
    let inode = area.source == 0 ? nil : system.sources[Int(area.source)]?.inode
    let offset = inode == nil ? 0 : area.pageOffset * 4096
    let device = inode?.volume.device ?? 0
    var line = area.lower.hex(8) + "-" + area.upper.hex(8) + " " + area.permissions.description
    line += (area.isShared ? "s " : "p ") + offset.hex(8) + " "
    line += (device >> 8).hex(2) + ":" + (device & 0xff).hex(2) + " \(inode?.number ?? 0) "
    let name = mapsName(area)
    if !name.isEmpty { line = line.padded(to: 73) + name }
    return line + "\n"
  }

  func mapsName(_ area: VirtualMemoryArea) -> String {
    if area.source != 0, let file = system.sources[Int(area.source)] {
      let path = file.path.split(separator: "\n", omittingEmptySubsequences: false)
        .joined(separator: "\\012")
      // Nameless files say so in their path.
      let isGone = file.inode.map { $0.links <= 0 } ?? false
      return isGone && !path.hasPrefix("[") && !path.hasSuffix(" (deleted)")
        ? path + " (deleted)" : path
    }
    if area.flags.contains(.stack) { return "[stack]" }
    if area.lower < currentBreak && area.upper > startBreak { return "[heap]" }
    return ""
  }

  /// /proc/PID/smaps.
  func smapsText() -> String {
    var text = ""
    areas.forEach { area in
      text += mapsLine(area)
      let pages = pageAccount(area)
      func row(_ name: String, _ kibibytes: UInt64) {
        text += (name + ":").padded(to: 16) + String(kibibytes).padded(before: 8) + " kB\n"
      }
      row("Size", area.pages * 4)
      row("KernelPageSize", (area.hugeSize?.bytes ?? pageBytes) / 1024)
      row("MMUPageSize", (area.hugeSize?.bytes ?? pageBytes) / 1024)
      row("Rss", pages.resident * 4)
      row("Pss", pages.share / 1024)
      row("Pss_Dirty", pages.dirtyShare / 1024)
      row("Shared_Clean", pages.sharedClean * 4)
      row("Shared_Dirty", pages.sharedDirty * 4)
      row("Private_Clean", pages.privateClean * 4)
      row("Private_Dirty", pages.privateDirty * 4)
      row("Referenced", pages.referenced * 4)
      row("Anonymous", pages.anonymous * 4)
      row("KSM", 0)
      row("LazyFree", 0)
      row("AnonHugePages", pages.transparentHuge * 4)
      row("ShmemPmdMapped", 0)
      row("FilePmdMapped", 0)
      row("Shared_Hugetlb", pages.sharedPool * 4)
      row("Private_Hugetlb", pages.privatePool * 4)
      row("Swap", pages.swapped * 4)
      row("SwapPss", pages.swapShare / 1024)
      row("Locked", area.flags.contains(.locked) ? pages.share / 1024 : 0)
      let isEligible = allowsHugePages(area) && area.holdsHugePage
      text += "THPeligible:".padded(to: 16) + "       \(isEligible ? 1 : 0)\n"
      text += "VmFlags: \(flagsText(area))\n"
    }
    return text
  }

  /// What smaps counts of one area, in pages; `share` in bytes, each page divided by its mappings.
  struct PageAccount {
    var resident: UInt64 = 0
    var share: UInt64 = 0
    var dirtyShare: UInt64 = 0
    var sharedClean: UInt64 = 0
    var sharedDirty: UInt64 = 0
    var privateClean: UInt64 = 0
    var privateDirty: UInt64 = 0
    /// Accessed since reclaim last looked, or marked as used.
    var referenced: UInt64 = 0
    var anonymous: UInt64 = 0
    /// Of these, mapped by leaves of 2 MiB.
    var transparentHuge: UInt64 = 0
    /// Pages of the pools of huge pages, which are none of the others.
    var sharedPool: UInt64 = 0
    var privatePool: UInt64 = 0
    /// In swap; of shared memory what the area shows, mapped or not.
    var swapped: UInt64 = 0
    var swapShare: UInt64 = 0

    fileprivate mutating func addSwapped(_ uses: UInt32) {
      swapped += 1
      swapShare += 4096 / UInt64(max(1, uses))
    }
  }

  func pageAccount(_ area: VirtualMemoryArea) -> PageAccount {
    var account = PageAccount()
    countHugeLeaves(area, &account)
    if area.hugeSize != nil { return account }
    let inode = area.source == 0 ? nil : system.sources[Int(area.source)]?.inode
    tables.readTables(in: area.lower, area.upper) { address, entries, count in
      for i in 0..<count where entries[i] != 0 {
        let entry = PageTableEntry(entries[i])
        let frame = entry.frame
        if SoftwareEntry.isSwapped(entries[i]) {
          account.addSwapped(system.swap?.uses(of: frame.rawValue) ?? 1)
          continue
        }
        if entries[i] == SoftwareEntry.guardPage || frame.rawValue == system.zeroFrame { continue }
        let isAnonymous = system.frames.use(of: frame) == .anonymous
        // The cache's own reference is no mapping.
        let references = UInt64(system.frames.references(to: frame))
        let lists = system.frames.lists
        let isSwapCached = lists.has(PageLists.Mark.swapCached, frame.rawValue)
        let isLazilyFreed = lists.has(PageLists.Mark.lazyFree, frame.rawValue)
        let isCached = !isAnonymous || isSwapCached
        let mappings = max(1, isCached ? references &- 1 : references)
        let page = area.filePage(of: address &+ UInt64(i) * 4096)
        let isDirty =
          entry.contains(.dirty) || isAnonymous && !isSwapCached && !isLazilyFreed
          || (inode?.isDirty(page) ?? false)
        account.resident += 1
        account.share += 4096 / mappings
        if isDirty { account.dirtyShare += 4096 / mappings }
        let isMarked = lists.has(PageLists.Mark.referenced, frame.rawValue)
        if entry.contains(.accessed) || isMarked { account.referenced += 1 }
        if isAnonymous { account.anonymous += 1 }
        switch (mappings > 1, isDirty) {
        case (true, true): account.sharedDirty += 1
        case (true, false): account.sharedClean += 1
        case (false, true): account.privateDirty += 1
        case (false, false): account.privateClean += 1
        }
      }
    }
    if let inode, !inode.isOnDisk, system.swap != nil {
      let last = area.pageOffset + area.pages
      inode.pages.forEach(in: area.pageOffset..<last) { page, _ in
        if inode.slot(page) != 0 { account.addSwapped(1) }
      }
    }
    return account
  }

  /// Counts what leaves above the page tables map.
  private func countHugeLeaves(_ area: VirtualMemoryArea, _ account: inout PageAccount) {
    tables.forEachHugeLeaf(in: area.lower, area.upper) { _, leaf, bytes in
      guard let size = area.hugeSize else {
        if system.block(of: leaf) != nil { account.transparentHuge += HugePages.frames }
        return
      }
      let users = system.pool(size).users(of: (leaf & PageTableEntry.addressMask) >> 12)
      // A file's own hold is no mapping.
      if users > (area.isShared ? 2 : 1) {
        account.sharedPool += bytes / pageBytes
      } else {
        account.privatePool += bytes / pageBytes
      }
    }
  }

  /// VmFlags: two letters for each flag, in Linux's order.
  private func flagsText(_ area: VirtualMemoryArea) -> String {
    var letters: [String] = []
    if area.permissions.contains(.read) { letters.append("rd") }
    if area.permissions.contains(.write) { letters.append("wr") }
    if area.permissions.contains(.execute) { letters.append("ex") }
    if area.isShared && !area.flags.contains(.neverWritten) { letters.append("sh") }
    letters += ["mr"]
    if !area.flags.contains(.neverWritten) { letters.append("mw") }
    letters += ["me"]
    if area.isShared { letters.append("ms") }
    if area.flags.contains(.growsDown) { letters.append("gd") }
    if area.flags.contains(.guarded) { letters.append("gu") }
    if area.flags.contains(.locked) { letters.append("lo") }
    if area.flags.contains(.sequentialReads) { letters.append("sr") }
    if area.flags.contains(.randomReads) { letters.append("rr") }
    if area.flags.contains(.notForked) { letters.append("dc") }
    if area.hugeSize != nil { letters.append("de") }
    if area.flags.contains(.lockedOnFault) { letters.append("lf") }
    if area.flags.contains(.accounted) { letters.append("ac") }
    if area.flags.contains(.noReserve) { letters.append("nr") }
    if area.hugeSize != nil { letters.append("ht") }
    if area.flags.contains(.wipedOnFork) { letters.append("wf") }
    if area.flags.contains(.notDumped) { letters.append("dd") }
    if area.flags.contains(.hugePages) { letters.append("hg") }
    if area.flags.contains(.noHugePages) { letters.append("nh") }
    if area.flags.contains(.mergeable) { letters.append("mg") }
    return letters.joined(separator: " ") + " "
  }
}

extension String {
  /// Blanks behind, up to a width.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - utf8.count))
  }

  /// Blanks in front, up to a width.
  func padded(before width: Int) -> String {
    String(repeating: " ", count: max(0, width - utf8.count)) + self
  }
}

extension UInt64 {
  /// Hex digits, at least so many.
  func hex(_ width: Int) -> String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
  }
}
