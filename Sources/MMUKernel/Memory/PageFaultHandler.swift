public import MMUMemory
public import MMUPaging
public import MMUTiming

/// What is to happen to the program after a page fault.
public enum FaultOutcome: Hashable, Sendable {
  /// The access is repeated: its page is there now.
  case resume
  /// A signal is raised.
  case signal(SignalInformation)
  /// The access is repeated later.
  case wait(WaitReason)
  /// No frame was left: the OOM killer makes room, and the access is repeated unless that kills the
  /// process itself.
  case outOfMemory
}

/// What a program waits for.
public enum WaitReason: Hashable, Sendable {
  /// A device that needs this many cycles; the fault counts as a major one.
  case device(cycles: Cycles)
}

/// Decides what a page fault means: put your own into `KernelConfiguration.pageFaultHandler`.
///
///     struct DemandZero: PageFaultHandler {
///       func handle(
///         _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
///       ) -> FaultOutcome {
///         services.handleByDefault(fault)
///       }
///     }
public protocol PageFaultHandler {
  /// Handles one fault of the current process, raised by the program or by the kernel on its behalf.
  func handle(
    _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
  ) -> FaultOutcome
}

/// The registers of a program at a trap.
public struct TrapFrame {
  /// x0...x31, where the core keeps them; x0 is zero.
  public let registers: UnsafeMutablePointer<UInt64>
  /// The instruction that trapped; where the program goes on.
  public var programCounter: UInt64

  /// Makes a frame over a core's registers.
  public init(registers: UnsafeMutablePointer<UInt64>, programCounter: UInt64) {
    self.registers = registers
    self.programCounter = programCounter
  }
}

/// What a page-fault handler may do: frames, page tables, areas, invalidations, time.
///
///     var services = try KernelServices(ram: 16 << 20)
///     try services.space.insert(area)
///     let outcome = services.touch(address, .write, handler: MyHandler())
///
/// Made over an address space; `init(ram:)` makes a whole small machine for a test.
public struct KernelServices {
  /// The address space concerned.
  public let space: AddressSpace
  /// The MMU through which `touch` goes; nil inside a kernel.
  private let mmu: MMU?

  /// The services for one address space.
  public init(_ space: AddressSpace) {
    self.space = space
    mmu = nil
  }

  /// A laboratory: memory of `ram` bytes, an MMU, and an empty address space loaded in it.
  ///
  /// - Throws: ENOMEM if that is too little memory.
  public init(ram: UInt64, configuration: MMUConfiguration = MMUConfiguration()) throws(Errno) {
    let system = SystemMemory(PhysicalMemory(bytes: ram))
    let mmu = MMU(memory: system.memory, configuration: configuration)
    system.attach(mmu)
    space = try AddressSpace(system)
    space.activate(on: mmu)
    self.mmu = mmu
  }

  /// The bytes of the machine.
  public var memory: PhysicalMemory { space.system.memory }
  /// The frames, with their reference counts.
  public var frames: FrameAllocator { space.system.frames }

  /// The area that holds an address.
  public func area(at address: VirtualAddress) -> VirtualMemoryArea? { space.area(at: address) }

  /// The page-table entry for an address, if its table exists.
  public func entry(at address: VirtualAddress) -> PageTableEntry? { space.entry(at: address) }

  /// Takes a frame of zeros for private memory, with one reference; nil if there is none.
  public func allocateFrame() -> FrameNumber? {
    charge(space.system.costs.frameAllocation + space.system.costs.pageZero)
    return frames.allocateZeroed(.anonymous)
  }

  /// Maps a page to a frame, whose reference passes to the entry; what was mapped there goes.
  ///
  /// - Returns: false if there was no frame for a paging structure; the reference stays the caller's.
  /// - Precondition: an area covers the page.
  @discardableResult
  public func map(
    _ page: PageNumber, to frame: FrameNumber, _ permissions: MemoryPermissions
  ) -> Bool {
    space.mapPage(page.rawValue << 12, frame.rawValue, permissions)
  }

  /// Unmaps a page and gives its frame back, if one is mapped.
  public func unmap(_ page: PageNumber) {
    var batch = InvalidationBatch()
    space.unmapPages(page.rawValue << 12, (page.rawValue + 1) << 12, batch: &batch)
    batch.deliver(pcid: space.pcid.rawValue, in: space.system)
  }

