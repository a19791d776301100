import MMUMemory
import MMUPaging
import MMUTiming

// Signals: sending, delivery before the program goes on, and the calls on them.
// Numbers and order are those of riscv64 Linux (kernel/signal.c).

extension Kernel {
  /// Sends a signal to a process, or to one thread of it.
  ///
  /// - Returns: false if a real-time signal is refused because of RLIMIT_SIGPENDING.
  @discardableResult
  func send(
    _ information: SignalInformation, to process: Process, thread: Thread? = nil
  ) -> Bool {
    guard process.space != nil else { return true }
    let signal = information.signal
    let action = process.actions[Int(signal.rawValue)]
    let target =
      thread ?? process.threads.first { !$0.mask.contains(signal) } ?? process.threads.first
    guard let target else { return true }
    let isFatal = SignalSet.unstoppable.contains(signal)
    if !isFatal && action.ignores(signal) && !target.mask.contains(signal) {
      if trace != nil { tracing.ignored[target.tid, default: []].append(information) }
      return true
    }
    let limit = process.limits[ResourceLimits.pendingSignals].current
    if signal.isRealTime && UInt64(queuedSignals) >= limit {
      // kill has always succeeded: there the information is lost instead, as in Linux.
      guard information.code == .user else { return false }
      if thread == nil { process.pending.mark(signal) } else { target.pending.mark(signal) }
    } else {
      let isNew =
        thread == nil ? process.pending.add(information) : target.pending.add(information)
      guard isNew else { return true }
      queuedSignals += 1
    }
    if let waiter = (thread.map { [$0] } ?? process.threads).first(where: {
      $0.state == .blocked && $0.progress.awaited.contains(signal)
    }) {
      wake(waiter)
      return true
    }
    guard target.hasSignal else { return true }
    if target === currentThread { needsAttention = true }
    if target.state == .blocked && (target.isInterruptible || signal == .kill) { wake(target) }
    return true
  }

  /// Raises a signal the running program caused itself, which it can neither block nor ignore.
  ///
  /// - Returns: false if that kills it, which is left to the caller.
  func force(_ information: SignalInformation) -> Bool {
    guard let thread = currentThread else { return false }
    let action = thread.process.actions[Int(information.signal.rawValue)]
    guard action.isHandled, !thread.mask.contains(information.signal) else { return false }
    if thread.pending.add(information) { queuedSignals += 1 }
    needsAttention = true
    return true
  }

  /// Takes the next of some signals: those sent to the thread before those sent to the process, of
  /// either what a program causes itself first, then by number.
  private func takeSignal(_ thread: Thread, of set: SignalSet) -> SignalInformation? {
    let own = thread.pending.set.rawValue & set.rawValue
    let all = own | thread.process.pending.set.rawValue & set.rawValue
    if all == 0 { return nil }
    let kill = all & Signal.kill.bit
    let source = own != 0 ? own : all
    // SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS.
    let synchronous = source & (1 << 10 | 1 << 6 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 30)
    let chosen = kill != 0 ? kill : synchronous != 0 ? synchronous : source
    guard let signal = Signal(rawValue: Int32(chosen.trailingZeroBitCount) + 1) else { return nil }
    return take(signal, from: thread)
  }

  /// Takes the first of a signal that is pending for a thread, or else for its process.
  private func take(_ signal: Signal, from thread: Thread) -> SignalInformation? {
    let process = thread.process
    let before = thread.pending.count + process.pending.count
    let found = thread.pending.take(signal) ?? process.pending.take(signal)
    queuedSignals -= before - thread.pending.count - process.pending.count
    return found
  }

