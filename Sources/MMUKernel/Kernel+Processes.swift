import MMUMemory
import MMUPaging
import MMUTiming

// Processes come by clone, go by exit or a signal, and are waited for.

/// clone's flags by their Linux numbers.
struct CloneFlags: OptionSet {
  let rawValue: UInt64
  static var memory: Self { Self(rawValue: 0x100) }
  static var fileSystem: Self { Self(rawValue: 0x200) }
  static var files: Self { Self(rawValue: 0x400) }
  static var signalHandlers: Self { Self(rawValue: 0x800) }
  static var vfork: Self { Self(rawValue: 0x4000) }
  static var parent: Self { Self(rawValue: 0x8000) }
  static var thread: Self { Self(rawValue: 0x1_0000) }
  static var semaphoreUndo: Self { Self(rawValue: 0x4_0000) }
  static var setTLS: Self { Self(rawValue: 0x8_0000) }
  static var parentSetTID: Self { Self(rawValue: 0x10_0000) }
  static var childClearTID: Self { Self(rawValue: 0x20_0000) }
  static var detached: Self { Self(rawValue: 0x40_0000) }
  static var untraced: Self { Self(rawValue: 0x80_0000) }
  static var childSetTID: Self { Self(rawValue: 0x100_0000) }
  /// Those that are carried out, or mean nothing here.
  static var known: Self {
    [
      .memory, .fileSystem, .files, .signalHandlers, .vfork, .parent, .thread, .semaphoreUndo,
      .setTLS, .parentSetTID, .childClearTID, .detached, .untraced, .childSetTID,
    ]
  }
}

extension Kernel {
  /// A number no process or thread has.
  private func newNumber() -> Int32 {
    repeat {
      lastNumber = lastNumber >= 4_194_303 ? 300 : lastNumber + 1
    } while processTable[lastNumber] != nil || threadTable[lastNumber] != nil
    return lastNumber
  }

  /// clone: a thread, or a process with its own or the same memory.
  func clone(
    _ process: Process, _ thread: Thread, _ frame: TrapFrame
  ) throws(Errno) -> UInt64 {
    let x = frame.registers
    let (rawFlags, stack, parentTID, tls, childTID) = (x[10], x[11], x[12], x[13], x[14])
    let flags = CloneFlags(rawValue: rawFlags & 0xffff_ff00)
    let exitSignal = Int32(rawFlags & 0xff)
    if flags.contains(.thread) && !flags.contains(.signalHandlers) { throw .invalid }
    if flags.contains(.signalHandlers) && !flags.contains(.memory) { throw .invalid }
    if exitSignal > 64 { throw .invalid }
    let rest = flags.subtracting(.known)
    if !rest.isEmpty { throw unsupported("clone with flags \(hex(rest.rawValue))", .invalid) }
    if flags.contains(.signalHandlers) && !flags.contains(.thread) {
      throw unsupported("clone with CLONE_SIGHAND but not CLONE_THREAD", .invalid)
    }
    if flags.contains(.thread) && !flags.isSuperset(of: [.fileSystem, .files]) {
      throw unsupported("clone with CLONE_THREAD but not CLONE_FS and CLONE_FILES", .invalid)
    }
    let count = threadTable.count + zombies
    if count >= configuration.maximumThreads {
      say(.limit, "there are \(count) processes and threads: fork fails with EAGAIN")
      throw .tryAgain
    }
    guard let space = process.space else { throw .noProcess }
    let child: Process
    let number = newNumber()
    if flags.contains(.thread) {
      child = process
    } else {
      let memory: AddressSpace
      if flags.contains(.memory) {
        memory = space
        memory.users += 1
      } else {
        memory = try system.reclaiming { () throws(Errno) in try space.fork() }
      }
      child = Process(
        copying: process, pid: number, space: memory,
        files: process.files.copy(
          sharingDescriptors: flags.contains(.files),
          sharingDirectory: flags.contains(.fileSystem)))
      if !flags.isDisjoint(with: [.memory, .files]) { processesShare = true }
      // A sibling ends as the caller does.
      let isSibling = flags.contains(.parent)
      child.parentProcess = isSibling ? process.parentProcess : process
      child.exitSignal = isSibling ? process.exitSignal : Signal(rawValue: exitSignal)
      child.startedAt = now
    }
    let new = Thread(tid: number, process: child)
    new.registers.update(from: x, count: 32)
    new.registers[10] = 0
    if stack != 0 { new.registers[2] = stack }
    if flags.contains(.setTLS) { new.registers[4] = tls }
    new.programCounter = frame.programCounter &+ 4
    new.mask = thread.mask
    if !flags.contains(.memory) || flags.contains(.vfork) {
      new.alternateStack = thread.alternateStack
    }
    if flags.contains(.childClearTID) { new.clearChildThreadID = childTID }
    if flags.contains(.childSetTID) { new.setChildThreadID = childTID }
    child.threads.append(new)
    if flags.contains(.thread) {
      threadTable[number] = new
    } else {
      child.parentProcess?.children.append(child)
      add(child)
    }
    if flags.contains(.parentSetTID) {
      // Like Linux, a bad address is ignored.
      var value = number.littleEndian
      _ = copyOut(&value, 4, to: parentTID)
    }
    makeReady(new)
    if flags.contains(.vfork) {
      child.vforkWaiter = thread
      block(on: nil, .vfork(number), interruptible: false)
    }
    return UInt64(number)
  }

