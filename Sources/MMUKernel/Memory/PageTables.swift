import MMUMemory
import MMUPaging
import MMUTiming

/// How an entry that is not present, but not empty either, is to be read.
///
/// The processor ignores all of an entry with P = 0. The kernel keeps a page there whose area allows
/// no access (PROT_NONE), as Linux does with the same bit; or the slot of a page that is in swap; or a
/// guard.
enum SoftwareEntry {
  /// P = 0 and this bit: the frame in bits 51:12 is still the page's, with its A and D.
  static var inaccessible: UInt64 { 1 << 8 }
  /// P = 0 and this bit: bits 51:12 are a slot of the swap area.
  static var swapped: UInt64 { 1 << 9 }
  /// With `swapped`: the page was nobody else's when it went, and is not since.
  static var exclusive: UInt64 { 1 << 10 }

  /// P = 0 and nothing but this bit: no page, and none to be made.
  static var guardPage: UInt64 { 1 << 11 }

  /// Whether an entry names a slot.
  @inline(__always)
  static func isSwapped(_ entry: UInt64) -> Bool { entry & (swapped | 1) == swapped }

  /// Whether an entry that is not empty leads to no frame.
  @inline(__always)
  static func hasNoFrame(_ entry: UInt64) -> Bool {
    entry & 1 == 0 && entry & (swapped | guardPage) != 0
  }
}

/// The paging structures of one address space, as entries in frames.
///
/// Only the user half is changed here; the kernel's half is shared. An entry's frame carries one
/// reference for it, but for the zero page.
struct PageTables: ~Copyable {
  let system: SystemMemory
  /// Frame of the PML4.
  let root: UInt64
  /// Frames of paging structures, the PML4 included, and those kept for splits.
  private(set) var pages = 1
  /// The tag of its translations.
  var pcid = PCID(0)
  /// The page table found last, by address bits 47:21: faults come in neighbourhoods.
  private var recentRegion: UInt64 = .max
  private var recentTable: UnsafeMutablePointer<UInt64>

  /// What stands in an entry that leads to a table: all rights, the leaf decides; A preset.
  static var branch: UInt64 {
    PageTableEntry.present.rawValue | PageTableEntry.writable.rawValue
      | PageTableEntry.user.rawValue | PageTableEntry.accessed.rawValue
  }

  /// Makes an empty user half; nil if there is no free frame.
  init?(_ system: SystemMemory) {
    let frame = system.frames.take(.pageTable, zeroed: true)
    if frame == 0 { return nil }
    self.system = system
    root = frame
    recentTable = system.table(frame)
    system.tablePages += 1
    system.shareKernelHalf(with: system.table(frame))
    system.charge(system.costs.frameAllocation &+ system.costs.pageZero)
  }

  /// Announces a write to the table an entry stands in.
  @inline(__always)
  func willWrite(_ entry: UnsafeMutablePointer<UInt64>) {
    let offset = UnsafeMutableRawPointer(entry) - system.memory.base
    system.memory.willWrite(FrameNumber(UInt64(offset) &>> 12))
  }

  /// Writes an entry.
  @inline(__always)
  func set(_ entry: UnsafeMutablePointer<UInt64>, to value: UInt64) {
    willWrite(entry)
    entry.pointee = value.littleEndian
  }

  /// The page-table entry for an address, if its table exists.
  @inline(__always)
  mutating func existingEntry(for address: UInt64) -> UnsafeMutablePointer<UInt64>? {
    if address &>> 21 != recentRegion && !find(address) { return nil }
    return recentTable + Int((address &>> 12) & 511)
  }

  /// The page-table entry for an address, making the tables on the way; nil if frames ran out.
  @inline(__always)
  mutating func entry(for address: UInt64) -> UnsafeMutablePointer<UInt64>? {
    if address &>> 21 != recentRegion && !find(address) && !make(address) { return nil }
    return recentTable + Int((address &>> 12) & 511)
  }

  /// Forgets the page table found last.
  mutating func forgetRecent() { recentRegion = .max }

  /// Tells whether the page table for an address is the one found last.
  @inline(__always)
  func isRecent(_ address: UInt64) -> Bool { address &>> 21 == recentRegion }

  @inline(never)
  private mutating func find(_ address: UInt64) -> Bool {
    switch region(at: address).0 {
    case .nothing: return false
    case .table(let table): recentTable = table
    case .leaf(let place): recentTable = split(place, at: address)
    }
    recentRegion = address &>> 21
    return true
  }

  /// - Precondition: `find` found nothing.
  @inline(never)
  private mutating func make(_ address: UInt64) -> Bool {
    guard let place = directoryEntry(for: address), let table = lowerTable(place) else {
      return false
    }
    recentRegion = address &>> 21
    recentTable = table
    return true
  }

  /// The table an entry leads to, made if there is none; nil if there is no frame.
  mutating func lowerTable(
    _ place: UnsafeMutablePointer<UInt64>
  ) -> UnsafeMutablePointer<UInt64>? {
    if place.pointee & 1 == 0 {
      guard let frame = takeTable(zeroed: true) else { return nil }
      system.charge(system.costs.entryEdit)
      set(place, to: frame << 12 | Self.branch)
    }
    return system.table((place.pointee & PageTableEntry.addressMask) &>> 12)
  }

