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
    let number: Int32
    if flags.contains(.thread) {
      child = process
      number = newNumber()
    } else {
      let memory: AddressSpace
      if flags.contains(.memory) {
        memory = space
        memory.users += 1
      } else {
        if !space.canPromiseCopy() { throw .noMemory }
        memory = try system.reclaiming { () throws(Errno) in try space.fork() }
      }
      // Not before the memory is there: a fork that fails uses none up.
      number = newNumber()
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
    if trace != nil { traceEnd(thread, code) }
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
    if trace != nil { traceReplacement(process, by: survivor) }
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
    process.isEnding = true
    // The OOM killer has shown it before it took its memory.
    if process.space?.isSurrendered == false { onExit?(process) }
    if trace != nil { traceEnd(process, status) }
    for thread in process.threads { release(thread) }
    if process === processes.first {
      // What a large allocation would find.
      system.frames.drainCoreList()
      freeMemoryAtEnd = system.frames.freeMemory
    }
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
    noteWorkingSet(of: process)
    space.users -= 1
    if space.users == 0 {
      dropFutexes(of: space)
      space.destroy()
      process.sharedPages = space.sharedWhenUnmapped
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
  func childInformation(
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
  func reap(_ process: Process) {
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
}
