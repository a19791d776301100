// A parent waits for its children, and gets their exit status and account.

extension Kernel {
  /// The children a wait is for: by number, by group, or all.
  private func isMeant(_ child: Process, _ target: Int32, _ process: Process) -> Bool {
    if target > 0 { return child.pid == target }
    if target == -1 { return true }
    return child.processGroup == (target == 0 ? process.processGroup : -target)
  }

  /// wait4.
  func wait(
    _ process: Process, _ target: UInt64, _ status: UInt64, _ options: UInt64, _ usage: UInt64
  ) throws(Errno) -> UInt64 {
    let options = UInt32(truncatingIfNeeded: options)
    // WNOHANG, WUNTRACED, WCONTINUED, __WNOTHREAD, __WALL, __WCLONE.
    if options & ~(1 | 2 | 8 | 0xe000_0000) != 0 { throw .invalid }
    let target = Int32(truncatingIfNeeded: target)
    if target == .min { throw .noProcess }
    guard let child = try endedChild(process, target, options) else { return 0 }
    collect(child, of: process)
    if status != 0, case .ended(let how) = child.state {
      var value = how.waitStatus.littleEndian
      guard copyOut(&value, 4, to: status) == 4 else { throw .badAddress }
    }
    if usage != 0 { try copyOut(words: usageWords(of: child), to: usage) }
    return UInt64(child.pid)
  }

  /// The first child meant that has ended; nil with WNOHANG if there is none yet.
  private func endedChild(
    _ process: Process, _ target: Int32, _ options: UInt32
  ) throws(Errno) -> Process? {
    var isAny = false
    for child in process.children where isMeant(child, target, process) {
      // Without SIGCHLD it is a "clone child": only __WALL and __WCLONE see those.
      let isClone = child.exitSignal != .child
      if options & 0x4000_0000 == 0 && isClone != (options & 0x8000_0000 != 0) { continue }
      isAny = true
      if child.space == nil { return child }
    }
    if !isAny { throw .noChild }
    if options & 1 != 0 { return nil }
    throw sleep(on: process.childQueue, .child)
  }

  private func collect(_ child: Process, of process: Process) {
    process.children.removeAll { $0 === child }
    process.childUsage.add(child)
    reap(child)
  }

  private func usageWords(of child: Process) -> [UInt64] {
    var all = ChildUsage()
    all.add(child)
    return usageWords(all)
  }

  /// struct rusage.
  func usageWords(_ usage: ChildUsage) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: 18)
    let user = time(usage.userCycles)
    let system = time(usage.systemCycles)
    words[0] = user.seconds
    words[1] = user.nanoseconds / 1000
    words[2] = system.seconds
    words[3] = system.nanoseconds / 1000
    words[4] = usage.maxResidentPages * 4
    words[8] = usage.minorFaults
    words[9] = usage.majorFaults
    return words
  }

  /// waitid.
  func waitID(
    _ process: Process, _ kind: UInt64, _ target: UInt64, _ address: UInt64, _ options: UInt64,
    _ usage: UInt64
  ) throws(Errno) -> UInt64 {
    let options = UInt32(truncatingIfNeeded: options)
    // WNOHANG, WSTOPPED, WEXITED, WCONTINUED, WNOWAIT and those of wait4.
    if options & ~(1 | 2 | 4 | 8 | 0x0100_0000 | 0xe000_0000) != 0 { throw .invalid }
    if options & 14 == 0 { throw .invalid }
    let number = Int32(truncatingIfNeeded: target)
    let wanted: Int32
    switch Int32(truncatingIfNeeded: kind) {
    case 0: wanted = -1
    case 1:
      if number <= 0 { throw .invalid }
      wanted = number
    case 2:
      if number < 0 { throw .invalid }
      wanted = number == 0 ? 0 : -number
    case 3: throw unsupported("waitid with P_PIDFD", .invalid)
    default: throw .invalid
    }
    if options & 4 == 0 { throw unsupported("waitid without WEXITED", .invalid) }
    let child: Process?
    do {
      child = try endedChild(process, wanted, options)
    } catch {
      // Without a child the siginfo is zero, which takes somewhere to write.
      if error == .noChild && address != 0 {
        try copyOut(words: [UInt64](repeating: 0, count: 16), to: address)
      }
      throw error
    }
    if let child, options & 0x0100_0000 == 0 { collect(child, of: process) }
    if let child, usage != 0 { try copyOut(words: usageWords(of: child), to: usage) }
    if address == 0 { return 0 }
    buffer.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
    if let child, let status = child.exitStatus { fill(childInformation(child, status, .child)) }
    guard copyOut(buffer, 128, to: address) == 128 else { throw .badAddress }
    return 0
  }
}
