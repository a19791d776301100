import MMUMemory
import MMUPaging
import MMUTiming

/// What came of a page fault, before it is turned into an outcome for the program.
enum FaultResolution: UInt8 {
  /// A read of untouched anonymous memory: the shared zero page.
  case zeroPage
  /// A write to untouched anonymous memory: a frame of zeros.
  case zeroFilled
  /// A write to a page somebody else sees too: a copy.
  case copied
  /// A write to a page that turned out to be nobody else's: made writable.
  case reused
  /// A page of a file: its frame in the cache.
  case fileMapped
  /// A write to an untouched page of a private file mapping: a copy of the file's.
  case fileCopied
  /// A page of a file that had to be read from the disk: a major fault.
  case fileRead
  /// A page of private memory that was found in the swap cache.
  case swapCached
  /// A page of private memory that had to be read from swap: a major fault.
  case swappedIn
  /// The entry allows the access already: a stale translation.
  case spurious
  /// No area there.
  case noArea
  /// A guard stands there.
  case guardPage
  /// An area above could have grown to there, but for its limit or the guard gap.
  case stackOverflow
  /// The area forbids the access.
  case denied
  /// The area shows a file that ends before.
  case beyondFile
  /// The pool of huge pages is empty, or promised to others.
  case noHugePage
  /// A reserved bit is set in an entry.
  case damagedEntry
  /// The page is in swap and cannot be read.
  case swapFailed
  /// There was no free frame.
  case outOfMemory
  /// The stack above may not grow: its memory cannot be promised.
  case stackRefused

  /// The page is there now; the access can be repeated.
  @inline(__always) var isResolved: Bool { rawValue <= FaultResolution.spurious.rawValue }

  /// A device was waited for.
  @inline(__always) var isMajor: Bool { self == .fileRead || self == .swappedIn }
}

extension AddressSpace {
  /// Makes the page of an access present, if its area allows the access: what Linux's
  /// handle_mm_fault and do_user_addr_fault do, in their order.
  ///
  ///     no area (and no stack that may grow to there)    -> noArea, stackOverflow
  ///     the area forbids the access                      -> denied
  ///     a guard                                          -> guardPage
  ///     nothing mapped: anonymous, read                  -> zeroPage
  ///                     anonymous, write                 -> zeroFilled
  ///                     file                             -> see `fillFromFile`
  ///     mapped, R/W = 0 and a write                      -> copied or reused
  ///     mapped, and the entry allows the access          -> spurious
  ///
  /// - Parameters:
  ///   - address: the address accessed.
  ///   - access: `Access.bits`; the privilege does not matter.
  @inline(__always)
  func resolveFault(_ address: UInt64, _ access: UInt64) -> FaultResolution {
    if system.frames.lists.isShort && !makeRoom(address, access) { return .outOfMemory }
    let resolution = resolve(address, access)
    return resolution == .outOfMemory ? resolveAgain(address, access) : resolution
  }

  /// Reclaims before a page is made, for there are few free frames or too many pages.
  ///
  /// Who has brought 512 at once may have to ask more than once.
  /// - Returns: false if more pages are resident than may be, none can go, and nobody can be killed for it.
  @inline(never)
  private func makeRoom(_ address: UInt64, _ access: UInt64) -> Bool {
    system.reclaimDirectly()
    let lists = system.frames.lists
    while lists.pages > lists.limit {
      if system.reclaim() { continue }
      let request = MemoryRequest(address: address, access, space: self)
      if !system.killForMemory(request) { return false }
    }
    return true
  }

  /// Tries again with what the page cache can do without, then with what the OOM killer takes from
  /// one process after another.
  @inline(never)
  private func resolveAgain(_ address: UInt64, _ access: UInt64) -> FaultResolution {
    let request = MemoryRequest(address: address, access, space: self)
    repeat {
      // A few times for each victim: one access may take frames for three tables, a page from swap and its
      // copy. Not for ever, since one attempt may give up what the one before has read.
      for _ in 0..<5 {
        if !system.reclaim() { break }
        let resolution = resolve(address, access)
        if resolution != .outOfMemory { return resolution }
      }
      if !system.killForMemory(request) { return .outOfMemory }
      let resolution = resolve(address, access)
      if resolution != .outOfMemory { return resolution }
    } while true
  }

