import MMUMemory
import MMUPaging
import MMUTiming

// What fork, mprotect and mremap do with huge leaves that lie whole in their range.

extension SystemMemory {
  /// The frames a transparent huge leaf maps; nil if it is the block of zeros.
  func block(of leaf: UInt64) -> Range<UInt64>? {
    let first = (leaf & PageTableEntry.addressMask) >> 12
    return first == huge.zeroBlock ? nil : first..<first + HugePages.frames
  }

  /// Tells whether a cached copy of an entry allows what the new one does not.
  func losesRights(_ old: UInt64, _ new: UInt64) -> Bool {
    let rights = PageTableEntry.present.rawValue | PageTableEntry.writable.rawValue
    return old & 1 != 0 && (old & rights & ~new) | (new & noExecute & ~old) != 0
  }
}

extension AddressSpace {
  /// Gives a forked child a parent's huge leaf, read-only and not accessed yet.
  ///
  /// - Returns: whether the child shares 512 frames by it, or none (the block of zeros); nil if there
  ///   was no frame for a table, nothing having changed.
  func copyHugeLeaf(_ leaf: UInt64, at address: UInt64) -> Bool? {
    guard let place = tables.directoryEntry(for: address), tables.makeDeposit() else { return nil }
    tables.set(
      place, to: leaf & ~(PageTableEntry.writable.rawValue | PageTableEntry.accessed.rawValue))
    guard let block = system.block(of: leaf) else { return false }
    for number in block { system.frames.share(number) }
    return true
  }

  /// A huge leaf under new permissions: writable at once if all its frames are this address space's
  /// own, and one of the pool if it is shared.
  func hugeLeaf(
    _ leaf: UInt64, under permissions: MemoryPermissions, isShared: Bool
  ) -> UInt64 {
    let writable = PageTableEntry.writable.rawValue
    var new = leaf & ~(1 | writable | system.noExecute | SoftwareEntry.inaccessible)
    new |= permissions.rawValue != 0 ? 1 : SoftwareEntry.inaccessible
    if !permissions.contains(.execute) { new |= system.noExecute }
    guard permissions.contains(.write), let block = system.block(of: leaf) else { return new }
    if isShared || block.allSatisfy({ system.frames.isExclusive($0) }) { new |= writable }
    return new
  }

  /// Tells whether a huge leaf stays one when it moves: to an aligned place that has no page table.
  func isMovable(_ address: UInt64, _ bytes: UInt64, by distance: UInt64) -> Bool {
    guard distance % bytes == 0, case .nothing = tables.region(at: address &+ distance).0 else {
      return false
    }
    return true
  }

  /// The addresses of the huge leaves in a range that move whole.
  func movableLeaves(
    _ lower: UInt64, _ upper: UInt64, by distance: UInt64
  ) -> [(address: UInt64, size: PageSize)] {
    var leaves: [(UInt64, PageSize)] = []
    tables.forEachHugeLeaf(in: lower, upper) { address, _, bytes in
      if address >= lower && address + bytes <= upper && isMovable(address, bytes, by: distance) {
        leaves.append((address, bytes == HugePages.bytes ? .size2M : .size1G))
      }
    }
    return leaves
  }

  /// Moves a huge leaf.
  ///
  /// - Precondition: the directory for its new place exists.
  func moveHugeLeaf(
    _ address: UInt64, _ size: PageSize, to target: UInt64, _ batch: inout InvalidationBatch
  ) {
    guard let old = tables.hugeLeaf(for: address), let new = tables.leafPlace(for: target, size)
    else { preconditionFailure("a huge leaf or the table made for its move is gone") }
    let leaf = old.pointee
    tables.set(old, to: 0)
    tables.set(new, to: leaf)
    if leaf & 1 != 0 { batch.note(address) }
    system.charge(2 &* system.costs.entryEdit)
  }
}
