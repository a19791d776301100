import MMUMemory
import MMUTiming

/// Resource limits, by Linux's numbers: soft and hard.
struct ResourceLimits {
  static let fileSize = 1
  static let stack = 3
  static let data = 2
  static let openFiles = 7
  static let addressSpace = 9
  static let pendingSignals = 11

  private(set) var values: [(current: UInt64, maximum: UInt64)]

  /// Those a shell would hand down.
  init(stack: UInt64) {
    values = [(current: UInt64, maximum: UInt64)](repeating: (.max, .max), count: 16)
    values[3].current = stack
    values[4].current = 0
    values[6] = (4096, 4096)
    values[7] = (1024, 1_048_576)
    values[8] = (8 << 20, 8 << 20)
    values[11] = (4096, 4096)
    values[12] = (819_200, 819_200)
    values[13] = (0, 0)
    values[14] = (0, 0)
  }

  subscript(_ resource: Int) -> (current: UInt64, maximum: UInt64) {
    get { values[resource] }
    set { values[resource] = newValue }
  }
}

extension Kernel {
  /// prlimit64, getrlimit and setrlimit.
  ///
  /// Carried out are STACK, DATA, AS, FSIZE, NOFILE and SIGPENDING; MEMLOCK does not bind a privileged user.
  func limits(
    _ process: Process, of target: UInt64, _ resource: UInt64, new: UInt64, old: UInt64
  ) throws(Errno) -> UInt64 {
    let subject = try named(target, process)
    let resource = Int(UInt32(truncatingIfNeeded: resource))
    if resource >= 16 { throw .invalid }
    var wanted: (current: UInt64, maximum: UInt64)?
    if new != 0 {
      guard copyIn(new, 16, to: buffer) == 16 else { throw .badAddress }
      let words = buffer.assumingMemoryBound(to: UInt64.self)
      if words[0] > words[1] { throw .invalid }
      if resource == ResourceLimits.openFiles && words[1] > 1_048_576 { throw .notPermitted }
      wanted = (words[0], words[1])
    }
    let before = subject.limits[resource]
    if let wanted {
      subject.limits[resource] = wanted
      if subject === current || !processesShare { applyLimits(subject) }
    }
    if old != 0 { try copyOut(words: [before.current, before.maximum], to: old) }
    return 0
  }

  /// Brings what obeys the limits up to them: what several processes share obeys the one that runs.
  func applyLimits(_ process: Process) {
    process.files.descriptors.limit = Int(
      clamping: process.limits[ResourceLimits.openFiles].current)
    guard let space = process.space else { return }
    space.stackLimit = process.limits[ResourceLimits.stack].current
    space.addressLimit = process.limits[ResourceLimits.addressSpace].current
    space.dataLimit = process.limits[ResourceLimits.data].current
  }

  // MARK: Locking

  /// mlock and mlock2.
  func lock(
    _ process: Process, _ address: UInt64, _ length: UInt64, onFault: Bool
  ) throws(Errno) -> UInt64 {
    guard let space = process.space else { throw .noMemory }
    guard let (lower, upper) = try lockRange(address, length) else { return 0 }
    try space.changeFlags(
      lower, upper, set: onFault ? [.locked, .lockedOnFault] : .locked,
      clear: onFault ? [] : .lockedOnFault, stopsAtHole: true)
    if onFault { return 0 }
    var at = lower
    while at < upper {
      guard let area = space.areas.area(space.areas.firstEnding(after: at)) else { break }
      let end = min(upper, area.upper)
      let writing = area.permissions.contains(.write) && !area.isShared
      let failure = space.populate(max(at, area.lower), end, writing: writing) {
        process.countResolved($0)
      }
      // Linux's __mlock_posix_error_return.
      if let failure { throw failure == .outOfMemory ? .tryAgain : .noMemory }
      at = end
    }
    return 0
  }

  /// munlock.
  func unlock(_ process: Process, _ address: UInt64, _ length: UInt64) throws(Errno) -> UInt64 {
    guard let range = try lockRange(address, length) else { return 0 }
    try process.space?.changeFlags(
      range.0, range.1, clear: [.locked, .lockedOnFault], stopsAtHole: true)
    return 0
  }

  /// Whole pages around a range; nil if it is empty.
  private func lockRange(
    _ address: UInt64, _ length: UInt64
  ) throws(Errno) -> (UInt64, UInt64)? {
    let lower = address & ~4095
    let bytes = (length &+ (address & 4095) &+ 4095) & ~4095
    let (upper, overflow) = lower.addingReportingOverflow(bytes)
    if overflow { throw .invalid }
    return upper == lower ? nil : (lower, upper)
  }

  /// mlockall and munlockall.
  func lockAll(_ process: Process, _ flags: UInt64?) throws(Errno) -> UInt64 {
    guard let space = process.space else { throw .noMemory }
    if let flags {
      // MCL_CURRENT 1, MCL_FUTURE 2, MCL_ONFAULT 4.
      if flags == 0 || flags & ~7 != 0 || flags == 4 { throw .invalid }
      let lock: VirtualMemoryArea.Flags = flags & 4 != 0 ? [.locked, .lockedOnFault] : .locked
      space.futureLock = flags & 2 != 0 ? lock : []
      if flags & 1 == 0 { return 0 }
    } else {
      space.futureLock = []
    }
    for area in space.allAreas {
      if let flags {
        let isOnFault = flags & 4 != 0
        try space.changeFlags(
          area.lower, area.upper, set: isOnFault ? [.locked, .lockedOnFault] : .locked,
          clear: isOnFault ? [] : .lockedOnFault, stopsAtHole: true)
        if !isOnFault, area.permissions.rawValue != 0 {
          let writing = area.permissions.contains(.write) && !area.isShared
          _ = space.populate(area.lower, area.upper, writing: writing) { process.countResolved($0) }
        }
      } else {
        try space.changeFlags(
          area.lower, area.upper, clear: [.locked, .lockedOnFault], stopsAtHole: true)
      }
    }
    return 0
  }
}
