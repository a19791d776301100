/// Numbers or bits with names in C.
struct NameTable: Sendable {
  /// What all the names begin with.
  let prefix: String
  private let names: [(value: UInt64, name: String)]

  /// - Parameters:
  ///   - prefix: begins every name.
  ///   - names: the rest of each, several bits before one of them.
  ///   - others: names that begin differently.
  init(_ prefix: String, _ names: [(UInt64, String)], others: [(UInt64, String)] = []) {
    self.prefix = prefix
    self.names =
      names.map { (value: $0.0, name: prefix + $0.1) }
      + others.map { (value: $0.0, name: $0.1) }
  }

  /// The names of consecutive numbers from 0; a dash has none.
  init(_ prefix: String, from first: UInt64 = 0, listing names: String) {
    let words = names.split(separator: " ")
    self.init(
      prefix,
      words.indices.filter { words[$0] != "-" }.map { (first + UInt64($0), String(words[$0])) })
  }

  /// The name of a number: `MADV_COLD`, or `0x63 /* MADV_??? */`.
  func name(_ value: UInt64) -> String {
    names.first { $0.value == value }?.name
      ?? "\(SystemCallTrace.word(value)) /* \(prefix)??? */"
  }

  /// The names of bits, joined by bars; what has none in hex.
  func flags(_ value: UInt64) -> String {
    if value == 0 { return names.first { $0.value == 0 }?.name ?? "0" }
    let (shown, rest) = split(value)
    if shown.isEmpty { return "\(hex(rest)) /* \(prefix)??? */" }
    return (shown + (rest == 0 ? [] : [hex(rest)])).joined(separator: "|")
  }

  /// Further bits behind a first name: `|O_CREAT|0x1000000`.
  func more(_ value: UInt64) -> String {
    let (shown, rest) = split(value)
    return (shown + (rest == 0 ? [] : [hex(rest)])).map { "|" + $0 }.joined()
  }

  private func split(_ value: UInt64) -> (names: [String], rest: UInt64) {
    var rest = value
    var shown: [String] = []
    for (bits, name) in names where bits != 0 && rest & bits == bits {
      shown.append(name)
      rest &= ~bits
    }
    return (shown, rest)
  }
}

