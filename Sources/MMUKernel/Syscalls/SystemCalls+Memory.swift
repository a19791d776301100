import MMUMemory
import MMUPaging
import MMUTiming

extension Kernel {
  /// mmap of anonymous memory and of files.
  func map(
    _ address: UInt64, _ length: UInt64, _ protection: UInt64, _ rawFlags: UInt64,
    _ frame: TrapFrame
  ) throws(Errno) -> UInt64 {
    guard let process = current, let space = process.space else { throw .invalid }
    let flags = MapFlags(rawValue: rawFlags)
    let offset = frame.registers[15]
    if offset & 4095 != 0 { throw .invalid }
    var file: OpenFile?
    if !flags.contains(.anonymous) {
      let found = try process.files.descriptors.file(frame.registers[14])
      if found.flags & OpenFlags.path != 0 { throw .badDescriptor }
      file = found
      // Only a file of hugetlbfs would do.
      if flags.contains(.hugeTLB) { throw .invalid }
    }
    if length != 0 {
      if rawFlags & MapFlags.typeMask == 8 && file == nil {
        throw unsupported("mmap with MAP_DROPPABLE", .notSupported)
      }
    }
    let permissions = MemoryPermissions(rawValue: UInt8(truncatingIfNeeded: protection & 7))
    if configuration.deniesWritableCode && permissions.isSuperset(of: [.write, .execute]) {
      throw .accessDenied
    }
    // /dev/zero is another name for anonymous memory.
    if case .device(.zero)? = file?.inode?.kind { file = nil }
    let start: UInt64
    if flags.contains(.hugeTLB) && file == nil {
      start = try space.mapHugePages(
        at: address, length: length, permissions: permissions, flags: flags,
        firstPage: offset / pageBytes, nameless: tree.nameless)
    } else {
      start = try space.map(
        at: address, length: length, permissions: permissions, flags: flags, file: file,
        firstPage: file == nil ? 0 : offset / pageBytes, nameless: tree.nameless)
    }
    system.roundedBytes &+= (0 &- length) & (pageBytes - 1)
    let populates = flags.contains(.populate) && !flags.contains(.nonBlock)
    let locks = flags.contains(.locked) || space.futureLock.contains(.locked)
    let waits = space.futureLock.contains(.lockedOnFault) && !flags.contains(.populate)
    if (populates || locks) && !waits && permissions.rawValue != 0 {
      // A populate that runs out of frames stops early; the mapping stands, as on Linux.
      // A shared mapping is populated by reads, so that its pages stay clean.
      let writing =
        permissions.contains(.write) && flags.rawValue & MapFlags.typeMask == 2
      _ = space.populate(start, start + (length + 4095) & ~4095, writing: writing) {
        process.countResolved($0)
      }
    }
    return start
  }

  /// msync, with Linux's order of checks.
  func synchronize(
    _ process: Process, _ address: UInt64, _ length: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    guard let space = process.space else { throw .invalid }
    let flags = UInt32(truncatingIfNeeded: flags)
    // MS_ASYNC 1, MS_INVALIDATE 2, MS_SYNC 4.
    if flags & ~7 != 0 || address & 4095 != 0 || flags & 5 == 5 { throw .invalid }
    let bytes = (length &+ 4095) & ~4095
    let (end, overflow) = address.addingReportingOverflow(bytes)
    if overflow || end < address { throw .noMemory }
    if end == address { return 0 }
    try space.synchronize(address, end, writes: flags & 4 != 0, invalidates: flags & 2 != 0)
    return 0
  }

