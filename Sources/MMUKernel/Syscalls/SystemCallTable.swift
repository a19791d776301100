/// The system calls of Linux on riscv64, by number, and which of them exist here.
///
/// `list syscalls` prints it, messages about missing calls take their names from it.
public enum SystemCallTable {
  /// One row.
  public struct Row: Hashable, Sendable {
    /// The number in a7.
    public let number: UInt64
    /// The name in C.
    public let name: String
    /// Whether the kernel does something for it.
    public let isImplemented: Bool
  }

  /// Runs of names, each with its first number: include/uapi/asm-generic/unistd.h.
  private static let runs: [(first: UInt64, names: String)] = [
    (
      0,
      """
      io_setup io_destroy io_submit io_cancel io_getevents setxattr lsetxattr fsetxattr getxattr
      lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr
      getcwd lookup_dcookie eventfd2 epoll_create1 epoll_ctl epoll_pwait dup dup3 fcntl
      inotify_init1 inotify_add_watch inotify_rm_watch ioctl ioprio_set ioprio_get flock mknodat
      mkdirat unlinkat symlinkat linkat renameat umount2 mount pivot_root nfsservctl statfs
      fstatfs truncate ftruncate fallocate faccessat chdir fchdir chroot fchmod fchmodat
      fchownat fchown openat close vhangup pipe2 quotactl getdents64 lseek read write readv
      writev pread64 pwrite64 preadv pwritev sendfile pselect6 ppoll signalfd4 vmsplice splice
      tee readlinkat newfstatat fstat sync fsync fdatasync sync_file_range timerfd_create
      timerfd_settime timerfd_gettime utimensat acct capget capset personality exit exit_group
      waitid set_tid_address unshare futex set_robust_list get_robust_list nanosleep getitimer
      setitimer kexec_load init_module delete_module timer_create timer_gettime timer_getoverrun
      timer_settime timer_delete clock_settime clock_gettime clock_getres clock_nanosleep syslog
      ptrace sched_setparam sched_setscheduler sched_getscheduler sched_getparam
      sched_setaffinity sched_getaffinity sched_yield sched_get_priority_max
      sched_get_priority_min sched_rr_get_interval restart_syscall kill tkill tgkill sigaltstack
      rt_sigsuspend rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait rt_sigqueueinfo
      rt_sigreturn setpriority getpriority reboot setregid setgid setreuid setuid setresuid
      getresuid setresgid getresgid setfsuid setfsgid times setpgid getpgid getsid setsid
      getgroups setgroups uname sethostname setdomainname getrlimit setrlimit getrusage umask
      prctl getcpu gettimeofday settimeofday adjtimex getpid getppid getuid geteuid getgid
      getegid gettid sysinfo mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify
      mq_getsetattr msgget msgctl msgrcv msgsnd semget semctl semtimedop semop shmget shmctl
      shmat shmdt socket socketpair bind listen accept connect getsockname getpeername sendto
      recvfrom setsockopt getsockopt shutdown sendmsg recvmsg readahead brk munmap mremap
      add_key request_key keyctl clone execve mmap fadvise64 swapon swapoff mprotect msync mlock
      munlock mlockall munlockall mincore madvise remap_file_pages mbind get_mempolicy
      set_mempolicy migrate_pages move_pages rt_tgsigqueueinfo perf_event_open accept4 recvmmsg
      """
    ),
    (
      258,
      """
      riscv_hwprobe riscv_flush_icache wait4 prlimit64 fanotify_init fanotify_mark
      name_to_handle_at open_by_handle_at clock_adjtime syncfs setns sendmmsg process_vm_readv
      process_vm_writev kcmp finit_module sched_setattr sched_getattr renameat2 seccomp
      getrandom memfd_create bpf execveat userfaultfd membarrier mlock2 copy_file_range preadv2
      pwritev2 pkey_mprotect pkey_alloc pkey_free statx io_pgetevents rseq kexec_file_load
      """
    ),
    (
      424,
      """
      pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount
      fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd
      faccessat2 process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset
      landlock_add_rule landlock_restrict_self memfd_secret process_mrelease futex_waitv
      set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait
      futex_requeue statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules
      mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr
      """
    ),
  ]

  /// All rows by number.
  public static let rows: [Row] = runs.flatMap { run in
    run.names.split(whereSeparator: \.isWhitespace).enumerated().map { offset, name in
      let number = run.first + UInt64(offset)
      return Row(
        number: number, name: String(name), isImplemented: SystemCall(rawValue: number) != nil)
    }
  }

  /// The name of a number, or the number itself.
  public static func name(_ number: UInt64) -> String {
    if number <= 467, let row = rows.first(where: { $0.number == number }) { return row.name }
    return "number \(Int64(bitPattern: number))"
  }
}

/// The system calls this kernel implements, by their numbers.
enum SystemCall: UInt64, CaseIterable {
  case getcwd = 17
  case dup = 23
  case dup3 = 24
  case fcntl = 25
  case ioctl = 29
  case mkdirat = 34
  case unlinkat = 35
  case symlinkat = 36
  case linkat = 37
  case truncate = 45
  case ftruncate = 46
  case fallocate = 47
  case faccessat = 48
  case chdir = 49
  case fchdir = 50
  case fchmod = 52
  case fchmodat = 53
  case openat = 56
  case close = 57
  case getdents64 = 61
  case pipe2 = 59
  case lseek = 62
  case read = 63
  case write = 64
  case readv = 65
  case writev = 66
  case pread64 = 67
  case pwrite64 = 68
  case preadv = 69
  case pwritev = 70
  case readlinkat = 78
  case newfstatat = 79
  case fstat = 80
  case sync = 81
  case fsync = 82
  case fdatasync = 83
  case syncFileRange = 84
  case exit = 93
  case exitGroup = 94
  case waitID = 95
  case setThreadIDAddress = 96
  case futex = 98
  case nanosleep = 101
  case clockGetTime = 113
  case clockGetResolution = 114
  case clockNanosleep = 115
  case schedulerYield = 124
  case getAffinity = 123
  case kill = 129
  case threadKill = 130
  case threadGroupKill = 131
  case alternateStack = 132
  case signalSuspend = 133
  case signalAction = 134
  case signalMask = 135
  case signalPending = 136
  case signalTimedWait = 137
  case signalReturn = 139
  case times = 153
  case setProcessGroup = 154
  case getProcessGroup = 155
  case getSession = 156
  case setSession = 157
  case uname = 160
  case getrlimit = 163
  case setrlimit = 164
  case umask = 166
  case getrusage = 165
  case prctl = 167
  case getTimeOfDay = 169
  case getcpu = 168
  case getpid = 172
  case getppid = 173
  case getuid = 174
  case geteuid = 175
  case getgid = 176
  case getegid = 177
  case gettid = 178
  case sysinfo = 179
  case shmget = 194
  case shmctl = 195
  case shmat = 196
  case shmdt = 197
  case socketpair = 199
  case sendto = 206
  case recvfrom = 207
  case shutdown = 210
  case readahead = 213
  case brk = 214
  case munmap = 215
  case mremap = 216
  case clone = 220
  case execve = 221
  case mmap = 222
  case fadvise64 = 223
  case swapon = 224
  case swapoff = 225
  case mprotect = 226
  case msync = 227
  case mlock = 228
  case munlock = 229
  case mlockall = 230
  case munlockall = 231
  case mincore = 232
  case madvise = 233
  case wait4 = 260
  case prlimit64 = 261
  case renameat2 = 276
  case getrandom = 278
  case memfdCreate = 279
  case mlock2 = 284
  case statx = 291
  case closeRange = 436
}
