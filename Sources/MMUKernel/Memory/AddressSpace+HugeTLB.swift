import MMUMemory
import MMUPaging
import MMUTiming

// MAP_HUGETLB: areas whose pages come from a pool, whole, and are never split.

extension VirtualMemoryArea {
  /// The size of its pages if they come from a pool; nil for every other area.
  var hugeSize: PageSize? {
    flags.contains(.pool2M) ? .size2M : flags.contains(.pool1G) ? .size1G : nil
  }

  /// - Throws: EINVAL if the area cannot be cut at an address: one of huge pages only between them.
  func checkCut(at address: UInt64) throws(Errno) {
    if let hugeSize, address & hugeSize.offsetMask != 0 { throw .invalid }
  }
}

extension MapFlags {
  /// The size MAP_HUGE_SHIFT's bits name: none is 2 MiB; nil if there are no such pages.
  var hugeSize: PageSize? {
    switch rawValue >> 26 & 63 {
    case 0, 21: .size2M
    case 30: .size1G
    default: nil
    }
  }
}

extension AddressSpace {
  /// mmap with MAP_HUGETLB, by the checks of Linux's hugetlbfs.
  ///
  /// Private mappings promise themselves pages, shared ones their file.
  /// - Throws: EINVAL for a place that is not aligned; ENOMEM if the pool cannot promise so many pages;
  ///   and what every mmap throws.
  func mapHugePages(
    at hint: UInt64, length: UInt64, permissions: MemoryPermissions, flags: MapFlags,
    firstPage: UInt64, nameless: Volume
  ) throws(Errno) -> UInt64 {
    guard let size = flags.hugeSize else { throw .invalid }
    let mask = size.offsetMask
    let bytes = (length &+ mask) & ~mask
    if bytes == 0 || bytes > Self.userLimit { throw length == 0 ? .invalid : .noMemory }
    if areas.count > maximumAreas { throw .noMemory }
    let type = flags.rawValue & MapFlags.typeMask
    let isShared = type == 1 || type == 3
    if type == 0 || type > 3 || flags.contains(.growsDown) { throw .invalid }
    let isFixed = flags.contains(.fixed) || flags.contains(.fixedNoReplace)
    var address = hint
    if isFixed {
      if address > Self.userLimit - bytes { throw .noMemory }
      if address & mask != 0 { throw .invalid }
      if address < Self.lowestMapping { throw .notPermitted }
      if flags.contains(.fixedNoReplace) && overlaps(address, address + bytes) { throw .exists }
    } else {
      address = try place(bytes, hint: hint, alignedTo: size)
    }
    if firstPage * pageBytes & mask != 0 { throw .invalid }
    let isData = !isShared && permissions.contains(.write)
    if !fits(bytes, isData: isData, replacing: isFixed ? (address, address + bytes) : nil) {
      throw .noMemory
    }
    let pool = system.pool(size)
    let count = bytes / size.bytes
    let isPromised = !flags.contains(.noReserve)
    if isPromised && !pool.promise(count) { throw .noMemory }
    if isFixed {
      do { try removeAreas(address, address + bytes) } catch {
        if isPromised { pool.changePromise(by: -Int64(count)) }
        throw error
      }
    }
    let inode = Inode(nameless, .regular, mode: 0o777)
    inode.size = bytes
    inode.hugeFile = HugeFile(
      pool, pages: isShared ? count : 0, isPromised: isPromised && isShared)
    let file = OpenFile(system, .inode(inode), path: "/anon_hugepage (deleted)", flags: 2)
    defer { file.release() }
    var areaFlags: VirtualMemoryArea.Flags = size == .size2M ? .pool2M : .pool1G
    if !isPromised { areaFlags.insert(.noReserve) }
    if isShared { areaFlags.insert(.shared) } else if isPromised { areaFlags.insert(.promised) }
    insertMerging(
      VirtualMemoryArea(
        lower: address, upper: address + bytes, permissions: permissions, flags: areaFlags,
        source: system.source(of: file), pageOffset: 0))
    return address
  }