  /// Delivers what is pending to the thread that is about to go on; it may end by that.
  ///
  /// - Returns: whether a system call that was interrupted is complete now, with EINTR.
  func deliverSignals(_ thread: Thread, _ frame: inout TrapFrame) -> Bool {
    var interruption = thread.interruption
    thread.interruption = nil
    var isCompleted = false
    while thread.hasSignal,
      let information = takeSignal(thread, of: SignalSet(rawValue: ~thread.mask.rawValue))
    {
      let process = thread.process
      let signal = information.signal
      let action = process.actions[Int(signal.rawValue)]
      if trace != nil { traceSignal(information, to: thread, interrupting: interruption) }
      if !action.isHandled {
        if action.ignores(signal) && signal != .kill { continue }
        if signal.stopsByDefault {
          sayOnce(
            .unimplemented, key: "stop \(signal.rawValue)",
            "\(signal.name) does not stop a process here: ignored")
          continue
        }
        if process === processes.first {
          say(.story, story(process, information, nil, frame, .sent))
        }
        terminate(process, .killed(signal))
        return isCompleted
      }
      if let kind = interruption {
        if kind == .restartNoHandler || action.flags & SignalAction.restart == 0 {
          var error = Errno.interrupted
          let remainder = thread.progress.remainderAddress
          if let end = thread.progress.end, remainder != 0 {
            let left = time(end &- min(end, now))
            do {
              try copyOut(words: [left.seconds, left.nanoseconds], to: remainder)
            } catch let fault {
              error = fault
            }
          }
          frame.registers[10] = UInt64(bitPattern: -error.rawValue)
          frame.programCounter &+= 4
          process.systemCalls &+= 1
          isCompleted = true
        }
        interruption = nil
      }
      // A call that is restarted after the handler begins anew.
      thread.progress = CallProgress()
      if !enterHandler(thread, information, action, &frame) {
        // There was no memory for the frame, and the OOM killer chose this process.
        if thread.isKilled { continue }
        let cause = SignalInformation(.segmentationFault, .kernel)
        tellStory(process, cause, nil, frame, .noSignalStack(signal))
        terminate(process, .killed(.segmentationFault))
        return isCompleted
      }
    }
    return isCompleted
  }

  // MARK: Calls

  /// The signal of an argument; nil is 0, "only check".
  private func signal(_ number: UInt64) throws(Errno) -> Signal? {
    let number = Int32(truncatingIfNeeded: number)
    if number == 0 { return nil }
    guard let signal = Signal(rawValue: number) else { throw .invalid }
    return signal
  }

  /// kill.
  func kill(_ process: Process, _ target: UInt64, _ number: UInt64) throws(Errno) -> UInt64 {
    let target = Int32(truncatingIfNeeded: target)
    var targets: [Process] = []
    if target > 0 {
      if let other = processTable[target] ?? threadTable[target]?.process { targets = [other] }
    } else {
      if target == .min { throw .noProcess }
      let group = target == 0 ? process.processGroup : -target
      targets = processes.filter {
        processTable[$0.pid] === $0
          && (target == -1 ? $0 !== process : $0.processGroup == group)
      }
    }
    // Whom it is for comes before what it is.
    if targets.isEmpty && target != 1 { throw .noProcess }
    guard let signal = try signal(number) else { return 0 }
    var information = SignalInformation(signal, .user)
    information.sender = process.pid
    // init, number 1, ignores whatever it is sent.
    for other in targets { send(information, to: other) }
    return 0
  }

  /// tkill and tgkill.
  func killThread(
    _ process: Process, group: UInt64?, _ thread: UInt64, _ number: UInt64
  ) throws(Errno) -> UInt64 {
    let tid = Int32(truncatingIfNeeded: thread)
    if tid <= 0 { throw .invalid }
    if let group, Int32(truncatingIfNeeded: group) <= 0 { throw .invalid }
    guard let target = threadTable[tid] else { throw .noProcess }
    if let group, Int32(truncatingIfNeeded: group) != target.process.pid { throw .noProcess }
    guard let signal = try signal(number) else { return 0 }
    var information = SignalInformation(signal, .thread)
    information.sender = process.pid
    guard send(information, to: target.process, thread: target) else { throw .tryAgain }
    return 0
  }

  /// rt_sigaction; struct sigaction is handler, flags, mask: there is no restorer on RISC-V.
  func signalAction(
    _ process: Process, _ number: UInt64, _ new: UInt64, _ old: UInt64, _ size: UInt64
  ) throws(Errno) -> UInt64 {
    if size != 8 { throw .invalid }
    var action: SignalAction?
    if new != 0 {
      guard copyIn(new, 24, to: buffer) == 24 else { throw .badAddress }
      let words = buffer.assumingMemoryBound(to: UInt64.self)
      action = SignalAction(
        handler: words[0], flags: words[1],
        mask: SignalSet(rawValue: words[2]).subtracting(.unstoppable))
    }
    guard let signal = Signal(rawValue: Int32(truncatingIfNeeded: number)) else { throw .invalid }
    if action != nil && SignalSet.unstoppable.contains(signal) { throw .invalid }
    let before = process.actions[Int(signal.rawValue)]
    if let action {
      process.actions[Int(signal.rawValue)] = action
      if action.ignores(signal) {
        for thread in process.threads { while take(signal, from: thread) != nil {} }
      }
    }
    if old != 0 {
      try copyOut(words: [before.handler, before.flags, before.mask.rawValue], to: old)
    }
    return 0
  }

