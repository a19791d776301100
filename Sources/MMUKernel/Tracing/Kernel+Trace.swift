// The lines of --strace, in the order and with the marks of `strace -f -q`.

/// What tracing remembers from one line to the next.
final class TraceState {
  /// A call that is not complete.
  struct OpenCall {
    var call: SystemCallTrace
    /// What it returned, if its thread has yet to go on: vfork's.
    var result: UInt64?
  }

  /// Calls by thread.
  var open: [Int32: OpenCall] = [:]
  /// The line that lacks its end, and whose it is; written once more is known.
  var line = ""
  var writer: Int32?
  /// Signals that were ignored while a thread was in a call, which strace sees.
  var ignored: [Int32: [SignalInformation]] = [:]
  /// Threads that stand in the table still but have ended.
  var ended = 0
}

extension Kernel {
  /// Carries out a system call and writes it down.
  @inline(never)
  func tracedCall(_ process: Process, _ frame: inout TrapFrame) -> TrapResult {
    guard let thread = currentThread else { return carryOut(process, &frame) }
    // A call that waits is executed again.
    if tracing.open[thread.tid]?.result != nil { finish(thread.tid) }
    if tracing.open[thread.tid] == nil {
      traceIgnored(thread)
      let x = frame.registers
      let call = SystemCallTrace(
        x[17], (10..<16).map { x[$0] }, stackPointer: x[2], in: process.space)
      tracing.open[thread.tid] = TraceState.OpenCall(call: call)
      interrupt(but: thread.tid)
      tracing.line = prefix(thread.tid) + call.head
      tracing.writer = thread.tid
    }
    let result = carryOut(process, &frame)
    // A thread that SIGKILL ends does not come back from its call.
    guard case .systemCallCompleted = result, !thread.isKilled else { return result }
    tracing.open[thread.tid]?.result = frame.registers[10]
    if thread.state != .blocked {
      finish(thread.tid)
      traceIgnored(thread)
    }
    return result
  }

  /// `--- SIGINT {si_signo=SIGINT, si_code=SI_USER, si_pid=2, si_uid=0} ---`; never for SIGKILL.
  ///
  /// - Parameters:
  ///   - interruption: the thread was in a call, which ends by that.
  func traceSignal(
    _ information: SignalInformation, to thread: Thread, interrupting interruption: Errno? = nil
  ) {
    if information.signal == .kill { return }
    if let open = tracing.open[thread.tid], open.result == nil {
      // Without an interruption the call itself caused the signal, and has left its result.
      let result =
        interruption.map { UInt64(bitPattern: -$0.rawValue) } ?? trapFrame?.registers[10] ?? 0
      tracing.open[thread.tid]?.result = result
    }
    finish(thread.tid)
    write(thread.tid, signalLine(information))
  }

  /// `+++ exited with 0 +++`, `+++ killed by SIGSEGV +++`, for each thread, the first last.
  func traceEnd(_ process: Process, _ status: TerminationStatus) {
    let text =
      switch status {
      case .exited(let code): "+++ exited with \(code) +++"
      case .killed(let signal): "+++ killed by \(SystemCallTrace.signal(signal.rawValue)) +++"
      }
    if let currentThread, currentThread.process === process { abandon(currentThread.tid) }
    for thread in process.threads where thread.tid != process.pid {
      abandon(thread.tid)
      write(thread.tid, text)
      tracing.ended += 1
    }
    abandon(process.pid)
    write(process.pid, text)
    tracing.ended = 0
  }

  /// A thread ends and others of its process go on; strace hears of the first one's end last.
  func traceEnd(_ thread: Thread, _ code: UInt8) {
    abandon(thread.tid)
    if thread.tid != thread.process.pid { write(thread.tid, "+++ exited with \(code) +++") }
  }

  /// execve ends the other threads, and its own takes the number of the first.
  func traceReplacement(_ process: Process, by survivor: Thread) {
    for thread in process.threads where thread !== survivor {
      abandon(thread.tid)
      if thread.tid != process.pid { write(thread.tid, "+++ exited with 0 +++") }
      tracing.ended += 1
    }
    if survivor.tid != process.pid {
      write(process.pid, "+++ superseded by execve in pid \(survivor.tid) +++")
      tracing.open[process.pid] = tracing.open.removeValue(forKey: survivor.tid)
    }
    tracing.ended = 0
  }

  // MARK: Lines

  /// Signals that were ignored while the thread was in its call.
  private func traceIgnored(_ thread: Thread) {
    for information in tracing.ignored.removeValue(forKey: thread.tid) ?? [] {
      write(thread.tid, signalLine(information))
    }
  }

  private func signalLine(_ information: SignalInformation) -> String {
    let name = SystemCallTrace.signal(information.signal.rawValue)
    return "--- \(name) \(SystemCallTrace.text(of: information)) ---"
  }

  /// The process or thread is named while there are several.
  private func prefix(_ tid: Int32) -> String {
    if threadTable.count - tracing.ended <= 1 { return "" }
    let digits = String(tid)
    return "[pid " + String(repeating: " ", count: max(0, 5 - digits.count)) + digits + "] "
  }

  /// Writes the line of another thread as far as it goes.
  private func interrupt(but tid: Int32?) {
    guard let writer = tracing.writer, writer != tid else { return }
    trace?(tracing.line + " <unfinished ...>")
    tracing.writer = nil
  }

  /// Writes a line.
  private func write(_ tid: Int32, _ text: String) {
    interrupt(but: nil)
    trace?(prefix(tid) + text)
  }

  /// Writes the end of a call that is complete, if there is one.
  private func finish(_ tid: Int32) {
    guard let open = tracing.open[tid], let result = open.result else { return }
    var call = open.call
    let tail = call.tail(result: result)
    end(tid, tail, call.outcome)
  }

  /// Writes the end of a call from which its thread does not come back.
  private func abandon(_ tid: Int32) {
    tracing.ignored[tid] = nil
    finish(tid)
    guard let open = tracing.open[tid] else { return }
    end(tid, open.call.isShown ? "" : " <unfinished ...>", "= ?")
  }

  private func end(_ tid: Int32, _ tail: String, _ outcome: String) {
    guard let open = tracing.open.removeValue(forKey: tid) else { return }
    interrupt(but: tid)
    var line =
      tracing.writer == tid ? tracing.line : prefix(tid) + "<... \(open.call.name) resumed>"
    tracing.writer = nil
    line += tail + ") "
    let room = 40 - line.unicodeScalars.count
    if room > 0 { line += String(repeating: " ", count: room) }
    trace?(line + outcome)
  }
}
