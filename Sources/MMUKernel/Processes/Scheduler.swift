import MMUMemory
import MMUPaging
public import MMUTiming

// Who runs: one queue, round robin. A thread runs until it waits, ends, or others can run and its
// quantum is over. Waking a thread never takes the core from the running one.

extension Kernel {
  /// The cycle at which the running program must be interrupted: its quantum is over and others can
  /// run, or something waits for that moment.
  @inline(__always)
  public var deadline: Cycles { nextDeadline }

  /// Brings `nextDeadline` up to date.
  func refreshDeadline() {
    let timer = min(sleepers.last?.wakeTime ?? .max, flusherTime, collapser.time)
    nextDeadline = ready.isEmpty ? timer : min(timer, quantumEnd)
  }

  /// Lets a thread run when its turn comes.
  func makeReady(_ thread: Thread) {
    thread.state = .ready
    if ready.isEmpty && quantumEnd <= now { quantumEnd = now &+ configuration.quantum }
    ready.append(thread)
    refreshDeadline()
  }

  /// Makes the current thread wait: in a queue, until a moment, or both.
  func block(
    on queue: WaitQueue?, until: Cycles = .max, _ reason: BlockReason, interruptible: Bool = true
  ) {
    guard let thread = currentThread else { preconditionFailure("nobody is there to wait") }
    thread.state = .blocked
    thread.reason = reason
    thread.isInterruptible = interruptible
    queue?.append(thread)
    if until != .max { addSleeper(thread, until) }
    needsAttention = true
  }

  /// Makes the current thread wait and its system call be executed again afterwards; or, if a signal
  /// is pending, be interrupted.
  ///
  /// - Returns: the error to throw.
  func sleep(
    on queue: WaitQueue?, until: Cycles = .max, _ reason: BlockReason,
    otherwise error: Errno = .restartSystem
  ) -> Errno {
    if let thread = currentThread, !thread.hasSignal {
      block(on: queue, until: until, reason)
      thread.repeatsCall = true
    }
    return error
  }

  private func addSleeper(_ thread: Thread, _ time: Cycles) {
    thread.wakeTime = time
    // Latest first, so that the next one is the last; equal ones in the order they came.
    var low = 0
    var high = sleepers.count
    while low < high {
      let middle = (low + high) / 2
      if sleepers[middle].wakeTime >= time { low = middle + 1 } else { high = middle }
    }
    while low > 0 && sleepers[low - 1].wakeTime == time { low -= 1 }
    sleepers.insert(thread, at: low)
    refreshDeadline()
  }

  /// Takes a thread out of whatever it waits in.
  func detach(_ thread: Thread) {
    if thread.isStalled {
      thread.isStalled = false
      system.stall.end(now)
    }
    thread.queue?.remove(thread)
    if thread.wakeTime != .max {
      thread.wakeTime = .max
      sleepers.removeAll { $0 === thread }
    }
    refreshDeadline()
  }

  /// Ends a thread's wait.
  func wake(_ thread: Thread) {
    guard thread.state == .blocked else { return }
    detach(thread)
    makeReady(thread)
  }

  /// Ends the wait of all threads in a queue.
  func wakeAll(_ queue: WaitQueue) {
    while let thread = queue.first { wake(thread) }
  }

  /// Wakes those whose time has come.
  private func expireSleepers() {
    while let thread = sleepers.last, thread.wakeTime <= now { wake(thread) }
  }

