import MMUMemory
import MMUTiming

/// How a system call ends.
enum SystemCallOutcome {
  /// Returns a value in a0.
  case done(UInt64)
  /// Returns minus the error in a0.
  case failed(Errno)
  /// Is executed again when the core comes back.
  case restart
  /// Has changed all registers: nothing is to be returned.
  case replaced
  /// The process has ended.
  case ended
}

extension Kernel {
  /// Carries out the system call of an ECALL: a7 is its number, a0...a5 its arguments.
  func systemCall(_ process: Process, _ frame: inout TrapFrame) -> TrapResult {
    trace == nil ? carryOut(process, &frame) : tracedCall(process, &frame)
  }

  @inline(__always)
  func carryOut(_ process: Process, _ frame: inout TrapFrame) -> TrapResult {
    let x = frame.registers
    trapFrame = frame
    let outcome = dispatch(process, x[17], x[10], x[11], x[12], x[13], x[14], &frame)
    if case .restart = outcome { return .systemCallRestarts }
    currentThread?.progress = CallProgress()
    switch outcome {
    case .done(let value): x[10] = value
    case .failed(let error): x[10] = UInt64(bitPattern: -error.rawValue)
    case .restart: preconditionFailure("handled before")
    case .replaced:
      process.systemCalls &+= 1
      return .systemCallCompleted
    case .ended:
      process.systemCalls &+= 1
      return .ended(retiresSystemCall: true)
    }
    process.systemCalls &+= 1
    if var information = pending {
      pending = nil
      // It counts as sent by the process itself.
      if information.code == .user { information.sender = process.pid }
      if !(currentThread?.mask.contains(information.signal) ?? false)
        && process.actions[Int(information.signal.rawValue)].handler == 0
      {
        return kill(
          process, information, nil, frame,
          because: .inSystemCall(SystemCallTable.name(x[17])), retiresSystemCall: true)
      }
      send(information, to: process, thread: currentThread)
    }
    frame.programCounter &+= 4
    return .systemCallCompleted
  }

  @inline(__always)
  private func dispatch(
    _ process: Process, _ number: UInt64, _ a0: UInt64, _ a1: UInt64, _ a2: UInt64, _ a3: UInt64,
    _ a4: UInt64, _ frame: inout TrapFrame
  ) -> SystemCallOutcome {
    guard let call = SystemCall(rawValue: number) else { return unknown(number, frame) }
    do {
      switch call {
      case .exit, .exitGroup, .signalReturn, .execve: return try leave(call, process, &frame)
      default: return .done(try perform(call, process, a0, a1, a2, a3, a4, frame))
      }
    } catch {
      switch error {
      // Only a read of the host is interrupted, so that whoever interrupted it gets a hearing.
      case .interrupted: return .restart
      case .restartSystem, .restartNoHandler:
        if let thread = currentThread, thread.state == .ready {
          thread.interruption = error
          needsAttention = true
        }
        return .restart
      default: return .failed(error)
      }
    }
  }

  /// The calls after which the program does not go on behind them.
  @inline(never)
  private func leave(
    _ call: SystemCall, _ process: Process, _ frame: inout TrapFrame
  ) throws(Errno) -> SystemCallOutcome {
    guard let thread = currentThread else { throw .noProcess }
    let x = frame.registers
    switch call {
    case .exit: exitThread(thread, x[10])
    case .exitGroup: terminate(process, .exited(UInt8(truncatingIfNeeded: x[10])))
    case .signalReturn: return signalReturn(thread, &frame)
    default: return try execute(process, thread, x[10], x[11], x[12], &frame)
    }
    return .ended
  }

