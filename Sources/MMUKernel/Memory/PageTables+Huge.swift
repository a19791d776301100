import MMUMemory
import MMUPaging
import MMUTiming

// Leaves above the page tables. Whoever asks for the entry of a page gets one: a leaf in the way is
// split first. What only reads gets entries as a split would make them, and nothing changes.

extension PageTables {
  /// What maps the surroundings of an address.
  enum Region {
    /// Nothing does.
    case nothing
    /// A page table.
    case table(UnsafeMutablePointer<UInt64>)
    /// A leaf of a page directory or page-directory-pointer table, accessible or not.
    case leaf(UnsafeMutablePointer<UInt64>)
  }

  /// Tells whether an entry above a page table maps a page itself.
  ///
  /// PS stays where PROT_NONE takes P away.
  @inline(__always)
  static func isLeaf(_ entry: UInt64) -> Bool { entry & PageTableEntry.largePage.rawValue != 0 }

  /// What maps an address, and log2 of the bytes around it of which the same is true.
  func region(at address: UInt64) -> (Region, shift: UInt64) {
    var table = system.table(root)
    for level in [PagingLevel.pml4, .pdpt, .pd] {
      let place = table + Int(level.index(address))
      if Self.isLeaf(place.pointee) { return (.leaf(place), level.shift) }
      if place.pointee & 1 == 0 { return (.nothing, level.shift) }
      table = system.table((place.pointee & PageTableEntry.addressMask) &>> 12)
    }
    return (.table(table), PagingLevel.pd.shift)
  }

  /// The leaf above the page tables that maps an address, if one does.
  func hugeLeaf(for address: UInt64) -> UnsafeMutablePointer<UInt64>? {
    if case .leaf(let place) = region(at: address).0 { return place }
    return nil
  }

  /// The entry a split of `leaf` makes for a page, by the page's number inside the leaf.
  ///
  /// The block of zeros becomes the zero page.
  func piece(of leaf: UInt64, _ index: UInt64) -> UInt64 {
    let bits = leaf & ~(PageTableEntry.addressMask | PageTableEntry.largePage.rawValue)
    let frame = (leaf & PageTableEntry.addressMask) &>> 12
    let isZero = frame == system.huge.zeroBlock && frame != 0
    return bits | (isZero ? system.zeroFrame : frame &+ index) &<< 12
  }

  /// The entry of a page as it is or a split would make it, without splitting; nil if there is no
  /// table for it.
  func view(of address: UInt64) -> UInt64? {
    switch region(at: address) {
    case (.nothing, _): nil
    case (.table(let table), _): table[Int((address &>> 12) & 511)]
    case (.leaf(let place), let shift):
      piece(of: place.pointee, (address & (1 &<< shift &- 1)) &>> 12)
    }
  }

  /// `forEachTable` for those who only read: a huge leaf appears as the page tables a split would make.
  func readTables(
    in lower: UInt64, _ upper: UInt64, _ body: (UInt64, UnsafePointer<UInt64>, Int) -> Void
  ) {
    var address = lower
    while address < upper {
      let (region, shift) = region(at: address)
      switch region {
      case .nothing: address = (address | (1 &<< shift &- 1)) &+ 1
      case .table(let table):
        let end = min((address | 0x1f_ffff) &+ 1, upper)
        body(address, table + Int((address &>> 12) & 511), Int((end &- address) &>> 12))
        address = end
      case .leaf(let place):
        let end = min((address | 0x1f_ffff) &+ 1, upper)
        let count = Int((end &- address) &>> 12)
        let first = (address & (1 &<< shift &- 1)) &>> 12
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { entries in
          for i in 0..<count { entries[i] = piece(of: place.pointee, first &+ UInt64(i)) }
          guard let start = entries.baseAddress else { return }
          body(address, start, count)
        }
        address = end
      }
    }
  }

