import MMUMemory
import MMUPaging
public import MMUTiming

// Huge pages made of small ones: MADV_COLLAPSE, and Linux's khugepaged, which looks for them from time
// to time.

/// How khugepaged works: the files of /sys/kernel/mm/transparent_hugepage/khugepaged.
public struct CollapseRules: Hashable, Sendable {
  /// Cycles between two looks: scan_sleep_millisecs, 10 s.
  public var interval: Cycles = 30_000_000_000
  /// Cycles until the next look after there was no block of frames: alloc_sleep_millisecs, 60 s.
  public var pause: Cycles = 180_000_000_000
  /// Pages looked at each time, in steps of 512: pages_to_scan.
  public var pages: UInt64 = 4096
  /// Of 512 pages, how many may be absent or the zero page: max_ptes_none.
  public var maximumAbsent: UInt64 = 511
  /// Of 512 pages, how many may be shared with other processes: max_ptes_shared.
  public var maximumShared: UInt64 = 256

  /// Makes Linux's defaults.
  public init() {}
}

/// What came of an attempt to collapse 2 MiB.
enum CollapseResult {
  case collapsed
  /// A huge page is mapped already.
  case huge
  /// There is no page table, or something else than private memory in it, or too little.
  case unfit
  /// No block of 512 frames was free.
  case noBlock
}

extension AddressSpace {
  /// Replaces the pages of aligned 2 MiB by one huge page with the same content.
  ///
  /// The old page table is kept for the split.
  /// - Parameter rules: what is required of the pages; nil requires nothing, as MADV_COLLAPSE.
  /// - Precondition: the 2 MiB lie in the area.
  func collapse(_ base: UInt64, in area: VirtualMemoryArea, _ rules: CollapseRules?)
    -> CollapseResult
  {
    let table: UnsafeMutablePointer<UInt64>
    switch tables.region(at: base).0 {
    case .nothing: return .unfit
    case .leaf: return .huge
    case .table(let found): table = found
    }
    let frames = system.frames
    var absent: UInt64 = 0
    var shared: UInt64 = 0
    var isReferenced = false
    for i in 0..<512 {
      let frame = (table[i] & PageTableEntry.addressMask) >> 12
      if SoftwareEntry.hasNoFrame(table[i]) { return .unfit }
      if table[i] == 0 || frame == system.zeroFrame {
        absent += 1
        continue
      }
      if table[i] & 1 == 0 || frames.use(of: FrameNumber(frame)) != .anonymous { return .unfit }
      if frames.references(to: FrameNumber(frame)) > 1 { shared += 1 }
      if table[i] & PageTableEntry.accessed.rawValue != 0 { isReferenced = true }
    }
    if let rules,
      !isReferenced || absent > rules.maximumAbsent || shared > rules.maximumShared
    {
      return .unfit
    }
    let block =
      system.hasRoomForHugePage ? frames.takeBlock(.anonymous, order: HugePages.order) : 0
    if block == 0 {
      system.huge.failedCollapses += 1
      return .noBlock
    }
    let present = HugePages.frames - absent
    for i in 0..<HugePages.frames {
      let frame = (table[Int(i)] & PageTableEntry.addressMask) >> 12
      let new = FrameNumber(block + i)
      if table[Int(i)] == 0 || frame == system.zeroFrame {
        system.memory.zero(new)
      } else {
        system.memory.copy(FrameNumber(frame), to: new)
        system.releasePage(frame)
      }
      setHome(of: block + i, area, base + i << 12)
    }
    var bits = leafBits(area.permissions) | PageTableEntry.largePage.rawValue
    bits |= PageTableEntry.dirty.rawValue
    if area.permissions.contains(.write) { bits |= PageTableEntry.writable.rawValue }
    tables.replaceTable(for: base, by: block << 12 | bits)
    // Of 512 pages one by one would be more than the ceiling.
    system.deliver(.context(pcid))
    let costs = system.costs
    system.charge(
      (1 + present) &* costs.frameAllocation &+ present &* costs.pageCopy
        &+ absent &* costs.pageZero &+ 2 &* costs.entryEdit)
    changeResident(anonymous: Int(absent), file: 0)
    system.huge.collapses += 1
    system.huge.changeMapped(1)
    if area.anonymousIdentity == 0 { prepareAnonymous(base) }
    return .collapsed
  }