  /// Free space for huge pages: at the hint, rounded up, or the highest there is.
  private func place(
    _ bytes: UInt64, hint: UInt64, alignedTo size: PageSize
  ) throws(Errno) -> UInt64 {
    let mask = size.offsetMask
    let wanted = (hint &+ mask) & ~mask
    if hint != 0 && wanted >= Self.lowestMapping && wanted <= Self.userLimit - bytes
      && !overlaps(wanted, wanted + bytes)
    {
      return wanted
    }
    return (try place(bytes + size.bytes - pageBytes, hint: 0) + mask) & ~mask
  }

  // MARK: Faults

  /// A fault in an area of huge pages.
  func resolveHugePage(
    _ area: UnsafeMutablePointer<VirtualMemoryArea>, _ size: PageSize, _ address: UInt64,
    _ isWrite: Bool
  ) -> FaultResolution {
    let base = address & ~size.offsetMask
    let pool = system.pool(size)
    let isShared = area.pointee.isShared
    let written = PageTableEntry.writable.rawValue | PageTableEntry.dirty.rawValue
    let bits = leafBits(area.pointee.permissions) | PageTableEntry.largePage.rawValue
    guard let place = tables.leafPlace(for: base, size) else { return .outOfMemory }
    let old = place.pointee
    if old != 0 {
      if isWrite && old & PageTableEntry.writable.rawValue == 0 && !isShared {
        return copyHugePage(area.pointee, pool, base, place, bits | written)
      }
      let page = old & PageTableEntry.addressMask
      tables.set(place, to: page | bits | (isWrite ? written : old & written))
      system.deliver(.address(VirtualAddress(truncating: address), pcid: pcid))
      return .spurious
    }
    var page: UInt64
    var isNew = true
    if isShared {
      guard let file = system.sources[Int(area.pointee.source)]?.inode?.hugeFile else {
        preconditionFailure("an area of huge pages shows no file")
      }
      let number = area.pointee.filePage(of: base) * pageBytes / size.bytes
      page = file.pages[Int(number)]
      isNew = page == 0
      if isNew { page = file.fill(number) }
      if page != 0 { pool.retain(page) }
    } else {
      page = pool.take(isPromised: area.pointee.flags.contains(.promised))
    }
    if page == 0 { return .noHugePage }
    if isNew {
      pool.clear(page)
      system.charge(system.costs.frameAllocation &+ pool.framesPerPage &* system.costs.pageZero)
    }
    let isWritable = isWrite || isShared && area.pointee.permissions.contains(.write)
    tables.set(place, to: page << 12 | bits | (isWritable ? written : 0))
    system.charge(system.costs.entryEdit)
    if !isShared && area.pointee.anonymousIdentity == 0 { prepareAnonymous(base) }
    return isNew ? .zeroFilled : .fileMapped
  }

  /// A write to a private huge page that is mapped read-only.
  private func copyHugePage(
    _ area: VirtualMemoryArea, _ pool: HugePool, _ base: UInt64,
    _ place: UnsafeMutablePointer<UInt64>, _ bits: UInt64
  ) -> FaultResolution {
    let page = (place.pointee & PageTableEntry.addressMask) >> 12
    var copy: UInt64 = 0
    if pool.users(of: page) > 1 {
      copy = pool.take(isPromised: false)
      if copy == 0 {
        // What was promised to the one who made the mapping is not kept from it by a child.
        if !area.flags.contains(.promised) { return .noHugePage }
        takeFromRelatives(page, pool)
      }
    }
    system.charge(system.costs.entryEdit)
    if copy == 0 {
      tables.set(place, to: page << 12 | bits)
      return .reused
    }
    pool.copy(page, to: copy)
    system.charge(system.costs.frameAllocation &+ pool.framesPerPage &* system.costs.pageCopy)
    tables.set(place, to: copy << 12 | bits)
    pool.release(page)
    system.deliver(.address(VirtualAddress(truncating: base), pcid: pcid))
    return .copied
  }

