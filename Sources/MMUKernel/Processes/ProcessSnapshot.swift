import MMUMemory
public import MMUTiming

/// A process at one moment, as the tools that look at it from outside show it.
public struct ProcessSnapshot: Hashable, Sendable {
  /// Its number, and its parent's.
  public var pid: Int32
  /// Its parent's number; 1 is init.
  public var parent: Int32
  /// comm.
  public var name: String
  /// `R` runs or could run, `S` waits, `Z` has ended and nobody has waited for it.
  public var state: Character
  /// The arguments, as /proc/PID/cmdline has them.
  public var commandLine: [String] = []
  /// Pages of all its areas.
  public var virtualPages: UInt64 = 0
  /// Pages present, the zero page not counted.
  public var residentPages: UInt64 = 0
  /// Of these, pages of files and of shared memory.
  public var sharedPages: UInt64 = 0
  /// Cycles it has had, in user mode and in the kernel.
  public var cycles: Cycles = 0
  /// Cycles since it came to be.
  public var age: Cycles = 0
  /// ru_minflt.
  public var minorFaults: UInt64 = 0
  /// ru_majflt.
  public var majorFaults: UInt64 = 0

  /// Makes a process that has done nothing.
  public init(pid: Int32, parent: Int32, name: String, state: Character) {
    self.pid = pid
    self.parent = parent
    self.name = name
    self.state = state
  }
}

/// One area of a process at one moment: a line of /proc/PID/maps with the sums of smaps.
public struct AreaSnapshot: Hashable, Sendable {
  /// The first byte's address.
  public var start: UInt64
  /// Number of pages.
  public var pages: UInt64
  /// What is allowed.
  public var permissions: MemoryPermissions
  /// Mapped with MAP_SHARED.
  public var isShared: Bool = false
  /// Bytes of the file before the first one shown.
  public var offset: UInt64 = 0
  /// st_dev of the file; 0 is none.
  public var device: UInt64 = 0
  /// st_ino of the file.
  public var inode: UInt64 = 0
  /// As in maps: a path, `[heap]`, `[stack]`, or nothing.
  public var name = ""
  /// Pages present.
  public var residentPages: UInt64 = 0
  /// Of these, pages that exist nowhere else: anonymous ones, and written ones of files.
  public var dirtyPages: UInt64 = 0

  /// Makes an area of which nothing is present.
  public init(start: UInt64, pages: UInt64, permissions: MemoryPermissions) {
    self.start = start
    self.pages = pages
    self.permissions = permissions
  }
}

/// The machine's memory at one moment, in pages.
public struct MemorySnapshot: Hashable, Sendable {
  /// All frames.
  public var total: UInt64
  /// Frames nobody uses.
  public var free: UInt64
  /// The page cache.
  public var cached: UInt64

  /// Joins the counts.
  public init(total: UInt64, free: UInt64, cached: UInt64) {
    self.total = total
    self.free = free
    self.cached = cached
  }
}

// None of these changes anything a program or a counter could show.
extension Kernel {
  /// Processes that run or wait, and zombies, in the order of their numbers.
  public var visibleProcesses: [Process] {
    processTable.values.sorted { $0.pid < $1.pid }
  }

  /// A process as it stands now.
  ///
  /// - Parameters:
  ///   - clock: the machine's clock.
  ///   - isRunning: the program has the core; otherwise the kernel handles a trap.
  public func snapshot(
    of process: Process, clock: Cycles, isRunning: Bool
  ) -> ProcessSnapshot {
    var result = ProcessSnapshot(
      pid: process.pid, parent: process.parent, name: process.name, state: state(process))
    if let space = process.space {
      var bytes = space.commandLine()
      if bytes.last == 0 { bytes.removeLast() }
      result.commandLine = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      result.virtualPages = space.totalPages
      result.residentPages = space.residentAnonymous + space.residentFile
      result.sharedPages = space.residentFile
    }
    result.cycles = process.userCycles &+ process.systemCycles
    if process === current {
      // The part that is charged when the program, or the kernel, is done.
      result.cycles &+= isRunning ? clock &- resumedAt : now &- accountedFrom
    }
    result.age = clock &- process.startedAt
    result.minorFaults = process.minorFaults
    result.majorFaults = process.majorFaults
    return result
  }

  /// The areas of a process, by address; none once it has ended.
  public func areas(of process: Process) -> [AreaSnapshot] {
    process.space?.areaSnapshots ?? []
  }

  /// /proc/PID/maps.
  public func maps(of process: Process) -> String { process.space?.mapsText() ?? "" }

  /// /proc/PID/smaps.
  public func smaps(of process: Process) -> String { process.space?.smapsText() ?? "" }

  /// The frames of the machine.
  public var memorySnapshot: MemorySnapshot {
    MemorySnapshot(
      total: system.memory.frameCount, free: system.frames.available, cached: system.cachedFrames)
  }
}

extension AddressSpace {
  fileprivate var areaSnapshots: [AreaSnapshot] {
    var result: [AreaSnapshot] = []
    areas.forEach { area in
      var row = AreaSnapshot(start: area.lower, pages: area.pages, permissions: area.permissions)
      let account = pageAccount(area)
      let inode = area.source == 0 ? nil : system.sources[Int(area.source)]?.inode
      row.isShared = area.isShared
      row.offset = inode == nil ? 0 : area.pageOffset * 4096
      row.device = inode?.volume.device ?? 0
      row.inode = inode?.number ?? 0
      row.name = mapsName(area)
      row.residentPages = account.resident
      row.dirtyPages = account.sharedDirty + account.privateDirty
      result.append(row)
    }
    return result
  }
}
