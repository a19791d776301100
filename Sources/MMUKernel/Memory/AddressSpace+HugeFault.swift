import MMUMemory
import MMUPaging
import MMUTiming

// Faults that are about 2 MiB at once.

extension AddressSpace {
  /// Tells whether the area may have transparent huge pages.
  ///
  /// - Parameter mode: instead of the machine's.
  func allowsHugePages(_ area: VirtualMemoryArea, mode: HugePageMode? = nil) -> Bool {
    if forbidsHugePages || !area.isAnonymous || area.flags.contains(.noHugePages) { return false }
    switch mode ?? system.huge.mode {
    case .never: return false
    case .madvise: return area.flags.contains(.hugePages)
    case .always: return true
    }
  }

  /// Resolves a fault where no page table was known to be: with a huge page, mapped or new.
  ///
  ///     mapped by a huge leaf, which allows the access -> spurious
  ///                            and written             -> copied, reused, or split
  ///     no table, the whole 2 MiB in an area that may
  ///     have huge pages                 read           -> zeroPage: the block of zeros
  ///                                     write          -> zeroFilled: 512 frames of zeros
  ///
  /// - Returns: nil if it takes a page table: there is one, or it is to be made.
  /// - Precondition: the area allows the access.
  @inline(never)
  func resolveHuge(
    _ area: UnsafeMutablePointer<VirtualMemoryArea>, _ address: UInt64, _ access: UInt64
  ) -> FaultResolution? {
    let isWrite = access & 2 != 0
    if let size = area.pointee.hugeSize { return resolveHugePage(area, size, address, isWrite) }
    switch tables.region(at: address).0 {
    case .table: return nil
    case .leaf(let place): return resolveMappedHuge(area.pointee, address, isWrite, place)
    case .nothing: break
    }
    if !allowsHugePages(area.pointee) { return nil }
    system.onHugePageCandidate()
    let base = address & ~(HugePages.bytes - 1)
    guard base >= area.pointee.lower, base + HugePages.bytes <= area.pointee.upper,
      let place = tables.directoryEntry(for: base),
      place.pointee == 0
    else { return nil }
    let block = isWrite ? takeHugeBlock() : zeroBlock()
    if block == 0 || !tables.makeDeposit() {
      system.huge.faultFallbacks += 1
      if block != 0 && isWrite { releaseFrames(from: block) }
      return nil
    }
    if !isWrite {
      let bits = leafBits(area.pointee.permissions) | PageTableEntry.largePage.rawValue
      tables.set(place, to: block << 12 | bits)
      system.charge(system.costs.entryEdit)
      return .zeroPage
    }
    mapBlock(block, at: base, area.pointee, place)
    return .zeroFilled
  }

  /// A fault at a page that a huge leaf maps.
  ///
  /// - Returns: nil if the leaf is to be split and the page resolved alone: as Linux does where not all
  ///   of a huge page is the writer's own.
  private func resolveMappedHuge(
    _ area: VirtualMemoryArea, _ address: UInt64, _ isWrite: Bool,
    _ place: UnsafeMutablePointer<UInt64>
  ) -> FaultResolution? {
    let old = place.pointee
    let frame = (old & PageTableEntry.addressMask) >> 12
    let base = address & ~(HugePages.bytes - 1)
    if isWrite && old & PageTableEntry.writable.rawValue == 0 {
      if frame == system.huge.zeroBlock {
        let block = takeHugeBlock()
        if block == 0 {
          system.huge.faultFallbacks += 1
          return nil
        }
        mapBlock(block, at: base, area, place)
        system.deliver(.address(VirtualAddress(truncating: address), pcid: pcid))
        return .copied
      }
      let block = frame..<frame + HugePages.frames
      guard block.allSatisfy({ system.frames.references(to: FrameNumber($0)) == 1 }) else {
        return nil
      }
      for number in block where !system.frames.claim(number) {
        preconditionFailure("frame \(number) of a huge page is not anonymous memory")
      }
      let written = PageTableEntry.writable.rawValue | PageTableEntry.dirty.rawValue
      system.charge(system.costs.entryEdit)
      tables.set(place, to: old | leafBits(area.permissions) | written)
      return .reused
    }
    var new = old & ~(PageTableEntry.executeDisable.rawValue | SoftwareEntry.inaccessible)
    new |= leafBits(area.permissions)
    if new != old { tables.set(place, to: new) }
    system.deliver(.address(VirtualAddress(truncating: address), pcid: pcid))
    return .spurious
  }

  /// Makes a block of zeros the 2 MiB at `base`, writable.
  private func mapBlock(
    _ block: UInt64, at base: UInt64, _ area: VirtualMemoryArea,
    _ place: UnsafeMutablePointer<UInt64>
  ) {
    for i in 0..<HugePages.frames { setHome(of: block + i, area, base + i << 12) }
    let written = PageTableEntry.writable.rawValue | PageTableEntry.dirty.rawValue
    tables.set(
      place,
      to: block << 12 | leafBits(area.permissions) | written | PageTableEntry.largePage.rawValue)
    system.charge(system.costs.entryEdit)
    changeResident(anonymous: Int(HugePages.frames), file: 0)
    system.huge.faultAllocations += 1
    system.huge.changeMapped(1)
    if area.anonymousIdentity == 0 { prepareAnonymous(base) }
  }

  /// Takes 512 frames of zeros in a row; 0 if there are none, or so many pages more may not be resident.
  private func takeHugeBlock(_ use: FrameUse = .anonymous) -> UInt64 {
    if use == .anonymous && !system.hasRoomForHugePage { return 0 }
    let block = system.frames.takeBlock(use, order: HugePages.order, zeroed: true)
    if block != 0 {
      let zeroing = HugePages.frames &* system.costs.pageZero
      system.charge(system.costs.frameAllocation &+ zeroing)
    }
    return block
  }

  /// The block of zeros, made now if there is none yet; 0 if there are no frames for it.
  private func zeroBlock() -> UInt64 {
    if system.huge.zeroBlock == 0 {
      let block = takeHugeBlock(.kernel)
      if block == 0 { return 0 }
      system.huge.zeroBlock = block
      system.huge.zeroAllocations += 1
    }
    return system.huge.zeroBlock
  }

  /// Drops one reference to each of 512 frames.
  func releaseFrames(from block: UInt64) {
    for number in block..<block + HugePages.frames { system.frames.release(FrameNumber(number)) }
  }
}