  /// Calls `body` with the address, the entry and the bytes of each huge leaf of a range.
  func forEachHugeLeaf(in lower: UInt64, _ upper: UInt64, _ body: (UInt64, UInt64, UInt64) -> Void)
  {
    var address = lower
    while address < upper {
      let (region, shift) = region(at: address)
      let start = address & ~(1 &<< shift &- 1)
      if case .leaf(let place) = region { body(start, place.pointee, 1 &<< shift) }
      address = start &+ 1 &<< shift
    }
  }

  /// Puts the deposited page table in place of a leaf of 2 MiB; nothing else changes, no reference
  /// either.
  ///
  /// Translations of the leaf go, so that no TLB has an address in two sizes: Intel SDM Vol. 3A,
  /// "Recommended Invalidation" (§4.10.4.2).
  /// - Returns: the page table.
  func split(_ place: UnsafeMutablePointer<UInt64>, at address: UInt64)
    -> UnsafeMutablePointer<UInt64>
  {
    let leaf = place.pointee
    let first = FrameNumber((leaf & PageTableEntry.addressMask) >> 12)
    precondition(system.frames.use(of: first) != .hugePool, "a page of the pool is split")
    guard let frame = system.huge.deposits.popLast() else {
      preconditionFailure("no page table was deposited for the leaf at \(hex(address))")
    }
    let table = system.table(frame)
    willWrite(table)
    for i in 0..<512 { table[i] = piece(of: leaf, UInt64(i)) }
    set(place, to: frame << 12 | Self.branch)
    system.charge(513 &* system.costs.entryEdit)
    system.huge.splits += 1
    if (leaf & PageTableEntry.addressMask) >> 12 != system.huge.zeroBlock {
      system.huge.changeMapped(-1)
    }
    if leaf & 1 != 0 {
      system.deliver(.address(VirtualAddress(truncating: address), pcid: pcid))
    }
    return table
  }

  /// Where the leaf of a huge page stands, making the tables on the way; nil if frames ran out.
  mutating func leafPlace(for address: UInt64, _ size: PageSize) -> UnsafeMutablePointer<UInt64>? {
    if size == .size2M { return directoryEntry(for: address) }
    guard
      let table = lowerTable(system.table(root) + Int(PagingLevel.pml4.index(address)))
    else { return nil }
    return table + Int(PagingLevel.pdpt.index(address))
  }

  /// Splits the leaf of 2 MiB that maps both sides of an address, if there is one.
  func splitLeaf(around address: UInt64) {
    if address & (HugePages.bytes - 1) == 0 { return }
    if case (.leaf(let place), _) = region(at: address) { _ = split(place, at: address) }
  }

  /// The page-directory entry for an address, making the tables on the way; nil if frames ran out.
  mutating func directoryEntry(for address: UInt64) -> UnsafeMutablePointer<UInt64>? {
    var table = system.table(root)
    for level in [PagingLevel.pml4, .pdpt] {
      guard let lower = lowerTable(table + Int(level.index(address))) else { return nil }
      table = lower
    }
    return table + Int(PagingLevel.pd.index(address))
  }

  /// Puts a leaf in place of a page table, which is kept for the split of that.
  ///
  /// - Precondition: there is one.
  mutating func replaceTable(for address: UInt64, by leaf: UInt64) {
    guard let place = directoryEntry(for: address), place.pointee & 1 != 0 else {
      preconditionFailure("no page table is there to be replaced at \(hex(address))")
    }
    system.huge.deposits.append((place.pointee & PageTableEntry.addressMask) >> 12)
    set(place, to: leaf)
    forgetRecent()
  }

  /// Keeps a page table for the split of a leaf that is about to be made.
  ///
  /// - Returns: false if there is no frame.
  mutating func makeDeposit() -> Bool {
    guard let frame = takeTable(zeroed: false) else { return false }
    system.huge.deposits.append(frame)
    return true
  }

  /// Gives back the page tables kept for leaves that are gone.
  mutating func returnDeposits(_ count: Int) {
    for _ in 0..<count {
      guard let frame = system.huge.deposits.popLast() else {
        preconditionFailure("no page table was deposited for a leaf that is gone")
      }
      releaseTable(frame)
    }
  }
}