  /// mprotect, with Linux's order of checks.
  func protect(
    _ process: Process, _ address: UInt64, _ length: UInt64, _ protection: UInt64
  ) throws(Errno) -> UInt64 {
    guard let space = process.space else { throw .invalid }
    let grows = protection & 0x0300_0000
    if grows == 0x0300_0000 || address & 4095 != 0 { throw .invalid }
    if length == 0 { return 0 }
    let bytes = (length &+ 4095) & ~4095
    let (end, overflow) = address.addingReportingOverflow(bytes)
    if overflow || end <= address { throw .noMemory }
    // PROT_SEM (8) is accepted and means nothing.
    if protection & ~0x0300_000f != 0 { throw .invalid }
    var start = address
    if grows == 0x0100_0000 {
      guard let area = space.areas.area(space.areas.firstEnding(after: address)),
        area.lower < end
      else { throw .noMemory }
      if !area.flags.contains(.growsDown) { throw .invalid }
      start = min(start, area.lower)
    } else if grows != 0 {
      throw .invalid
    }
    let permissions = MemoryPermissions(rawValue: UInt8(truncatingIfNeeded: protection & 7))
    if configuration.deniesWritableCode && permissions.isSuperset(of: [.write, .execute]) {
      throw .accessDenied
    }
    try space.protect(start, end, permissions) { process.countResolved($0) }
    return 0
  }

  /// madvise; advice that changes nothing here is accepted.
  func advise(
    _ process: Process, _ address: UInt64, _ length: UInt64, _ advice: UInt64
  ) throws(Errno) -> UInt64 {
    guard let space = process.space else { throw .invalid }
    let advice = Int32(truncatingIfNeeded: advice)
    switch advice {
    case 0...4, 8...25, 102, 103: break
    default: throw unsupportedAdvice(advice)
    }
    if address & 4095 != 0 { throw .invalid }
    let bytes = (length &+ 4095) & ~4095
    if length != 0 && bytes == 0 { throw .invalid }
    let (end, overflow) = address.addingReportingOverflow(bytes)
    if overflow { throw .invalid }
    if end == address { return 0 }
    if end > AddressSpace.userLimit { throw .noMemory }
    switch advice {
    case 4, 24: try space.discard(address, end, lockedToo: advice == 24)
    case 9: try remove(space, address, end)
    case 12:
      // Of shared memory, and of huge pages, nothing is merged.
      try space.changeFlags(
        address, end, set: .mergeable, unless: [.shared, .pool2M, .pool1G])
    case 13: try space.changeFlags(address, end, clear: .mergeable)
    case 14:
      try space.changeFlags(address, end, set: .hugePages, clear: .noHugePages)
      if system.huge.mode != .never { system.onHugePageCandidate() }
    case 15: try space.changeFlags(address, end, set: .noHugePages, clear: .hugePages)
    case 25: try space.collapse(address, end)
    case 102: try space.installGuards(address, end)
    case 103: try space.removeGuards(address, end)
    case 16: try space.changeFlags(address, end, set: .notDumped)
    case 17: try space.changeFlags(address, end, clear: .notDumped)
    case 22, 23:
      // In order, up to the first hole, which no stack grows into, or page that cannot be had.
      var at = address
      while at < end {
        guard let area = space.areas.area(at: at)?.pointee else { throw .noMemory }
        let upper = min(end, area.upper)
        let failure = space.populate(at, upper, writing: advice == 23) {
          process.countResolved($0)
        }
        switch failure {
        case nil: at = upper
        case .outOfMemory?: throw .noMemory
        case .denied?: throw .invalid
        default: throw .badAddress
        }
      }
    case 0: try space.changeFlags(address, end, clear: [.randomReads, .sequentialReads])
    case 1: try space.changeFlags(address, end, set: .randomReads, clear: .sequentialReads)
    case 2: try space.changeFlags(address, end, set: .sequentialReads, clear: .randomReads)
    case 3: try space.readAhead(address, end)
    case 8, 18, 20, 21:
      // MADV_FREE, WIPEONFORK, COLD and PAGEOUT.
      var refused: UInt64?
      var failure: Errno?
      do {
        try space.forEachArea(address, end) { area, from, to in
          let isAllowed = advice >= 20 && area.hugeSize == nil || area.isAnonymous
          let isFit = isAllowed && (advice == 18 || !area.flags.contains(.locked))
          if !isFit && refused == nil { refused = from }
          if refused != nil { return }
          switch advice {
          case 8: space.freeLazily(from, to)
          case 20: space.cool(from, to)
          case 21: space.pageOut(from, to)
          default: break
          }
        }
        // What lies before an area that is refused, and behind a hole, is done all the same.
      } catch { failure = error }
      if advice == 18 {
        do {
          try space.changeFlags(address, refused ?? end, set: .wipedOnFork)
        } catch { failure = error }
      }
      if refused != nil { throw .invalid }
      if let failure { throw failure }
    case 19: try space.changeFlags(address, end, clear: .wipedOnFork)
    case 10: try space.changeFlags(address, end, set: .notForked)
    case 11: try space.changeFlags(address, end, clear: .notForked)
    default: try space.forEachArea(address, end) { _, _, _ in }
    }
    return 0
  }