  @inline(__always)
  private func perform(
    _ call: SystemCall, _ process: Process, _ a0: UInt64, _ a1: UInt64, _ a2: UInt64,
    _ a3: UInt64, _ a4: UInt64, _ frame: TrapFrame
  ) throws(Errno) -> UInt64 {
    guard let space = process.space else { throw .noProcess }
    switch call {
    case .exit, .exitGroup, .signalReturn, .execve: preconditionFailure("handled before")
    case .getpid: return UInt64(process.pid)
    case .gettid: return UInt64(currentThread?.tid ?? 0)
    case .getppid: return UInt64(process.parent)
    case .getuid, .geteuid, .getgid, .getegid: return 0
    case .schedulerYield:
      if !ready.isEmpty {
        mustYield = true
        needsAttention = true
      }
      return 0
    case .setThreadIDAddress:
      currentThread?.clearChildThreadID = a0
      return UInt64(currentThread?.tid ?? 0)
    case .clone, .wait4, .waitID, .kill, .threadKill, .threadGroupKill, .signalAction, .signalMask,
      .signalPending, .signalSuspend, .alternateStack, .nanosleep, .clockNanosleep,
      .setProcessGroup, .getProcessGroup, .getSession, .setSession, .futex, .pipe2, .mremap,
      .mlock, .mlock2, .munlock, .mlockall, .munlockall, .prlimit64, .getrlimit, .setrlimit,
      .socketpair, .sendto, .recvfrom, .shutdown:
      return try performProcessCall(call, process, a0, a1, a2, a3, a4, frame)
    case .brk: return space.moveBreak(to: a0)
    case .mmap: return try map(a0, a1, a2, a3, frame)
    case .munmap:
      try space.unmap(a0, length: a1)
      return 0
    case .mprotect: return try protect(process, a0, a1, a2)
    case .madvise: return try advise(process, a0, a1, a2)
    case .mincore: return try resident(process, a0, a1, a2)
    case .read: return try read(process, a0, a1, a2)
    case .write: return try write(process, a0, a1, a2)
    case .readv: return try vector(process, a0, a1, a2, writing: false)
    case .writev: return try vector(process, a0, a1, a2, writing: true)
    case .msync: return try synchronize(process, a0, a1, a2)
    case .clockGetTime: return try clockGetTime(process, a0, a1)
    case .clockGetResolution: return try clockResolution(a0, a1)
    case .getTimeOfDay: return try getTimeOfDay(a0, a1)
    case .getrandom: return try getRandom(a0, a1, a2)
    case .getrusage: return try getUsage(process, a0, a1)
    case .uname: return try uname(a0)
    case .times: return try times(process, a0)
    case .sysinfo: return try systemInformation(a0)
    case .getcpu:
      // Both the core and the node are number 0.
      for address in [a0, a1] where address != 0 {
        var zero: UInt32 = 0
        guard copyOut(&zero, 4, to: address) == 4 else { throw .badAddress }
      }
      return 0
    case .getAffinity:
      _ = try named(a0, process)
      if a1 < 8 || a1 & 7 != 0 { throw .invalid }
      try copyOut(words: [1], to: a2)
      return 8
    case .signalTimedWait:
      guard let thread = currentThread else { throw .noProcess }
      return try signalTimedWait(thread, a0, a1, a2, a3)
    case .prctl: return try control(process, a0, a1, a2, a3, a4)
    default: return try fileCall(call, process, a0, a1, a2, a3, a4)
    }
  }

  /// The calls on files.
  @inline(never)
  private func fileCall(
    _ call: SystemCall, _ process: Process, _ a0: UInt64, _ a1: UInt64, _ a2: UInt64,
    _ a3: UInt64, _ a4: UInt64
  ) throws(Errno) -> UInt64 {
    switch call {
    case .close: return try close(process, a0)
    case .lseek: return try seek(process, a0, a1, a2)
    case .openat: return try open(process, a0, a1, a2, a3)
    case .pread64: return try transfer(process, a0, a1, a2, at: a3, writing: false)
    case .pwrite64: return try transfer(process, a0, a1, a2, at: a3, writing: true)
    case .preadv: return try vector(process, a0, a1, a2, writing: false, at: a3)
    case .pwritev: return try vector(process, a0, a1, a2, writing: true, at: a3)
    case .getcwd: return try getDirectory(process, a0, a1)
    case .chdir: return try changeDirectory(process, a0)
    case .fchdir: return try changeDirectory(process, toOpen: a0)
    case .dup: return try duplicate(process, a0)
    case .dup3: return try duplicate(process, a0, to: a1, a2)
    case .fcntl: return try control(process, file: a0, a1, a2)
    case .mkdirat: return try makeDirectory(process, a0, a1, a2)
    case .unlinkat: return try unlink(process, a0, a1, a2)
    case .symlinkat: return try makeSymbolicLink(process, a0, a1, a2)
    case .linkat: return try makeLink(process, a0, a1, a2, a3, a4)
    case .renameat2: return try rename(process, a0, a1, a2, a3, a4)
    case .readlinkat: return try readLink(process, a0, a1, a2, a3)
    case .faccessat: return try access(process, a0, a1, a2)
    case .truncate: return try truncate(process, a0, a1)
    case .ftruncate: return try truncate(process, open: a0, a1)
    case .ioctl: return try controlDevice(process, a0, a1, a2)
    case .syncFileRange: return try synchronize(process, open: a0, a1, a2, a3)
    case .readahead: return try readAhead(process, open: a0, a1, a2)
    case .closeRange: return try closeRange(process, a0, a1, a2)
    case .fallocate: return try allocate(process, open: a0, a1, a2, a3)
    case .fchmod: return try changeMode(process, open: a0, a1)
    case .fchmodat: return try changeMode(place(process, a0, a1).inode, a2)
    case .getdents64: return try listDirectory(process, a0, a1, a2)
    case .newfstatat: return try fileStatus(process, a0, a1, a2, a3)
    case .fstat: return try fileStatus(process, a0, a1)
    case .statx: return try extendedStatus(process, a0, a1, a2, a3, a4)
    case .fsync, .fdatasync: return try synchronize(process, open: a0)
    case .sync:
      synchronizeAll()
      return 0
    case .fadvise64: return try advise(process, open: a0, a1, a2, a3)
    case .shmget: return try getSegment(process, a0, a1, a2)
    case .shmctl: return try controlSegment(process, a0, a1, a2)
    case .shmat: return try attachSegment(process, a0, a1, a2)
    case .shmdt: return try detachSegment(process, a0)
    case .memfdCreate: return try makeMemoryFile(process, a0, a1)
    case .umask:
      defer { process.files.umask = UInt32(truncatingIfNeeded: a0) & 0o777 }
      return UInt64(process.files.umask)
    default: preconditionFailure("system call \(call) is in the table but not carried out")
    }
  }