  /// After a trap: signals, the end of a wait or a quantum, the next thread.
  ///
  /// - Parameters:
  ///   - result: what the trap itself came to.
  ///   - frame: the registers of the thread that trapped, then of the one that goes on.
  @inline(never)
  func settle(_ result: TrapResult, _ frame: inout TrapFrame) -> TrapResult {
    var result = result
    needsAttention = false
    if isReclaimDaemonWoken { runReclaimDaemon() }
    if flusherTime <= now { flush() }
    if collapser.time <= now { lookForHugePages() }
    if system.writeback.dirtyPages > system.writeback.background { throttle() }
    if !sleepers.isEmpty {
      expireSleepers()
      // Work done since it began to wait may have taken longer than the wait.
      if let thread = currentThread, thread.state == .ready, thread.queue != nil {
        ready.remove(thread)
      }
    }
    if let thread = currentThread, thread.state == .ready, thread.needsDelivery {
      let completed = deliverSignals(thread, &frame)
      if completed { result = .systemCallCompleted }
      // What the frame on its stack asked of the disk.
      if system.diskWait != 0 { waitForDisk() }
    }
    if isRunOver { return finished(result) }
    if let thread = currentThread {
      if thread.state == .ready {
        if !mustYield && (ready.isEmpty || now < quantumEnd) {
          refreshDeadline()
          return result
        }
        save(thread, frame)
        ready.append(thread)
      } else {
        save(thread, frame)
      }
    }
    mustYield = false
    while !isRunOver {
      if flusherTime <= now { flush() }
      if collapser.time <= now { lookForHugePages() }
      if !sleepers.isEmpty { expireSleepers() }
      guard let next = ready.first else {
        if let sleeper = sleepers.last {
          // Everybody waits: the clock advances to the next event.
          let idle = sleeper.wakeTime &- now
          chargeCurrent()
          system.charge(idle)
          system.stall.addIdle(idle, until: now)
          idleCycles &+= idle
          accountedFrom = now
          continue
        }
        deadlock = describeDeadlock()
        return finished(result)
      }
      ready.remove(next)
      switchTo(next, &frame)
      let repeats = next.repeatsCall && !next.isKilled
      next.repeatsCall = false
      // A call that waited is executed again first: it may be complete, or else says what a handler
      // makes of it.
      if next.needsDelivery {
        if repeats { needsAttention = true } else { _ = deliverSignals(next, &frame) }
      }
      if system.diskWait != 0 {
        waitForDisk()
        if next.state == .blocked {
          next.repeatsCall = repeats
          save(next, frame)
        }
      }
      if next.state == .ready {
        refreshDeadline()
        if case .ended(let retires) = result {
          return retires ? .systemCallCompleted : .resume
        }
        return result
      }
    }
    return finished(result)
  }

  private func finished(_ result: TrapResult) -> TrapResult {
    switch result {
    case .systemCallCompleted: .ended(retiresSystemCall: true)
    case .ended: result
    default: .ended(retiresSystemCall: false)
    }
  }

  private func save(_ thread: Thread, _ frame: TrapFrame) {
    thread.registers.update(from: frame.registers, count: 32)
    thread.programCounter = frame.programCounter
  }

  /// Gives the time since the trap or the last switch to the process that had it.
  func chargeCurrent() {
    let time = now
    if let current { current.systemCycles &+= time &- accountedFrom }
    accountedFrom = time
  }

  /// Gives the core to a thread.
  private func switchTo(_ thread: Thread, _ frame: inout TrapFrame) {
    guard let mmu, let space = thread.process.space else {
      preconditionFailure("a thread without memory is to run")
    }
    if currentThread !== thread {
      system.charge(system.costs.contextSwitch)
      contextSwitches &+= 1
    }
    chargeCurrent()
    if mmu.controlRegister3 & ~0xfff != space.root.rawValue { space.activate(on: mmu) }
    frame.registers.update(from: thread.registers, count: 32)
    frame.programCounter = thread.programCounter
    trapFrame = frame
    if processesShare && current !== thread.process { applyLimits(thread.process) }
    current = thread.process
    currentThread = thread
    loopCount = 0
    quantumEnd = now &+ configuration.quantum
    if thread.setChildThreadID != 0 {
      // A bad address is ignored, as in Linux's schedule_tail.
      var number = thread.tid.littleEndian
      _ = copyOut(&number, 4, to: thread.setChildThreadID)
      thread.setChildThreadID = 0
    }
  }

  /// Who waits for what.
  private func describeDeadlock() -> String {
    var lines = ["deadlock: every process waits, and nothing will happen any more"]
    for process in processes where process.space != nil {
      for thread in process.threads where thread.state == .blocked {
        let name =
          thread.tid == process.pid ? "" : ", thread \(thread.tid)"
        lines.append("  pid \(process.pid) (\(process.name))\(name) \(thread.reason.description)")
      }
    }
    return lines.joined(separator: "\n")
  }
}
