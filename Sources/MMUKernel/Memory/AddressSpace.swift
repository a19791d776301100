public import MMUMemory
public import MMUPaging
import MMUTiming

/// The memory of a process: its areas, its page tables, its heap and stack bounds, its PCID.
///
///     let space = try AddressSpace(system)
///     try space.insert(VirtualMemoryArea(VirtualAddress(0x10000), pages: 4, permissions: .read))
///     space.activate(on: mmu)
///
/// Invariants (`checkInvariants` tests them): areas are sorted and disjoint; if an entry holds a page,
/// an area covers it; every entry but the zero page's is one reference to its frame.
public final class AddressSpace {
  /// The end of the user half: 2^47, less a page as on x86-64 Linux.
  public static let userLimit: UInt64 = (1 << 47) - 4096
  /// No mapping without MAP_FIXED goes below, and none with it may: Linux's `mmap_min_addr`.
  public static let lowestMapping: UInt64 = 65536
  /// Bytes kept free below a growing stack: Linux's `stack_guard_gap`, 256 pages.
  public static let stackGuardGap: UInt64 = 256 * 4096

  /// What it shares with all others.
  public let system: SystemMemory
  /// The tag of its translations; 0 while it has none, being cached nowhere then, and while
  /// CR4.PCIDE = 0.
  public internal(set) var pcid: PCID {
    get { tables.pcid }
    set { tables.pcid = newValue }
  }
  /// Processes that use it: a vfork child uses its parent's.
  var users = 1
  /// The OOM killer has taken its memory: those that use it are about to end.
  var isSurrendered = false
  /// Where signal handlers return to.
  var trampoline: UInt64 = 0
  var tables: PageTables
  var areas: AreaSet
  /// Areas allowed: Linux's `max_map_count`.
  let maximumAreas: Int
  /// RLIMIT_STACK, RLIMIT_AS and RLIMIT_DATA in bytes.
  var stackLimit: UInt64
  var addressLimit: UInt64 = .max
  var dataLimit: UInt64 = .max
  /// MCL_FUTURE: what new areas get of `locked` and `lockedOnFault`.
  var futureLock: VirtualMemoryArea.Flags = []
  /// PR_SET_THP_DISABLE: no area gets huge pages by itself.
  var forbidsHugePages = false
  /// Those with whom it may share private pages.
  let family: AddressSpaceFamily
  /// Its places in `SystemMemory.spaces` and in its family.
  var slot = 0
  var familySlot = 0
  /// mremap has moved private pages: they are not at home.
  var hasMovedPages = false
  /// Where the search for free space starts, downwards.
  var mapTop: UInt64
  /// The heap's first and its present end; equal while there is none.
  var startBreak: UInt64 = 0
  var currentBreak: UInt64 = 0
  /// Where the argument strings lie, and up to where the environment behind them.
  var argumentArea: Range<UInt64> = 0..<0
  var environmentEnd: UInt64 = 0

  /// Pages of private anonymous memory present, the zero page not counted.
  public internal(set) var residentAnonymous: UInt64 = 0
  /// Pages of files present.
  public internal(set) var residentFile: UInt64 = 0
  /// Pages of private memory that are in swap: entries that name slots.
  public internal(set) var swapEntries: UInt64 = 0
  /// The most pages ever present at once.
  public private(set) var peakResident: UInt64 = 0
  /// Pages of files that others mapped too when they were unmapped here.
  var sharedWhenUnmapped: UInt64 = 0

  /// Makes an empty address space.
  ///
  /// - Parameters:
  ///   - system: the machine's memory.
  ///   - maximumAreas: how many areas it may have.
  ///   - stackLimit: how far a stack may grow, in bytes.
  /// - Throws: ENOMEM if there is no frame for the PML4.
  public convenience init(
    _ system: SystemMemory, maximumAreas: Int = 65530, stackLimit: UInt64 = 8 << 20
  ) throws(Errno) {
    try self.init(
      system, maximumAreas: maximumAreas, stackLimit: stackLimit, family: system.makeFamily())
  }

  /// Makes an empty address space of a family.
  init(
    _ system: SystemMemory, maximumAreas: Int, stackLimit: UInt64, family: AddressSpaceFamily
  ) throws(Errno) {
    guard let tables = PageTables(system) else {
      system.dropIfEmpty(family)
      throw .noMemory
    }
    self.system = system
    self.tables = tables
    areas = AreaSet(guardGap: Self.stackGuardGap, promises: system.promises)
    self.maximumAreas = maximumAreas
    self.stackLimit = stackLimit
    mapTop = Self.placementTop(stackLimit: stackLimit, random: 0)
    self.family = family
    system.enter(self)
  }

