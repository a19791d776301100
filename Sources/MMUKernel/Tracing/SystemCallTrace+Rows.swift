extension SystemCallTrace {
  /// How a call is shown.
  struct Row: Sendable {
    /// Its arguments in order; some calls have more of them or others, as an argument says.
    let forms: @Sendable (SystemCallTrace) -> [ArgumentForm]
    /// What it returns.
    let result: @Sendable (SystemCallTrace, UInt64) -> String

    init(
      forms: @escaping @Sendable (SystemCallTrace) -> [ArgumentForm],
      result: @escaping @Sendable (SystemCallTrace, UInt64) -> String = { signed($1) }
    ) {
      self.forms = forms
      self.result = result
    }

    fileprivate static func call(_ forms: ArgumentForm...) -> Row { Row(forms: { _ in forms }) }

    /// Returns an address.
    fileprivate static func mapping(_ forms: ArgumentForm...) -> Row {
      Row(forms: { _ in forms }, result: { word($1) })
    }
  }

  private static let none = Row.call()
  private static let reading = Row.call(.int, .resultBytes, .unsigned)
  private static let writing = Row.call(.int, .bytes(count: 2), .unsigned)
  private static let range = Row.call(.pointer, .unsigned)

  /// The calls; all that are implemented stand here.
  static let rows: [SystemCall: Row] = [
    // Files.
    .getcwd: .call(.resultPath, .unsigned),
    .dup: .call(.int),
    .dup3: .call(.int, .int, .flags(.opening)),
    .fcntl: Row(forms: { $0.fileControlForms }, result: { $0.fileControlResult($1) }),
    .ioctl: Row(forms: { $0.deviceForms }),
    .mkdirat: .call(.directory, .path, .mode),
    .unlinkat: .call(.directory, .path, .flags(.place)),
    .symlinkat: .call(.path, .directory, .path),
    .linkat: .call(.directory, .path, .directory, .path, .flags(.place)),
    .renameat2: .call(.directory, .path, .directory, .path, .flags(.renaming)),
    .truncate: .call(.path, .unsigned),
    .ftruncate: .call(.int, .unsigned),
    .fallocate: .call(.int, .flags(.allocation), .signed, .signed),
    .faccessat: .call(.directory, .path, .flags(.access)),
    .chdir: .call(.path),
    .fchdir: .call(.int),
    .fchmod: .call(.int, .mode),
    .fchmodat: .call(.directory, .path, .mode),
    .openat: .call(.directory, .path, .opening, .creationMode),
    .close: .call(.int),
    .closeRange: .call(.unsignedInt, .unsignedInt, .flags(.closing)),
    .getdents64: .call(.int, .resultEntries, .unsignedInt),
    .pipe2: .call(.resultPair, .flags(.opening)),
    .lseek: .call(.int, .signed, .name(.origin)),
    .read: reading,
    .write: writing,
    .readv: .call(.int, .resultVector, .unsigned),
    .writev: .call(.int, .vector, .unsigned),
    .pread64: .call(.int, .resultBytes, .unsigned, .signed),
    .pwrite64: .call(.int, .bytes(count: 2), .unsigned, .signed),
    .preadv: .call(.int, .resultVector, .unsigned, .signed),
    .pwritev: .call(.int, .vector, .unsigned, .signed),
    .readlinkat: .call(.directory, .path, .resultBytes, .unsigned),
    .newfstatat: .call(.directory, .path, .resultStatus, .flags(.place)),
    .fstat: .call(.int, .resultStatus),
    .statx: .call(
      .directory, .path, .extendedStatusFlags, .flags(.statusMask), .resultExtendedStatus),
    .sync: none,
    .fsync: .call(.int),
    .fdatasync: .call(.int),
    .syncFileRange: .call(.int, .signed, .signed, .flags(.rangeSynchronization)),
    .readahead: .call(.int, .signed, .unsigned),
    .fadvise64: .call(.int, .signed, .unsigned, .name(.fileAdvice)),
    .memfdCreate: .call(.string, .flags(.memoryFile)),
    .umask: Row(forms: { _ in [.mode] }, result: { octal($1) }),
    .socketpair: .call(.name(.addressFamily), .socketKind, .int, .resultPair),
    .sendto: .call(
      .int, .bytes(count: 2), .unsigned, .flags(.message), .pointer, .unsignedInt),
    .recvfrom: .call(
      .int, .resultBytes, .unsigned, .flags(.message), .resultPointer, .resultPointer),
    .shutdown: .call(.int, .name(.shutdown)),

    // Memory.
    .brk: .mapping(.pointer),
    .mmap: .mapping(.pointer, .unsigned, .longFlags(.protection), .mapping, .int, .word),
    .munmap: range,
    .mremap: .mapping(
      .pointer, .unsigned, .unsigned, .longFlags(.remapping), .remapTarget),
    .mprotect: .call(.pointer, .unsigned, .longFlags(.protection)),
    .msync: .call(.pointer, .unsigned, .flags(.synchronization)),
    .madvise: .call(.pointer, .unsigned, .name(.advice)),
    .mincore: .call(.pointer, .unsigned, .resultResidency),
    .mlock: range,
    .mlock2: .call(.pointer, .unsigned, .flags(.locking)),
    .munlock: range,
    .mlockall: .call(.flags(.lockingAll)),
    .munlockall: none,
    .swapon: .call(.path, .unsignedInt),
    .swapoff: .call(.path),
    .shmget: .call(.segmentKey, .unsigned, .segmentFlags),
    .shmctl: .call(.int, .segmentCommand, .segmentStatus),
    .shmat: .mapping(.int, .pointer, .flags(.sharedMemory)),
    .shmdt: .call(.pointer),

    // Processes and threads.
    .clone: Row(forms: { $0.cloneForms }),
    .execve: .call(.path, .argumentList, .environment),
    .exit: .call(.int),
    .exitGroup: .call(.int),
    .wait4: .call(.int, .waitStatus, .flags(.waiting), .waitUsage),
    .waitID: .call(
      .name(.waitTarget), .int, .resultInformation, .flags(.waiting), .resultUsage),
    .setThreadIDAddress: .call(.word),
    .futex: Row(forms: { $0.futexForms }),
    .schedulerYield: none,
    .getAffinity: .call(.int, .unsignedInt, .resultCores),
    .getcpu: .call(.resultInt, .resultInt, .resultPointer),
    .setProcessGroup: .call(.int, .int),
    .getProcessGroup: .call(.int),
    .getSession: .call(.int),
    .setSession: none,
    .getpid: none,
    .getppid: none,
    .gettid: none,
    .getuid: none,
    .geteuid: none,
    .getgid: none,
    .getegid: none,
    .prctl: Row(forms: { $0.processControlForms }),
    .prlimit64: .call(.int, .name(.resource), .limit, .resultLimit),
    .getrlimit: .call(.name(.resource), .resultLimit),
    .setrlimit: .call(.name(.resource), .limit),
    .getrusage: .call(.name(.usage), .resultUsage),

    // Signals.
    .kill: .call(.int, .signal),
    .threadKill: .call(.int, .signal),
    .threadGroupKill: .call(.int, .int, .signal),
    .alternateStack: .call(.stack, .resultStack),
    .signalSuspend: .call(.signals(size: 1), .unsigned),
    .signalAction: .call(.signal, .action, .resultAction, .unsigned),
    .signalMask: .call(.name(.maskChange), .signals(size: 3), .resultSignals, .unsigned),
    .signalPending: .call(.resultSignals, .unsigned),
    .signalTimedWait: Row(
      forms: { _ in [.signals(size: 3), .resultInformation, .time, .unsigned] },
      result: { "\($1) (\(signal(Int32(truncatingIfNeeded: $1))))" }),
    .signalReturn: .call(.savedMask),

    // Time and the system.
    .nanosleep: .call(.time, .resultPointer),
    .clockNanosleep: .call(.name(.clock), .flags(.timer), .time, .resultPointer),
    .clockGetTime: .call(.name(.clock), .resultTime),
    .clockGetResolution: .call(.name(.clock), .resultTime),
    .getTimeOfDay: .call(.resultMicroseconds, .resultZone),
    .times: .call(.resultTimes),
    .uname: .call(.resultSystemName),
    .sysinfo: .call(.resultSystemInformation),
    .getrandom: .call(.randomBytes, .unsigned, .flags(.random)),
  ]
}