  /// Unmaps a huge page in all other address spaces of the family; they must do without.
  private func takeFromRelatives(_ page: UInt64, _ pool: HugePool) {
    for space in family.members where space !== self {
      var found: [UInt64] = []
      space.tables.forEachHugeLeaf(in: 0, Self.userLimit) { address, leaf, _ in
        if (leaf & PageTableEntry.addressMask) >> 12 == page { found.append(address) }
      }
      for address in found {
        guard let place = space.tables.hugeLeaf(for: address) else { continue }
        space.tables.set(place, to: 0)
        space.system.deliver(.address(VirtualAddress(truncating: address), pcid: space.pcid))
        pool.release(page)
      }
    }
  }

  // MARK: Unmapping, fork

  /// Empties the entries of a part of an area of huge pages.
  ///
  /// - Parameter endsArea: the part is going to be no area any more, and needs no promise; else pages
  ///   that go are promised again.
  /// - Precondition: both ends are those of huge pages.
  func unmapHugePages(
    of area: VirtualMemoryArea, _ lower: UInt64, _ upper: UInt64, endsArea: Bool,
    batch: inout InvalidationBatch
  ) {
    guard let size = area.hugeSize else { return }
    let pool = system.pool(size)
    var count: Int64 = 0
    tables.forEachTable(
      in: lower, upper,
      wholeLeaf: { address, place, _ in
        batch.note(address)
        pool.release((place.pointee & PageTableEntry.addressMask) >> 12)
        place.pointee = 0
        count += 1
        return true
      }
    ) { _, _, _ in }
    system.charge(UInt64(count) &* (system.costs.entryEdit &+ system.costs.frameAllocation))
    if area.flags.contains(.promised) {
      let untouched = Int64((upper - lower) / size.bytes) - count
      pool.changePromise(by: endsArea ? -untouched : count)
    }
  }

  /// Gives a forked child the pages of a private area of huge pages, which neither side may write
  /// from now on.
  ///
  /// - Returns: false if there was no frame for a table.
  func copyHugePages(
    of area: VirtualMemoryArea, _ size: PageSize, to child: AddressSpace,
    _ batch: inout InvalidationBatch
  ) -> Bool {
    let pool = system.pool(size)
    let writable = PageTableEntry.writable.rawValue
    var leaves: [(UInt64, UInt64)] = []
    tables.forEachHugeLeaf(in: area.lower, area.upper) { address, leaf, _ in
      leaves.append((address, leaf))
    }
    for (address, leaf) in leaves {
      guard let target = child.tables.leafPlace(for: address, size),
        let place = tables.hugeLeaf(for: address)
      else { return false }
      pool.retain((leaf & PageTableEntry.addressMask) >> 12)
      tables.set(place, to: leaf & ~writable)
      if leaf & writable != 0 && leaf & 1 != 0 { batch.note(address) }
      child.tables.set(target, to: leaf & ~(writable | PageTableEntry.accessed.rawValue))
      system.charge(2 &* system.costs.entryEdit)
    }
    return true
  }

  /// The lengths of an mremap of huge pages, rounded up to them.
  ///
  /// - Throws: EINVAL if a place is not aligned, and for what would need more pages than the mapping
  ///   promised.
  func hugeLengths(
    _ size: PageSize, _ address: UInt64, _ old: UInt64, _ new: UInt64, _ flags: RemapFlags,
    to target: UInt64
  ) throws(Errno) -> (UInt64, UInt64) {
    let mask = size.offsetMask
    let lengths = ((old &+ mask) & ~mask, (new &+ mask) & ~mask)
    if address & mask != 0 || flags.contains(.fixed) && target & mask != 0 { throw .invalid }
    if old == 0 || lengths.1 > lengths.0 || flags.contains(.dontUnmap) { throw .invalid }
    return lengths
  }
}