  /// rt_sigprocmask.
  func signalMask(
    _ thread: Thread, _ how: UInt64, _ new: UInt64, _ old: UInt64, _ size: UInt64
  ) throws(Errno) -> UInt64 {
    if size != 8 { throw .invalid }
    let before = thread.mask
    if new != 0 {
      guard copyIn(new, 8, to: buffer) == 8 else { throw .badAddress }
      let set = SignalSet(rawValue: buffer.load(as: UInt64.self)).subtracting(.unstoppable)
      switch Int32(truncatingIfNeeded: how) {
      case 0: thread.mask.formUnion(set)
      case 1: thread.mask.subtract(set)
      case 2: thread.mask = set
      default: throw .invalid
      }
      needsAttention = true
    }
    if old != 0 { try copyOut(words: [before.rawValue], to: old) }
    return 0
  }

  /// rt_sigpending.
  func signalPending(_ thread: Thread, _ address: UInt64, _ size: UInt64) throws(Errno) -> UInt64 {
    if size > 8 { throw .invalid }
    let set = thread.pending.set.union(thread.process.pending.set).intersection(thread.mask)
    try copyOut(words: [set.rawValue], to: address)
    return 0
  }

  /// rt_sigsuspend.
  func signalSuspend(_ thread: Thread, _ address: UInt64, _ size: UInt64) throws(Errno) -> UInt64 {
    if size != 8 { throw .invalid }
    if thread.suspendedMask == nil {
      guard copyIn(address, 8, to: buffer) == 8 else { throw .badAddress }
      thread.suspendedMask = thread.mask
      thread.mask = SignalSet(rawValue: buffer.load(as: UInt64.self)).subtracting(.unstoppable)
    }
    throw sleep(on: nil, .signal, otherwise: .restartNoHandler)
  }

  /// rt_sigtimedwait: takes a pending signal of a set, or waits for one.
  ///
  /// While it waits, the set is not blocked, so that a signal of it ends the wait.
  func signalTimedWait(
    _ thread: Thread, _ address: UInt64, _ information: UInt64, _ timeout: UInt64, _ size: UInt64
  ) throws(Errno) -> UInt64 {
    if size != 8 { throw .invalid }
    guard copyIn(address, 8, to: buffer) == 8 else { throw .badAddress }
    let wanted = SignalSet(rawValue: buffer.load(as: UInt64.self)).subtracting(.unstoppable)
    let end = try waitEnd(thread, timeout)
    if let found = takeSignal(thread, of: wanted) {
      if information != 0 {
        buffer.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
        fill(found)
        guard copyOut(buffer, 128, to: information) == 128 else { throw .badAddress }
      }
      return UInt64(found.signal.rawValue)
    }
    if now >= end { throw .tryAgain }
    thread.progress.awaited = wanted
    throw sleep(on: nil, until: end, .signal, otherwise: .restartNoHandler)
  }

  /// sigaltstack; stack_t is address, flags, size.
  func alternateStack(
    _ thread: Thread, _ new: UInt64, _ old: UInt64, _ frame: TrapFrame
  ) throws(Errno) -> UInt64 {
    let before = thread.alternateStack
    let isOn = before.contains(frame.registers[2])
    if new != 0 {
      guard copyIn(new, 24, to: buffer) == 24 else { throw .badAddress }
      let words = buffer.assumingMemoryBound(to: UInt64.self)
      let flags = UInt32(truncatingIfNeeded: words[1])
      if isOn { throw .notPermitted }
      let mode = flags & ~(1 << 31)
      if mode > 2 { throw .invalid }
      if mode == 2 {
        thread.alternateStack = AlternateStack(flags: flags)
      } else {
        // MINSIGSTKSZ.
        if words[2] < 2048 { throw .noMemory }
        thread.alternateStack = AlternateStack(
          address: words[0], size: words[2], flags: flags & ~1)
      }
    }
    if old != 0 {
      let state: UInt64 = before.flags & 2 != 0 ? 2 : isOn ? 1 : 0
      let flags = state | UInt64(before.flags & 1 << 31)
      try copyOut(words: [before.address, flags, before.size], to: old)
    }
    return 0
  }
}