  /// Gives the mapped page other permissions, invalidating what that makes stale; the area keeps its
  /// own.
  public func protect(_ page: PageNumber, _ permissions: MemoryPermissions) {
    space.protectPages(page.rawValue << 12, (page.rawValue + 1) << 12, permissions)
  }

  /// Drops cached translations on every core.
  public func invalidate(_ scope: InvalidationScope) { space.system.deliver(scope) }

  /// Adds cycles of kernel work to the clock.
  public func charge(_ cycles: Cycles) { space.system.charge(cycles) }

  /// What the kernel's own handler would do with the fault; it does it.
  public func handleByDefault(_ fault: PageFault) -> FaultOutcome {
    space.resolveFault(fault.address.rawValue, fault.access.bits)
      .outcome(address: fault.address.rawValue)
  }

  /// Makes one access as a program would, handling its faults: for tests of a handler.
  ///
  /// - Returns: the outcome that ended it; `resume` means the access succeeded.
  /// - Precondition: made by `init(ram:)`.
  public mutating func touch(
    _ address: VirtualAddress, _ kind: Access.Kind, handler: some PageFaultHandler
  ) -> FaultOutcome {
    guard let mmu else { preconditionFailure("touch needs services made by init(ram:)") }
    let registers = UnsafeMutablePointer<UInt64>.allocate(capacity: 32)
    registers.initialize(repeating: 0, count: 32)
    defer { registers.deallocate() }
    let frame = TrapFrame(registers: registers, programCounter: 0)
    for _ in 0..<16 {
      do {
        _ = try mmu.translate(address, for: Access(kind, .user))
        return .resume
      } catch {
        let outcome = handler.handle(error, frame: frame, services: &self)
        if outcome != .resume { return outcome }
      }
    }
    return .signal(SignalInformation(.segmentationFault, .kernel, address: address.rawValue))
  }
}

extension FaultResolution {
  /// The outcome for the program.
  func outcome(address: UInt64) -> FaultOutcome {
    switch self {
    case .zeroPage, .zeroFilled, .copied, .reused, .fileMapped, .fileCopied, .fileRead,
      .swapCached, .swappedIn, .spurious:
      .resume
    case .noArea, .guardPage, .stackOverflow, .stackRefused:
      .signal(SignalInformation(.segmentationFault, .notMapped, address: address))
    case .denied: .signal(SignalInformation(.segmentationFault, .accessDenied, address: address))
    case .beyondFile, .noHugePage, .damagedEntry, .swapFailed:
      .signal(SignalInformation(.busError, .noMemoryThere, address: address))
    case .outOfMemory: .outOfMemory
    }
  }
}

extension AddressSpace {
  /// Maps one page to a frame with one reference for it.
  func mapPage(_ address: UInt64, _ frame: UInt64, _ permissions: MemoryPermissions) -> Bool {
    precondition(
      area(at: VirtualAddress(truncating: address)) != nil, "a page is mapped outside any area")
    guard let entry = tables.entry(for: address) else { return false }
    if entry.pointee != 0 {
      var batch = InvalidationBatch()
      unmapPages(address, address + 4096, batch: &batch)
      batch.deliver(pcid: pcid.rawValue, in: system)
    }
    var bits = leafBits(permissions)
    if permissions.rawValue == 0 { bits = bits & ~1 | SoftwareEntry.inaccessible }
    if permissions.contains(.write) {
      bits |= PageTableEntry.writable.rawValue | PageTableEntry.dirty.rawValue
    }
    tables.set(entry, to: frame << 12 | bits)
    system.charge(system.costs.entryEdit)
    if frame == system.zeroFrame { return true }
    let isFile = system.frames.use(of: FrameNumber(frame)) == .cache
    changeResident(anonymous: isFile ? 0 : 1, file: isFile ? 1 : 0)
    if !isFile { settle(frame, at: address) }
    return true
  }

  /// Notes where a handler mapped a frame: its home, unless it had another before.
  private func settle(_ frame: UInt64, at address: UInt64) {
    if areas.area(at: address)?.pointee.anonymousIdentity == 0 { prepareAnonymous(address) }
    guard let area = areas.area(at: address)?.pointee else { return }
    if system.frames.references(to: FrameNumber(frame)) == 1 {
      setHome(of: frame, area, address)
    } else if system.frames.home(of: frame)
      != FrameHome(family.number, page: area.homePage(of: address))
    {
      // Reclaim could not find all of its mappings.
      system.frames.setHome(of: frame, .unknown)
      system.frames.lists.leave(frame)
    }
  }
}