  /// CR3's bits 51:12: the PML4's address.
  public var root: PhysicalAddress { PhysicalAddress(tables.root << 12) }

  /// Frames of its paging structures, the PML4 included.
  public var tablePages: Int { tables.pages }

  /// Number of areas.
  public var areaCount: Int { areas.count }

  /// Pages of all areas: the size of the address space.
  public var totalPages: UInt64 { areas.pages }

  /// Loads CR3 of a core with this address space, keeping its translations there.
  public func activate(on mmu: MMU) {
    if pcid.rawValue == 0 { system.giveContext(to: self) }
    system.loadRoot(tables.root << 12, pcid: pcid.rawValue, on: mmu)
  }

  /// Unmaps everything and returns all frames, tables and the PCID.
  ///
  /// The address space is of no use afterwards.
  public func destroy() {
    system.leave(root: tables.root << 12)
    sharedWhenUnmapped = 0
    var batch = InvalidationBatch()
    for area in allAreas where area.hugeSize != nil {
      unmapHugePages(of: area, area.lower, area.upper, endsArea: true, batch: &batch)
    }
    unmapPages(0, Self.userLimit, batch: &batch)
    while let area = areas.area(areas.start) {
      areas.remove(at: areas.start)
      system.releaseSource(area.source, by: self)
      system.charge(system.costs.areaOperation)
    }
    tables.freeTables(0, 1 << 47, floor: 0, ceiling: 1 << 47, batch: &batch)
    tables.freeRoot()
    system.deliver(.context(pcid))
    system.returnContext(of: self)
    system.leave(self)
  }

  // MARK: Areas

  /// The area that holds an address.
  public func area(at address: VirtualAddress) -> VirtualMemoryArea? {
    areas.area(at: address.rawValue)?.pointee
  }

  /// All areas in the order of their addresses.
  public var allAreas: [VirtualMemoryArea] {
    var result: [VirtualMemoryArea] = []
    areas.forEach { result.append($0) }
    return result
  }

  /// Adds an area, joining it with its neighbours where they are alike.
  ///
  /// - Throws: EEXIST if a page of it is taken, ENOMEM if there are too many areas.
  public func insert(_ area: VirtualMemoryArea) throws(Errno) {
    if overlaps(area.lower, area.upper) { throw .exists }
    if areas.count >= maximumAreas { throw .noMemory }
    var area = area
    if area.permissions.contains(.write) && area.flags.isDisjoint(with: .unaccounted) {
      area.flags.insert(.accounted)
    }
    insertMerging(area)
  }

  /// Tells whether any area has a page in a range.
  func overlaps(_ lower: UInt64, _ upper: UInt64) -> Bool {
    guard let area = areas.area(areas.firstEnding(after: lower)) else { return false }
    return area.lower < upper
  }

  // MARK: Pages

  /// The entry that maps a page, if its table exists; it may be empty.
  ///
  /// Under a huge leaf, the entry a split would make.
  public func entry(at address: VirtualAddress) -> PageTableEntry? {
    tables.view(of: address.rawValue).map { PageTableEntry($0) }
  }

  /// Notes pages that came or went.
  @inline(__always)
  func changeResident(anonymous: Int, file: Int) {
    residentAnonymous &+= UInt64(bitPattern: Int64(anonymous))
    residentFile &+= UInt64(bitPattern: Int64(file))
    let now = residentAnonymous &+ residentFile
    if now > peakResident { peakResident = now }
  }

  /// The bits of a present leaf under an area's permissions, without R/W.
  @inline(__always)
  func leafBits(_ permissions: MemoryPermissions) -> UInt64 {
    let base =
      PageTableEntry.present.rawValue | PageTableEntry.user.rawValue
      | PageTableEntry.accessed.rawValue
    return permissions.contains(.execute) ? base : base | system.noExecute
  }

  /// The address space's top for mappings without an address: below the largest stack.
  ///
  /// Linux's `mmap_base`: at least 128 MiB and at most five sixths of the user half below its end.
  static func placementTop(stackLimit: UInt64, random: UInt64) -> UInt64 {
    let size: UInt64 = 1 << 47
    let gap = min(stackLimit, size) &+ stackGuardGap &+ stackRandomBytes
    let clamped = min(max(gap, 128 << 20), size / 6 * 5)
    return (userLimit - clamped - random) & ~4095
  }

  /// The span over which a stack's top is random: 2^18 pages, as on 64-bit RISC-V Linux.
  static let stackRandomBytes: UInt64 = 1 << 30
}