// The numbers of riscv64 (include/uapi, mostly asm-generic), flags in the order of strace.
extension NameTable {
  static let protection = NameTable(
    "PROT_",
    [
      (0, "NONE"), (1, "READ"), (2, "WRITE"), (4, "EXEC"), (8, "SEM"), (1 << 24, "GROWSDOWN"),
      (1 << 25, "GROWSUP"),
    ])
  static let mappingKind = NameTable("MAP_", listing: "FILE SHARED PRIVATE SHARED_VALIDATE")
  static let mapping = NameTable(
    "MAP_",
    [
      (0x10, "FIXED"), (0x20, "ANONYMOUS"), (0x4000, "NORESERVE"), (0x8000, "POPULATE"),
      (0x1_0000, "NONBLOCK"), (0x100, "GROWSDOWN"), (0x800, "DENYWRITE"), (0x1000, "EXECUTABLE"),
      (0x2000, "LOCKED"), (0x2_0000, "STACK"), (0x4_0000, "HUGETLB"), (0x8_0000, "SYNC"),
      (0x10_0000, "FIXED_NOREPLACE"),
    ])
  static let remapping = NameTable(
    "MREMAP_", [(1, "MAYMOVE"), (2, "FIXED"), (4, "DONTUNMAP")])
  static let synchronization = NameTable("MS_", [(4, "SYNC"), (1, "ASYNC"), (2, "INVALIDATE")])
  static let advice = NameTable(
    "MADV_",
    [
      (0, "NORMAL"), (1, "RANDOM"), (2, "SEQUENTIAL"), (3, "WILLNEED"), (4, "DONTNEED"),
      (8, "FREE"), (9, "REMOVE"), (10, "DONTFORK"), (11, "DOFORK"), (12, "MERGEABLE"),
      (13, "UNMERGEABLE"), (14, "HUGEPAGE"), (15, "NOHUGEPAGE"), (16, "DONTDUMP"),
      (17, "DODUMP"), (18, "WIPEONFORK"), (19, "KEEPONFORK"), (20, "COLD"), (21, "PAGEOUT"),
      (22, "POPULATE_READ"), (23, "POPULATE_WRITE"), (24, "DONTNEED_LOCKED"), (25, "COLLAPSE"),
      (100, "HWPOISON"), (101, "SOFT_OFFLINE"), (102, "GUARD_INSTALL"), (103, "GUARD_REMOVE"),
    ])
  static let locking = NameTable("MLOCK_", [(1, "ONFAULT")])
  static let lockingAll = NameTable("MCL_", [(1, "CURRENT"), (2, "FUTURE"), (4, "ONFAULT")])
  static let accessMode = NameTable("O_", listing: "RDONLY WRONLY RDWR ACCMODE")
  static let opening = NameTable(
    "O_",
    [
      (0x40, "CREAT"), (0x80, "EXCL"), (0x100, "NOCTTY"), (0x200, "TRUNC"), (0x400, "APPEND"),
      (0x800, "NONBLOCK"), (0x10_1000, "SYNC"), (0x1000, "DSYNC"), (0x4000, "DIRECT"),
      (0x8000, "LARGEFILE"), (0x2_0000, "NOFOLLOW"), (0x4_0000, "NOATIME"),
      (0x8_0000, "CLOEXEC"), (0x20_0000, "PATH"), (0x41_0000, "TMPFILE"),
      (0x1_0000, "DIRECTORY"),
    ], others: [(0x40_0000, "__O_TMPFILE"), (0x2000, "FASYNC")])
  static let place = NameTable(
    "AT_",
    [
      (0x100, "SYMLINK_NOFOLLOW"), (0x200, "REMOVEDIR"), (0x400, "SYMLINK_FOLLOW"),
      (0x800, "NO_AUTOMOUNT"), (0x1000, "EMPTY_PATH"), (0x8000, "RECURSIVE"),
    ])
  static let statusSynchronization = NameTable(
    "AT_STATX_",
    [
      (0, "SYNC_AS_STAT"), (0x2000, "FORCE_SYNC"), (0x4000, "DONT_SYNC"),
      (0x6000, "FORCE_SYNC|AT_STATX_DONT_SYNC"),
    ])
  static let statusMask = NameTable(
    "STATX_",
    [
      (0xfff, "ALL"), (0x7ff, "BASIC_STATS"), (1, "TYPE"), (2, "MODE"), (4, "NLINK"), (8, "UID"),
      (0x10, "GID"), (0x20, "ATIME"), (0x40, "MTIME"), (0x80, "CTIME"), (0x100, "INO"),
      (0x200, "SIZE"), (0x400, "BLOCKS"), (0x800, "BTIME"), (0x1000, "MNT_ID"),
      (0x2000, "DIOALIGN"),
    ])
  static let fileKind = NameTable(
    "S_IF",
    [
      (0o140000, "SOCK"), (0o120000, "LNK"), (0o100000, "REG"), (0o60000, "BLK"),
      (0o40000, "DIR"), (0o20000, "CHR"), (0o10000, "IFO"),
    ])
  static let fileModeBits = NameTable("S_IS", [(0o4000, "UID"), (0o2000, "GID"), (0o1000, "VTX")])
  static let access = NameTable("", [(0, "F_OK"), (4, "R_OK"), (2, "W_OK"), (1, "X_OK")])
  static let renaming = NameTable(
    "RENAME_", [(1, "NOREPLACE"), (2, "EXCHANGE"), (4, "WHITEOUT")])
  static let allocation = NameTable(
    "FALLOC_FL_",
    [
      (1, "KEEP_SIZE"), (2, "PUNCH_HOLE"), (4, "NO_HIDE_STALE"), (8, "COLLAPSE_RANGE"),
      (0x10, "ZERO_RANGE"), (0x20, "INSERT_RANGE"), (0x40, "UNSHARE_RANGE"),
    ])
  static let rangeSynchronization = NameTable(
    "SYNC_FILE_RANGE_", [(1, "WAIT_BEFORE"), (2, "WRITE"), (4, "WAIT_AFTER")])
  static let fileAdvice = NameTable(
    "POSIX_FADV_", listing: "NORMAL RANDOM SEQUENTIAL WILLNEED DONTNEED NOREUSE")
  static let origin = NameTable("SEEK_", listing: "SET CUR END DATA HOLE")
  static let closing = NameTable("CLOSE_RANGE_", [(2, "UNSHARE"), (4, "CLOEXEC")])
  static let memoryFile = NameTable(
    "MFD_",
    [
      (1, "CLOEXEC"), (2, "ALLOW_SEALING"), (4, "HUGETLB"), (8, "NOEXEC_SEAL"), (0x10, "EXEC"),
    ])
  static let fileControl = NameTable(
    "F_",
    [
      (0, "DUPFD"), (1, "GETFD"), (2, "SETFD"), (3, "GETFL"), (4, "SETFL"), (5, "GETLK"),
      (6, "SETLK"), (7, "SETLKW"), (8, "SETOWN"), (9, "GETOWN"), (10, "SETSIG"), (11, "GETSIG"),
      (15, "SETOWN_EX"), (16, "GETOWN_EX"), (17, "GETOWNER_UIDS"), (36, "OFD_GETLK"),
      (37, "OFD_SETLK"), (38, "OFD_SETLKW"), (1024, "SETLEASE"), (1025, "GETLEASE"),
      (1026, "NOTIFY"), (1029, "CANCELLK"), (1030, "DUPFD_CLOEXEC"), (1031, "SETPIPE_SZ"),
      (1032, "GETPIPE_SZ"), (1033, "ADD_SEALS"), (1034, "GET_SEALS"),
    ])
  static let descriptor = NameTable("FD_", [(1, "CLOEXEC")])
  static let seals = NameTable(
    "F_SEAL_",
    [(1, "SEAL"), (2, "SHRINK"), (4, "GROW"), (8, "WRITE"), (0x10, "FUTURE_WRITE")])
  static let random = NameTable("GRND_", [(1, "NONBLOCK"), (2, "RANDOM"), (4, "INSECURE")])
  static let clock = NameTable(
    "CLOCK_",
    listing: """
      REALTIME MONOTONIC PROCESS_CPUTIME_ID THREAD_CPUTIME_ID MONOTONIC_RAW REALTIME_COARSE \
      MONOTONIC_COARSE BOOTTIME REALTIME_ALARM BOOTTIME_ALARM SGI_CYCLE TAI
      """)
  static let timer = NameTable("TIMER_", [(1, "ABSTIME")])
  static let usage = NameTable(
    "RUSAGE_", [(0, "SELF"), (0xffff_ffff, "CHILDREN"), (1, "THREAD")])
  static let resource = NameTable(
    "RLIMIT_",
    listing: """
      CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO \
      RTTIME
      """)
  static let cloning = NameTable(
    "CLONE_",
    [
      (0x100, "VM"), (0x200, "FS"), (0x400, "FILES"), (0x800, "SIGHAND"), (0x1000, "PIDFD"),
      (0x2000, "PTRACE"), (0x4000, "VFORK"), (0x8000, "PARENT"), (0x1_0000, "THREAD"),
      (0x2_0000, "NEWNS"), (0x4_0000, "SYSVSEM"), (0x8_0000, "SETTLS"),
      (0x10_0000, "PARENT_SETTID"), (0x20_0000, "CHILD_CLEARTID"), (0x80_0000, "UNTRACED"),
      (0x100_0000, "CHILD_SETTID"), (0x200_0000, "NEWCGROUP"), (0x400_0000, "NEWUTS"),
      (0x800_0000, "NEWIPC"), (0x1000_0000, "NEWUSER"), (0x2000_0000, "NEWPID"),
      (0x4000_0000, "NEWNET"), (0x8000_0000, "IO"),
    ])
  static let waiting = NameTable(
    "",
    [
      (1, "WNOHANG"), (4, "WEXITED"), (2, "WSTOPPED"), (8, "WCONTINUED"),
      (0x100_0000, "WNOWAIT"), (0x8000_0000, "__WCLONE"), (0x4000_0000, "__WALL"),
      (0x2000_0000, "__WNOTHREAD"),
    ])
  static let waitTarget = NameTable("P_", listing: "ALL PID PGID PIDFD")
  static let maskChange = NameTable("SIG_", listing: "BLOCK UNBLOCK SETMASK")
  static let action = NameTable(
    "SA_",
    [
      (0x800_0000, "ONSTACK"), (0x1000_0000, "RESTART"), (0x2000_0000, "INTERRUPT"),
      (0x4000_0000, "NODEFER"), (0x8000_0000, "RESETHAND"), (4, "SIGINFO"), (1, "NOCLDSTOP"),
      (2, "NOCLDWAIT"),
    ])
  static let alternateStack = NameTable(
    "SS_", [(1, "ONSTACK"), (2, "DISABLE"), (1 << 31, "AUTODISARM")])
  static let futex = NameTable(
    "FUTEX_",
    listing: """
      WAIT WAKE FD REQUEUE CMP_REQUEUE WAKE_OP LOCK_PI UNLOCK_PI TRYLOCK_PI WAIT_BITSET \
      WAKE_BITSET WAIT_REQUEUE_PI CMP_REQUEUE_PI LOCK_PI2
      """)
  static let futexChange = NameTable("FUTEX_OP_", listing: "SET ADD OR ANDN XOR")
  static let futexComparison = NameTable("FUTEX_OP_CMP_", listing: "EQ NE LT LE GT GE")
  static let process = NameTable(
    "PR_",
    [
      (1, "SET_PDEATHSIG"), (2, "GET_PDEATHSIG"), (3, "GET_DUMPABLE"), (4, "SET_DUMPABLE"),
      (7, "GET_KEEPCAPS"), (8, "SET_KEEPCAPS"), (13, "GET_TIMING"), (14, "SET_TIMING"),
      (15, "SET_NAME"), (16, "GET_NAME"), (21, "GET_SECCOMP"), (22, "SET_SECCOMP"),
      (23, "CAPBSET_READ"), (24, "CAPBSET_DROP"), (27, "GET_SECUREBITS"),
      (28, "SET_SECUREBITS"), (29, "SET_TIMERSLACK"), (30, "GET_TIMERSLACK"), (35, "SET_MM"),
      (36, "SET_CHILD_SUBREAPER"), (37, "GET_CHILD_SUBREAPER"), (38, "SET_NO_NEW_PRIVS"),
      (39, "GET_NO_NEW_PRIVS"), (40, "GET_TID_ADDRESS"), (41, "SET_THP_DISABLE"),
      (42, "GET_THP_DISABLE"), (1_398_164_801, "SET_VMA"),
    ])
  static let sharedMemory = NameTable(
    "SHM_", [(0o10000, "RDONLY"), (0o20000, "RND"), (0o40000, "REMAP"), (0o100000, "EXEC")])
  static let segment = NameTable(
    "",
    [
      (0o1000, "IPC_CREAT"), (0o2000, "IPC_EXCL"), (0o4000, "SHM_HUGETLB"),
      (0o10000, "SHM_NORESERVE"),
    ])
  static let segmentControl = NameTable("IPC_", listing: "RMID SET STAT INFO")
  static let segmentControlMore = NameTable(
    "SHM_", from: 11, listing: "LOCK UNLOCK STAT INFO STAT_ANY")
  static let addressFamily = NameTable(
    "AF_", [(0, "UNSPEC"), (1, "UNIX"), (2, "INET"), (10, "INET6"), (16, "NETLINK")])
  static let socketKind = NameTable(
    "SOCK_",
    [(1, "STREAM"), (2, "DGRAM"), (3, "RAW"), (4, "RDM"), (5, "SEQPACKET"), (6, "DCCP")])
  static let socketFlags = NameTable("SOCK_", [(0x8_0000, "CLOEXEC"), (0x800, "NONBLOCK")])
  static let message = NameTable(
    "MSG_",
    [
      (1, "OOB"), (2, "PEEK"), (4, "DONTROUTE"), (8, "CTRUNC"), (0x10, "PROBE"), (0x20, "TRUNC"),
      (0x40, "DONTWAIT"), (0x80, "EOR"), (0x100, "WAITALL"), (0x200, "FIN"), (0x400, "SYN"),
      (0x800, "CONFIRM"), (0x1000, "RST"), (0x2000, "ERRQUEUE"), (0x4000, "NOSIGNAL"),
      (0x8000, "MORE"), (0x1_0000, "WAITFORONE"), (0x400_0000, "ZEROCOPY"),
      (0x2000_0000, "FASTOPEN"), (0x4000_0000, "CMSG_CLOEXEC"),
    ])
  static let shutdown = NameTable("SHUT_", listing: "RD WR RDWR")
  static let device = NameTable(
    "", [(0x5401, "TCGETS"), (0x5413, "TIOCGWINSZ"), (0x541b, "FIONREAD"), (0x5421, "FIONBIO")])
}
