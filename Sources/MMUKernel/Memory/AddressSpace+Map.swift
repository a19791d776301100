import MMUMemory

/// The flags of mmap that this kernel reads: MAP_PRIVATE and so on, by their Linux numbers.
struct MapFlags: OptionSet {
  let rawValue: UInt64
  static var shared: Self { Self(rawValue: 0x01) }
  static var `private`: Self { Self(rawValue: 0x02) }
  /// What MAP_SHARED_VALIDATE accepts: Linux's LEGACY_MAP_MASK.
  static var known: UInt64 { 0x7c07_f933 }
  static var typeMask: UInt64 { 0x0f }
  static var fixed: Self { Self(rawValue: 0x10) }
  static var anonymous: Self { Self(rawValue: 0x20) }
  static var growsDown: Self { Self(rawValue: 0x100) }
  static var locked: Self { Self(rawValue: 0x2000) }
  static var noReserve: Self { Self(rawValue: 0x4000) }
  static var populate: Self { Self(rawValue: 0x8000) }
  static var nonBlock: Self { Self(rawValue: 0x1_0000) }
  static var hugeTLB: Self { Self(rawValue: 0x4_0000) }
  static var fixedNoReplace: Self { Self(rawValue: 0x10_0000) }
}

extension AddressSpace {
  /// mmap: checks in Linux's order, placement, the area.
  ///
  /// - Parameters:
  ///   - file: what to show from page `firstPage` on; nil is anonymous memory, of which a shared
  ///     mapping makes a nameless file.
  /// - Returns: the address of the mapping.
  /// - Throws: EINVAL, ENOMEM, EPERM, EEXIST, EACCES, ENODEV, EOVERFLOW, as Linux's do_mmap.
  func map(
    at hint: UInt64, length: UInt64, permissions: MemoryPermissions, flags: MapFlags,
    file: OpenFile? = nil, firstPage: UInt64 = 0, nameless: Volume? = nil
  ) throws(Errno) -> UInt64 {
    if length == 0 { throw .invalid }
    var flags = flags
    // Nobody gets out of the strict limit.
    if system.promises.mode == .strict { flags.remove(.noReserve) }
    let isFixed = flags.contains(.fixed) || flags.contains(.fixedNoReplace)
    var address = hint
    if !isFixed {
      address &= ~4095
      if address != 0 && address < Self.lowestMapping { address = Self.lowestMapping }
    }
    let bytes = (length &+ 4095) & ~4095
    if bytes == 0 { throw .noMemory }
    if firstPage &+ bytes / pageBytes < firstPage { throw .overflow }
    if areas.count > maximumAreas { throw .noMemory }
    if bytes > Self.userLimit { throw .noMemory }
    if isFixed {
      if address > Self.userLimit - bytes { throw .noMemory }
      if address & 4095 != 0 { throw .invalid }
      if address < Self.lowestMapping { throw .notPermitted }
      if flags.contains(.fixedNoReplace) && overlaps(address, address + bytes) { throw .exists }
    } else {
      address = try place(bytes, hint: address)
    }
    let isShared = try checkType(flags, permissions, file)
    if let file, firstPage + bytes / pageBytes >= 1 << 51 || !(file.inode?.isRegular ?? false) {
      throw file.inode?.isRegular ?? false ? .overflow : .noDevice
    }
    let isCounted = isShared ? file == nil : permissions.contains(.write)
    if isCounted && !flags.contains(.noReserve) {
      let replaced = isFixed && !isShared ? accountedPages(address, address + bytes) : 0
      if bytes / pageBytes > replaced && !canPromise(bytes / pageBytes - replaced) {
        throw .noMemory
      }
    }
    let isData = !isShared && permissions.contains(.write) && !flags.contains(.growsDown)
    if !fits(bytes, isData: isData, replacing: isFixed ? (address, address + bytes) : nil) {
      throw .noMemory
    }
    if isFixed { try removeAreas(address, address + bytes) }
    var areaFlags: VirtualMemoryArea.Flags = []
    if flags.contains(.noReserve) { areaFlags.insert(.noReserve) }
    if !isShared && permissions.contains(.write) && !flags.contains(.noReserve) {
      areaFlags.insert(.accounted)
    }
    if flags.contains(.growsDown) { areaFlags.insert(.growsDown) }
    if flags.contains(.locked) { areaFlags.insert(.locked) }
    areaFlags.formUnion(futureLock)
    if isShared {
      areaFlags.insert(.shared)
      if let file, !file.isWritable || (file.inode?.seals ?? 0) & 24 != 0 {
        areaFlags.insert(.neverWritten)
      }
    }
    var area = VirtualMemoryArea(
      lower: address, upper: address + bytes, permissions: permissions, flags: areaFlags)
    var shown = file
    if isShared && file == nil, let nameless {
      let inode = Inode(nameless, .regular, mode: 0o777)
      inode.size = bytes
      if !flags.contains(.noReserve) { inode.promiseWhole() }
      shown = OpenFile(system, .inode(inode), path: "/dev/zero (deleted)", flags: 2)
    }
    if let shown {
      area.source = system.source(of: shown)
      area.pageOffset = firstPage
    }
    insertMerging(area)
    if file == nil { shown?.release() }
    return address
  }