  private func resolve(_ address: UInt64, _ access: UInt64) -> FaultResolution {
    system.charge(system.costs.faultHandling)
    guard address < Self.userLimit else { return .noArea }
    var found = areas.area(at: address)
    if found == nil {
      let growth = growStack(to: address)
      if growth != .zeroFilled { return growth }
      found = areas.area(at: address)
    }
    guard let area = found else { return .noArea }
    let permissions = area.pointee.permissions
    // Without XD whatever can be read can be executed.
    let isFetch = access & 16 != 0 && system.noExecute != 0
    let wanted: UInt8 = isFetch ? 4 : access & 2 != 0 ? 2 : 7
    if permissions.rawValue & wanted == 0 { return .denied }
    if !tables.isRecent(address), let resolution = resolveHuge(area, address, access) {
      return resolution
    }
    guard let entry = tables.entry(for: address) else { return .outOfMemory }
    let old = entry.pointee
    if old == 0 { return fillAbsent(area, address, access, entry) }
    if SoftwareEntry.hasNoFrame(old) {
      return old == SoftwareEntry.guardPage ? .guardPage : swapIn(area, address, access, entry)
    }
    if access & 2 != 0 && old & PageTableEntry.writable.rawValue == 0 {
      if area.pointee.flags.contains(.shared) {
        return writeShared(area.pointee, address, entry)
      }
      return copyOnWrite(area, address, entry)
    }
    // Whatever the entry says, the area allows it: bring the entry up to it.
    var new = old & ~(PageTableEntry.executeDisable.rawValue | SoftwareEntry.inaccessible)
    new |= leafBits(permissions)
    if new != old { tables.set(entry, to: new) }
    system.deliver(.address(VirtualAddress(truncating: address), pcid: pcid))
    return .spurious
  }

  /// Nothing is mapped yet.
  @inline(__always)
  private func fillAbsent(
    _ area: UnsafeMutablePointer<VirtualMemoryArea>, _ address: UInt64, _ access: UInt64,
    _ entry: UnsafeMutablePointer<UInt64>
  ) -> FaultResolution {
    let bits = leafBits(area.pointee.permissions)
    if area.pointee.source != 0 { return fillFromFile(area, address, access, entry, bits) }
    if access & 2 == 0 {
      system.charge(system.costs.entryEdit)
      tables.set(entry, to: system.zeroFrame &<< 12 | bits)
      return .zeroPage
    }
    let frame = system.frames.take(.anonymous, zeroed: true)
    if frame == 0 { return .outOfMemory }
    setHome(of: frame, area.pointee, address)
    system.charge(
      system.costs.frameAllocation &+ system.costs.pageZero &+ system.costs.entryEdit)
    let written = PageTableEntry.writable.rawValue | PageTableEntry.dirty.rawValue
    tables.set(entry, to: frame &<< 12 | bits | written)
    changeResident(anonymous: 1, file: 0)
    if area.pointee.anonymousIdentity == 0 { prepareAnonymous(address) }
    return .zeroFilled
  }