  /// MADV_REMOVE: makes a hole in the file of a shared mapping.
  private func remove(
    _ space: AddressSpace, _ lower: UInt64, _ upper: UInt64
  ) throws(Errno) {
    var parts: [(Inode, Range<UInt64>)] = []
    var failure: Errno?
    do {
      try space.forEachArea(lower, upper) { area, from, to in
        if failure != nil { return }
        let inode = system.sources[Int(area.source)]?.inode
        guard let inode, !area.flags.contains(.locked) else {
          failure = .invalid
          return
        }
        if !area.isShared || area.flags.contains(.neverWritten) {
          failure = .accessDenied
          return
        }
        if inode.hugeFile != nil {
          failure = unsupported("MADV_REMOVE of huge pages", .notSupported)
          return
        }
        if inode.host != nil {
          failure = unsupported("MADV_REMOVE in a host's directory", .notSupported)
          return
        }
        let first = area.filePage(of: from) * pageBytes
        parts.append((inode, first..<first + (to - from)))
      }
    } catch {
      failure = failure ?? error
    }
    for (inode, range) in parts { inode.punch(range) }
    if let failure { throw failure }
  }

  /// EINVAL, and a message if Linux knows the advice.
  private func unsupportedAdvice(_ advice: Int32) -> Errno {
    let names: [Int32: String] = [
      100: "MADV_HWPOISON", 101: "MADV_SOFT_OFFLINE",
    ]
    guard let name = names[advice] else { return .invalid }
    return unsupported("madvise with \(name)", .invalid)
  }

  /// mincore: one byte for each page, 1 if it is in memory.
  func resident(
    _ process: Process, _ address: UInt64, _ length: UInt64, _ vector: UInt64
  ) throws(Errno) -> UInt64 {
    guard let space = process.space else { throw .invalid }
    if address & 4095 != 0 { throw .invalid }
    if !isUserRange(address, length) { throw .noMemory }
    let pages = (length + 4095) / 4096
    if !isUserRange(vector, pages) { throw .badAddress }
    let bytes = buffer.assumingMemoryBound(to: UInt8.self)
    var page: UInt64 = 0
    while page < pages {
      let at = address + page * 4096
      guard let area = space.areas.area(at: at)?.pointee else { throw .noMemory }
      let inArea = (area.upper - at) / 4096
      let count = min(pages - page, inArea, UInt64(Kernel.bufferBytes))
      for i in 0..<count {
        let here = at + i * 4096
        let entry = space.tables.view(of: here) ?? 0
        var isResident = entry != 0 && entry != SoftwareEntry.guardPage
        if SoftwareEntry.isSwapped(entry) {
          let slot = (entry & PageTableEntry.addressMask) >> 12
          isResident = system.swap?.frame(of: slot) != 0
        }
        if !isResident && area.source != 0 {
          let offset = area.filePage(of: here)
          isResident = (system.sources[Int(area.source)]?.inode?.cachedFrame(offset) ?? 0) != 0
        }
        bytes[Int(i)] = isResident ? 1 : 0
      }
      system.charge(count &* system.costs.entryEdit)
      if copyOut(buffer, Int(count), to: vector + page) != Int(count) { throw .badAddress }
      page += count
    }
    return 0
  }
}