  // MARK: The end

  /// exit: ends the thread, and the process if it was the last.
  func exitThread(_ thread: Thread, _ code: UInt64) {
    let process = thread.process
    let code = UInt8(truncatingIfNeeded: code)
    if process.threads.count == 1 {
      terminate(process, .exited(process.leaderCode ?? code))
      return
    }
    if thread.tid == process.pid { process.leaderCode = code }
    release(thread)
    process.threads.removeAll { $0 === thread }
    remove(thread)
  }

  /// CLONE_CHILD_CLEARTID when the current thread leaves its memory: others may wait for that.
  func release(_ thread: Thread) {
    let address = thread.clearChildThreadID
    guard address != 0, thread === currentThread, let space = thread.process.space,
      space.users > 1 || thread.process.threads.count > 1
    else { return }
    thread.clearChildThreadID = 0
    var zero: Int32 = 0
    if copyOut(&zero, 4, to: address) == 4 { wakeFutex(address) }
  }

  /// A thread is no more.
  private func remove(_ thread: Thread) {
    detach(thread)
    thread.state = .dead
    queuedSignals -= thread.pending.count
    thread.pending = PendingSignals()
    threadTable[thread.tid] = nil
    if thread === currentThread {
      chargeCurrent()
      currentThread = nil
    }
    needsAttention = true
  }

  /// Ends the other threads of a process: exec.
  func endOtherThreads(_ process: Process, but survivor: Thread) {
    for thread in process.threads where thread !== survivor { remove(thread) }
    process.threads = [survivor]
    process.leaderCode = nil
    // Whoever it was is the first thread now, with its number.
    threadTable[survivor.tid] = nil
    survivor.tid = process.pid
    threadTable[survivor.tid] = survivor
  }

  /// Ends a process: memory and descriptors go back, children go to the next subreaper, the parent
  /// hears of it.
  func terminate(_ process: Process, _ status: TerminationStatus) {
    guard process.space != nil else { return }
    onExit?(process)
    if trace != nil { traceEnd(process, status) }
    for thread in process.threads { release(thread) }
    process.files.release()
    process.run(nil)
    leaveMemory(process)
    process.space = nil
    for thread in process.threads { remove(thread) }
    process.threads = []
    process.state = .ended(status)
    zombies += 1
    if current === process {
      chargeCurrent()
      current = nil
    }
    undelivered = process === processes.first ? [] : undelivered
    if process === processes.first {
      isRunOver = true
      reap(process)
      return
    }
    adopt(process)
    notifyParent(process, status)
  }