  /// The checks on MAP_SHARED, MAP_PRIVATE and how the file was opened; whether it is shared.
  private func checkType(
    _ flags: MapFlags, _ permissions: MemoryPermissions, _ file: OpenFile?
  ) throws(Errno) -> Bool {
    let type = flags.rawValue & MapFlags.typeMask
    let isShared = type == MapFlags.shared.rawValue || type == 3 && file != nil
    if !isShared && type != MapFlags.private.rawValue { throw .invalid }
    if let file {
      if type == 3 && flags.rawValue & ~MapFlags.known != 0 { throw .notSupported }
      if isShared && permissions.contains(.write) {
        if !file.isWritable { throw .accessDenied }
        // F_SEAL_WRITE, F_SEAL_FUTURE_WRITE.
        if let seals = file.inode?.seals, seals & 24 != 0 { throw .notPermitted }
      }
      if !file.isReadable { throw .accessDenied }
      if flags.contains(.growsDown) { throw .invalid }
    } else if isShared && flags.contains(.growsDown) {
      throw .invalid
    }
    return isShared
  }

  /// Finds free space: at the hint if it is free, else the highest below `mapTop`, else the lowest
  /// above a third of the user half.
  ///
  /// Mappings of whole 2 MiB without a hint are aligned to 2 MiB, as Linux does since 6.7 for huge
  /// pages' sake.
  func place(_ bytes: UInt64, hint: UInt64) throws(Errno) -> UInt64 {
    if hint != 0 && hint <= Self.userLimit - bytes && isFree(hint, bytes) { return hint }
    let large: UInt64 = 2 << 20
    if hint == 0 && bytes % large == 0, let wide = searchDown(bytes + large) {
      return (wide + large) & ~(large - 1)
    }
    if let found = searchDown(bytes) { return found }
    let bottom = Self.userLimit / 3 & ~4095
    if let found = areas.lowestGap(length: bytes, low: bottom, high: Self.userLimit) {
      return found
    }
    throw .noMemory
  }

  private func searchDown(_ bytes: UInt64) -> UInt64? {
    areas.highestGap(length: bytes, low: Self.lowestMapping, high: mapTop)
  }

  /// Tells whether a range is free, stacks' guard gaps included.
  private func isFree(_ address: UInt64, _ bytes: UInt64) -> Bool {
    guard let next = areas.area(areas.firstEnding(after: address)) else { return true }
    return address + bytes <= next.guardedLower(gap: Self.stackGuardGap) && next.lower > address
  }

  /// brk: moves the end of the heap.
  ///
  /// - Returns: the break as it is now; unchanged if the request cannot be met.
  func moveBreak(to wanted: UInt64) -> UInt64 {
    guard wanted >= startBreak, wanted <= Self.userLimit else { return currentBreak }
    let new = (wanted + 4095) & ~4095
    let old = (currentBreak + 4095) & ~4095
    if new == old {
      currentBreak = wanted
      return wanted
    }
    if wanted <= currentBreak {
      // Only if the heap is still there.
      guard let area = areas.area(areas.firstEnding(after: new)), area.lower < old else {
        return currentBreak
      }
      do { try removeAreas(new, old) } catch { return currentBreak }
      currentBreak = wanted
      return wanted
    }
    if new > Self.userLimit || areas.count > maximumAreas { return currentBreak }
    if let next = areas.area(areas.firstEnding(after: old)),
      new + pageBytes > next.guardedLower(gap: Self.stackGuardGap)
    {
      return currentBreak
    }
    if !canPromise((new - old) / pageBytes) || !fits(new - old, isData: true) {
      return currentBreak
    }
    if dataLimit != .max && wanted - startBreak > dataLimit { return currentBreak }
    insertMerging(
      VirtualMemoryArea(
        lower: old, upper: new, permissions: [.read, .write],
        flags: futureLock.union([.heap, .accounted])))
    currentBreak = wanted
    if futureLock.contains(.locked) { populateLocked(old, new) }
    return wanted
  }
}