  /// A write to a private page that is mapped read-only.
  @inline(never)
  func copyOnWrite(
    _ area: UnsafeMutablePointer<VirtualMemoryArea>, _ address: UInt64,
    _ entry: UnsafeMutablePointer<UInt64>
  ) -> FaultResolution {
    let old = entry.pointee
    let written = PageTableEntry.writable.rawValue | PageTableEntry.dirty.rawValue
    let bits = leafBits(area.pointee.permissions) | written
    let frame = (old & PageTableEntry.addressMask) &>> 12
    if system.claim(frame) {
      system.charge(system.costs.entryEdit)
      tables.set(entry, to: frame << 12 | bits)
      return .reused
    }
    let isZero = frame == system.zeroFrame
    let new = system.frames.take(.anonymous, zeroed: isZero)
    if new == 0 { return .outOfMemory }
    setHome(of: new, area.pointee, address)
    system.charge(
      system.costs.frameAllocation &+ system.costs.entryEdit
        &+ (isZero ? system.costs.pageZero : system.costs.pageCopy))
    if isZero {
      changeResident(anonymous: 1, file: 0)
    } else {
      let wasFile = system.frames.use(of: FrameNumber(frame)) == .cache
      system.memory.copy(FrameNumber(frame), to: FrameNumber(new))
      system.releasePage(frame)
      if wasFile { changeResident(anonymous: 1, file: -1) }
    }
    tables.set(entry, to: new << 12 | bits)
    // Another core may still read the old frame.
    system.deliver(.address(VirtualAddress(truncating: address), pcid: pcid))
    if area.pointee.anonymousIdentity == 0 { prepareAnonymous(address) }
    return .copied
  }

  /// Extends the area above `address` down to it, if that is a stack and may grow so far.
  ///
  /// - Returns: `.zeroFilled` if it has grown, else why not: Linux's expand_downwards.
  @inline(never)
  private func growStack(to address: UInt64) -> FaultResolution {
    let position = areas.firstEnding(after: address)
    guard var area = areas.area(position), area.flags.contains(.growsDown) else {
      return .noArea
    }
    let lower = address & ~4095
    if lower < Self.lowestMapping { return .noArea }
    if !fits(area.lower - lower, isData: false) { return .stackOverflow }
    if area.upper - lower > stackLimit {
      // Far below it is an ordinary wild access.
      return area.upper - lower <= stackLimit + Self.stackGuardGap ? .stackOverflow : .noArea
    }
    if let below = areas.previous(position).flatMap({ areas.area($0) }),
      !below.flags.contains(.growsDown), below.permissions.rawValue != 0,
      lower - below.upper < Self.stackGuardGap
    {
      return .stackOverflow
    }
    if !canPromise((area.lower - lower) / pageBytes) { return .stackRefused }
    area.setLower(lower)
    areas.replace(at: position, with: area)
    system.charge(system.costs.areaOperation)
    return .zeroFilled
  }

  /// Makes the pages of a range present, as accesses of the program's own would: MAP_POPULATE, and
  /// the kernel's own writes to a new stack.
  ///
  /// Counts one fault for each page made present.
  ///
  /// - Returns: the resolution that stopped it, and how many of which kind came before.
  func populate(
    _ lower: UInt64, _ upper: UInt64, writing: Bool, count: (FaultResolution) -> Void
  ) -> FaultResolution? {
    var at = lower & ~4095
    while at < upper {
      let entry = tables.view(of: at) ?? 0
      let missing = writing ? PageTableEntry.writable.rawValue | 1 : 1
      if entry & missing != missing {
        let resolution = resolveFault(at, writing ? 2 : 0)
        if !resolution.isResolved { return resolution }
        count(resolution)
      } else if writing && entry & PageTableEntry.dirty.rawValue == 0 {
        // Nothing is written, but the page of a file counts as if it were.
        let frame = (entry & PageTableEntry.addressMask) >> 12
        if system.frames.use(of: FrameNumber(frame)) == .cache { system.noteWritten(frame) }
      }
      at += 4096
    }
    return nil
  }

  /// The host address of a byte of a present page; nil if it is not present.
  ///
  /// For the kernel's own look at memory it has just made present, and for stories: no lookup, no
  /// cost.
  func peek(_ address: UInt64) -> UnsafeMutableRawPointer? {
    guard address < Self.userLimit, let entry = tables.view(of: address), entry & 1 != 0
    else { return nil }
    let frame = (entry & PageTableEntry.addressMask) >> 12
    guard frame < system.memory.frameCount else { return nil }
    return system.memory.pointer(to: FrameNumber(frame)) + Int(address & 4095)
  }
}