  /// Gives up a process's memory, which goes if nobody else uses it; a vfork parent goes on.
  func leaveMemory(_ process: Process) {
    guard let space = process.space else { return }
    process.finalPeakResident = max(process.finalPeakResident, space.peakResident)
    space.users -= 1
    if space.users == 0 {
      dropFutexes(of: space)
      space.destroy()
    }
    if let parent = process.vforkWaiter {
      process.vforkWaiter = nil
      wake(parent)
    }
  }

  /// Hands the children of a process that ended to the next subreaper above it, or to init.
  private func adopt(_ process: Process) {
    var heir = process.parentProcess
    while let candidate = heir, !(candidate.isSubreaper && candidate.space != nil) {
      heir = candidate.parentProcess
    }
    for child in process.children {
      child.parentProcess = heir
      // init waits for everybody, whatever signal clone asked for.
      child.exitSignal = .child
      if let heir { heir.children.append(child) }
      if let signal = child.parentDeathSignal {
        var information = SignalInformation(signal, .user)
        information.sender = process.pid
        send(information, to: child)
      }
      if let status = child.exitStatus {
        if heir == nil { reap(child) } else { notifyParent(child, status) }
      }
    }
    process.children = []
  }

  private func notifyParent(_ process: Process, _ status: TerminationStatus) {
    guard let parent = process.parentProcess else {
      reap(process)
      return
    }
    let action = parent.actions[Int(Signal.child.rawValue)]
    let isForgotten =
      process.exitSignal == .child
      && (action.handler == 1 || action.flags & SignalAction.noChildWait != 0)
    if let signal = process.exitSignal {
      send(childInformation(process, status, signal), to: parent)
    }
    if isForgotten {
      parent.children.removeAll { $0 === process }
      reap(process)
    }
    wakeAll(parent.childQueue)
  }

  /// SIGCHLD's siginfo.
  private func childInformation(
    _ process: Process, _ status: TerminationStatus, _ signal: Signal
  ) -> SignalInformation {
    var information: SignalInformation
    switch status {
    case .exited(let code):
      information = SignalInformation(signal, .exited)
      information.status = Int32(code)
    case .killed(let by):
      information = SignalInformation(signal, .killed)
      information.status = by.rawValue
    }
    information.sender = process.pid
    return information
  }

  /// Forgets a zombie; its account stays.
  private func reap(_ process: Process) {
    if processTable.removeValue(forKey: process.pid) != nil { zombies -= 1 }
    queuedSignals -= process.pending.count
    process.pending = PendingSignals()
  }

  /// Ends whatever still runs, at the end of a run; names what that were, but for the first process
  /// whose end ends the run.
  public func shutDown() {
    isRunOver = true
    let rest = processes.filter { $0.space != nil }
    let others = rest.filter { $0 !== processes.first }
    for process in rest.reversed() {
      process.children = []
      process.parentProcess = nil
      terminate(process, .killed(.kill))
    }
    for process in processes { process.children = [] }
    processTable = [:]
    segments.removeAll()
    flushHostFiles()
    if !others.isEmpty {
      let names = others.prefix(10).map { "\($0.pid) (\($0.name))" }.joined(separator: ", ")
      let more = others.count > 10 ? " and \(others.count - 10) more" : ""
      let what = others.count == 1 ? "1 process was" : "\(others.count) processes were"
      say(.limit, "\(what) still alive at the end and killed: pid \(names)\(more)")
    }
  }

  // MARK: Waiting

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

  // MARK: Groups