  /// Takes a frame for a table; nil if there is none.
  mutating func takeTable(zeroed: Bool) -> UInt64? {
    let frame = system.frames.take(.pageTable, zeroed: zeroed)
    if frame == 0 { return nil }
    pages += 1
    system.tablePages += 1
    system.charge(system.costs.frameAllocation &+ system.costs.pageZero)
    return frame
  }

  /// Gives a table's frame back.
  mutating func releaseTable(_ frame: UInt64) {
    system.frames.release(FrameNumber(frame))
    pages -= 1
    system.tablePages -= 1
    system.charge(system.costs.frameAllocation)
  }

  /// Calls `body` for each existing page table that maps a part of `lower..<upper`: the address of
  /// the first page of the part, its entry, and the number of entries.
  ///
  /// Missing subtrees are skipped whole. A huge leaf is split, unless all of it lies in the range and
  /// `wholeLeaf`, called with its address, its entry and its bytes, has dealt with it.
  @inline(__always)
  func forEachTable(
    in lower: UInt64, _ upper: UInt64,
    wholeLeaf: (UInt64, UnsafeMutablePointer<UInt64>, UInt64) -> Bool = { _, _, _ in false },
    _ body: (UInt64, UnsafeMutablePointer<UInt64>, Int) -> Void
  ) {
    var address = lower
    while address < upper {
      let (found, shift) = region(at: address)
      let span: UInt64 = 1 &<< shift
      let next = (address | (span &- 1)) &+ 1
      let end = min(next, upper)
      var table: UnsafeMutablePointer<UInt64>?
      switch found {
      case .nothing: break
      case .table(let existing): table = existing
      case .leaf(let place):
        let isWhole = end &- address == span
        if isWhole { willWrite(place) }
        if !isWhole || !wholeLeaf(address, place, span) { table = split(place, at: address) }
      }
      if let table {
        let first = table + Int((address &>> 12) & 511)
        willWrite(first)
        body(address, first, Int((end &- address) &>> 12))
      }
      address = end
    }
  }

  /// Frees the tables that map nothing but a part of `lower..<upper` and the free space around it.
  ///
  /// - Parameters:
  ///   - floor: the end of the area before, or 0.
  ///   - ceiling: the start of the area behind, or the end of the user half.
  /// - Precondition: no entry for `floor..<ceiling` maps a page.
  mutating func freeTables(
    _ lower: UInt64, _ upper: UInt64, floor: UInt64, ceiling: UInt64,
    batch: inout InvalidationBatch
  ) {
    forgetRecent()
    freeTables(
      .pml4, root, base: 0, lower: lower, upper: upper, floor: floor, ceiling: ceiling,
      batch: &batch)
  }

  private mutating func freeTables(
    _ level: PagingLevel, _ frame: UInt64, base: UInt64, lower: UInt64, upper: UInt64,
    floor: UInt64, ceiling: UInt64, batch: inout InvalidationBatch
  ) {
    let table = system.table(frame)
    let span: UInt64 = 1 << level.shift
    var index = lower <= base ? 0 : (lower - base) >> level.shift
    while index < 512 {
      let start = base + index << level.shift
      if start >= upper { return }
      let place = table + Int(index)
      index += 1
      if place.pointee & 1 == 0 || Self.isLeaf(place.pointee) { continue }
      let child = (place.pointee & PageTableEntry.addressMask) >> 12
      if level != .pd {
        freeTables(
          PagingLevel(rawValue: level.rawValue + 1)!, child, base: start, lower: lower,
          upper: upper, floor: floor, ceiling: ceiling, batch: &batch)
      }
      guard start >= floor && start + span <= ceiling else { continue }
      set(place, to: 0)
      releaseTable(child)
      system.charge(system.costs.entryEdit)
      batch.noteTable(start, span: span)
    }
  }

  /// Returns the PML4.
  ///
  /// - Precondition: the user half is empty, and no core has it loaded.
  mutating func freeRoot() {
    precondition(pages == 1, "\(pages - 1) paging structures are left under a dying PML4")
    pages = 0
    system.frames.release(FrameNumber(root))
    system.tablePages -= 1
  }

  /// The entries from the root down to the first that leads nowhere, without changing anything.
  func walk(_ address: UInt64) -> [(level: PagingLevel, entry: PageTableEntry)] {
    var result: [(PagingLevel, PageTableEntry)] = []
    var table = system.table(root)
    for level in PagingLevel.allCases {
      let entry = PageTableEntry(UInt64(littleEndian: table[Int(level.index(address))]))
      result.append((level, entry))
      let isLeaf = level == .pt || Self.isLeaf(entry.rawValue)
      if !entry.isPresent || isLeaf || entry.frame.rawValue >= system.memory.frameCount { break }
      table = system.table(entry.frame.rawValue)
    }
    return result
  }

  /// Calls `body` with each table of the user half; those kept for splits are not among them.
  func forEachTableFrame(_ body: (UInt64) -> Void) {
    visit(.pml4, root, body)
  }

  private func visit(_ level: PagingLevel, _ frame: UInt64, _ body: (UInt64) -> Void) {
    body(frame)
    if level == .pt { return }
    let table = system.table(frame)
    for i in 0..<(level == .pml4 ? 256 : 512)
    where table[i] & 1 != 0 && (level == .pml4 || !Self.isLeaf(table[i])) {
      visit(
        PagingLevel(rawValue: level.rawValue + 1)!, (table[i] & PageTableEntry.addressMask) >> 12,
        body)
    }
  }
}