  /// MADV_COLLAPSE of a range: whatever the mode is, but not against MADV_NOHUGEPAGE.
  ///
  /// - Throws: EINVAL if an area may have no huge pages, or some of its 2 MiB could not be collapsed;
  ///   ENOMEM if there was no block, or part of the range is not mapped, the rest being done.
  func collapse(_ lower: UInt64, _ upper: UInt64) throws(Errno) {
    var at = lower
    var hole = false
    while at < upper {
      guard let area = areas.area(areas.firstEnding(after: at)), area.lower < upper else {
        throw .noMemory
      }
      if area.lower > at { hole = true }
      let mask = HugePages.bytes - 1
      let first = (max(at, area.lower) + mask) & ~mask
      let end = min(upper, area.upper) & ~mask
      guard allowsHugePages(area, mode: .always), area.holdsHugePage, first <= end else {
        throw .invalid
      }
      var failure: Errno?
      for base in stride(from: first, to: end, by: Int(HugePages.bytes)) {
        switch collapse(base, in: area, nil) {
        case .collapsed, .huge: break
        case .unfit: failure = .invalid
        case .noBlock: throw .noMemory
        }
      }
      if let failure { throw failure }
      at = area.upper
    }
    if hole { throw .noMemory }
  }
}

extension VirtualMemoryArea {
  /// Whether aligned 2 MiB lie in it.
  var holdsHugePage: Bool {
    let mask = HugePages.bytes - 1
    return (lower + mask) & ~mask + HugePages.bytes <= upper
  }
}

extension Kernel {
  /// Lets khugepaged be woken.
  func prepareCollapser() {
    system.onHugePageCandidate = { [unowned self] in
      if collapser.time != .max { return }
      collapser.time = now &+ configuration.collapse.interval
      refreshDeadline()
    }
  }

  /// Where khugepaged goes on, and when.
  struct Collapser {
    var time: Cycles = .max
    var pid: Int32 = 0
    var address: UInt64 = 0
  }

  /// khugepaged: looks at so many pages of areas that may have huge pages, from where it stopped,
  /// round all processes at most once.
  func lookForHugePages() {
    var result = CollapseResult.unfit
    var places: [(Int32, UInt64)] = []
    let limit = Int(configuration.collapse.pages / HugePages.frames)
    let pids = processTable.keys.sorted()
    let cursor = (collapser.pid, collapser.address)
    // From where it stopped to the end, then from the beginning.
    for pid in pids.filter({ $0 >= cursor.0 }) + pids where places.count < limit {
      guard let space = processTable[pid]?.space else { continue }
      var address = places.isEmpty && pid == cursor.0 ? cursor.1 : 0
      while places.count < limit, let base = space.nextCandidate(from: address) {
        if places.first.map({ $0 == (pid, base) }) ?? false { break }
        places.append((pid, base))
        address = base + HugePages.bytes
      }
    }
    for (pid, base) in places {
      guard let space = processTable[pid]?.space, let area = space.area(at: VirtualAddress(base))
      else { continue }
      (collapser.pid, collapser.address) = (pid, base + HugePages.bytes)
      result = space.collapse(base, in: area, configuration.collapse)
      if case .noBlock = result { break }
    }
    let hasCandidates = system.spaces.contains { $0.nextCandidate(from: 0) != nil }
    var next = configuration.collapse.interval
    if case .noBlock = result { next = configuration.collapse.pause }
    collapser.time = hasCandidates ? now &+ next : .max
    refreshDeadline()
  }
}

extension AddressSpace {
  /// The first aligned 2 MiB from an address on, in an area that may have huge pages and can be
  /// accessed.
  func nextCandidate(from address: UInt64) -> UInt64? {
    let mask = HugePages.bytes - 1
    var position = areas.firstEnding(after: address)
    while let area = areas.area(position) {
      let base = (max(address, area.lower) + mask) & ~mask
      if base + HugePages.bytes <= area.upper && area.permissions.rawValue != 0
        && allowsHugePages(area)
      {
        return base
      }
      position = areas.next(position)
    }
    return nil
  }
}