  /// setpgid, as far as kill and wait need it.
  func setProcessGroup(_ process: Process, _ target: UInt64, _ group: UInt64) throws(Errno)
    -> UInt64
  {
    let pid = Int32(truncatingIfNeeded: target)
    let group = Int32(truncatingIfNeeded: group)
    if group < 0 { throw .invalid }
    var subject = process
    if pid != 0 && pid != process.pid {
      guard let child = process.children.first(where: { $0.pid == pid }) else { throw .noProcess }
      subject = child
    }
    if subject.session != process.session || subject.session == subject.pid {
      throw .notPermitted
    }
    let new = group == 0 ? subject.pid : group
    if new != subject.pid
      && !processes.contains(where: {
        processTable[$0.pid] === $0 && $0.processGroup == new && $0.session == process.session
      })
    {
      throw .notPermitted
    }
    subject.processGroup = new
    return 0
  }

  /// The process a number stands for; 0 is the caller.
  func named(_ number: UInt64, _ process: Process) throws(Errno) -> Process {
    let pid = Int32(truncatingIfNeeded: number)
    if pid == 0 { return process }
    guard let found = processTable[pid] ?? threadTable[pid]?.process else { throw .noProcess }
    return found
  }

  /// setsid.
  func setSession(_ process: Process) throws(Errno) -> UInt64 {
    if processes.contains(where: {
      processTable[$0.pid] === $0 && $0.processGroup == process.pid
    }) {
      throw .notPermitted
    }
    process.session = process.pid
    process.processGroup = process.pid
    return UInt64(process.pid)
  }

  // MARK: Sleeping

  /// A duration in cycles, rounded up: never too early.
  func cycles(seconds: UInt64, nanoseconds: UInt64) -> Cycles {
    let rate = configuration.cyclesPerSecond
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: rate)
    let (part, rest) = UInt64(1_000_000_000).dividingFullWidth(
      rate.multipliedFullWidth(by: nanoseconds))
    return overflow ? UInt64.max / 2 : min(whole, .max / 2) + part + (rest > 0 ? 1 : 0)
  }

  /// When a call's wait ends at the latest, by a struct timespec; a call executed again keeps to its
  /// first answer.
  ///
  /// - Parameter address: 0 is a wait without an end.
  /// - Throws: EFAULT, or EINVAL for what is no time.
  func waitEnd(
    _ thread: Thread, _ address: UInt64, isAbsolute: Bool = false, isRealTime: Bool = false
  ) throws(Errno) -> Cycles {
    if address == 0 { return .max }
    if let end = thread.progress.end { return end }
    guard copyIn(address, 16, to: buffer) == 16 else { throw .badAddress }
    let words = buffer.assumingMemoryBound(to: UInt64.self)
    guard Int64(bitPattern: words[0]) >= 0, words[1] < 1_000_000_000 else { throw .invalid }
    var seconds = words[0]
    if isAbsolute && isRealTime { seconds = seconds > Self.epoch ? seconds - Self.epoch : 0 }
    let cycles = cycles(seconds: seconds, nanoseconds: words[1])
    let end = isAbsolute ? cycles : now &+ cycles
    thread.progress.end = end
    return end
  }

  /// nanosleep and clock_nanosleep.
  func nanosleep(
    _ thread: Thread, clock: UInt64, flags: UInt64, _ request: UInt64, _ remainder: UInt64
  ) throws(Errno) -> UInt64 {
    let clock = Int32(truncatingIfNeeded: clock)
    switch clock {
    case 0, 1, 7, 11: break
    case 2: throw unsupported("clock_nanosleep on CPU time", .notSupported)
    // A thread's CPU time, the raw and the coarse ones, and alarms, for which there is no device.
    case 3...6, 8, 9: throw .notSupported
    default: throw .invalid
    }
    let isAbsolute = flags & 1 != 0
    if request == 0 { throw .badAddress }
    let end = try waitEnd(
      thread, request, isAbsolute: isAbsolute, isRealTime: clock == 0 || clock == 11)
    if end <= now { return 0 }
    thread.progress.remainderAddress = isAbsolute ? 0 : remainder
    throw sleep(on: nil, until: end, .sleep, otherwise: .restartNoHandler)
  }
}