  @inline(never)
  private func performProcessCall(
    _ call: SystemCall, _ process: Process, _ a0: UInt64, _ a1: UInt64, _ a2: UInt64,
    _ a3: UInt64, _ a4: UInt64, _ frame: TrapFrame
  ) throws(Errno) -> UInt64 {
    guard let thread = currentThread else { throw .noProcess }
    switch call {
    case .clone: return try clone(process, thread, frame)
    case .wait4: return try wait(process, a0, a1, a2, a3)
    case .waitID: return try waitID(process, a0, a1, a2, a3, a4)
    case .kill: return try kill(process, a0, a1)
    case .threadKill: return try killThread(process, group: nil, a0, a1)
    case .threadGroupKill: return try killThread(process, group: a0, a1, a2)
    case .signalAction: return try signalAction(process, a0, a1, a2, a3)
    case .signalMask: return try signalMask(thread, a0, a1, a2, a3)
    case .signalPending: return try signalPending(thread, a0, a1)
    case .signalSuspend: return try signalSuspend(thread, a0, a1)
    case .alternateStack: return try alternateStack(thread, a0, a1, frame)
    case .nanosleep: return try nanosleep(thread, clock: 1, flags: 0, a0, a1)
    case .clockNanosleep: return try nanosleep(thread, clock: a0, flags: a1, a2, a3)
    case .setProcessGroup: return try setProcessGroup(process, a0, a1)
    case .getProcessGroup: return UInt64(try named(a0, process).processGroup)
    case .getSession: return UInt64(try named(a0, process).session)
    case .setSession: return try setSession(process)
    case .pipe2: return try makePipe(process, a0, a1)
    case .socketpair: return try makeSocketPair(process, a0, a1, a2, at: a3)
    case .sendto: return try send(process, a0, a1, a2, flags: a3, to: a4)
    case .recvfrom:
      return try receive(process, a0, a1, a2, flags: a3, from: a4, frame.registers[15])
    case .shutdown: return try shutDown(process, a0, a1)
    case .mremap:
      guard let space = process.space else { throw .noMemory }
      return try space.remap(a0, a1, a2, RemapFlags(rawValue: a3), to: a4)
    case .mlock: return try lock(process, a0, a1, onFault: false)
    case .mlock2:
      if a2 & ~1 != 0 { throw .invalid }
      return try lock(process, a0, a1, onFault: a2 != 0)
    case .munlock: return try unlock(process, a0, a1)
    case .mlockall: return try lockAll(process, a0)
    case .munlockall: return try lockAll(process, nil)
    case .prlimit64: return try limits(process, of: a0, a1, new: a2, old: a3)
    case .getrlimit:
      if a1 == 0 { throw .badAddress }
      return try limits(process, of: 0, a0, new: 0, old: a1)
    case .setrlimit:
      if a1 == 0 { throw .badAddress }
      return try limits(process, of: 0, a0, new: a1, old: 0)
    case .futex: return try futex(thread, a0, a1, a2, a3, a4, frame.registers[15])
    default: preconditionFailure("not a call of processes")
    }
  }

  /// ENOSYS, named once for each call site.
  @inline(never)
  private func unknown(_ number: UInt64, _ frame: TrapFrame) -> SystemCallOutcome {
    let pc = frame.programCounter
    sayOnce(
      .unimplemented, key: "call \(number) at \(pc)",
      "system call \(SystemCallTable.name(number)) at \(describe(pc)) is not implemented: ENOSYS")
    return .failed(.notImplemented)
  }

  /// Names, once for each call site, a variant of a call that is not implemented.
  func unsupported(_ what: String, _ error: Errno) -> Errno {
    let pc = trapFrame?.programCounter ?? 0
    sayOnce(
      .unimplemented, key: "\(what) at \(pc)",
      "\(what) at \(describe(pc)) is not implemented: \(error.name)")
    return error
  }

  /// An address of the current process with what is known of it.
  func describe(_ address: UInt64) -> String {
    current?.symbolizer.describe(address) ?? hex(address)
  }
}
