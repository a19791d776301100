import Testing

@testable import MMUKernel

/// Lines for every form of argument; strace 6.1 writes the same for the same calls on Linux.
@Suite struct TraceFormTests {
  @Test func `every system call that is implemented has a row`() {
    for call in SystemCall.allCases {
      #expect(SystemCallTrace.rows[call] != nil, "\(call)")
    }
  }

  @Test func `files and descriptors`() throws {
    try check([
      ("mkdirat", "-100 dir 0755", #"mkdirat(AT_FDCWD, "/tmp/d", 0755) = 0"#),
      ("mkdirat", "3 dir 0", #"mkdirat(3, "/tmp/d", 000) = -1 EEXIST (File exists)"#),
      (
        "openat", "-100 file 0x242 0644",
        #"openat(AT_FDCWD, "/tmp/d/file", O_RDWR|O_CREAT|O_TRUNC, 0644) = 3"#
      ),
      (
        "openat", "-100 none 0x80800 0",
        #"openat(AT_FDCWD, "/tmp/none", O_RDONLY|O_NONBLOCK|O_CLOEXEC) "#
          + "= -1 ENOENT (No such file or directory)"
      ),
      (
        "openat", "-5 1 0x80000000 0",
        "openat(-5, 0x1, O_RDONLY|0x80000000) = -1 EFAULT (Bad address)"
      ),
      ("write", "3 odd 19", #"write(3, "hi\n\0\0017\200\377\"\\\t\v\f\r9/9/9", 19) = 19"#),
      ("write", "3 long 40", #"write(3, "01234567890123456789012345678901"..., 40) = 40"#),
      ("write", "3 long 32", #"write(3, "01234567890123456789012345678901", 32) = 32"#),
      ("write", "99 long 1", #"write(99, "0", 1) = -1 EBADF (Bad file descriptor)"#),
      ("write", "3 1 5", "write(3, 0x1, 5) = -1 EFAULT (Bad address)"),
      ("write", "3 0 0", "write(3, NULL, 0) = 0"),
      ("lseek", "3 -3 2", "lseek(3, -3, SEEK_END) = 88"),
      ("lseek", "3 0 9", "lseek(3, 0, 0x9 /* SEEK_??? */) = -1 EINVAL (Invalid argument)"),
      ("read", "3 buffer 100", #"read(3, "901", 100) = 3"#),
      ("read", "3 buffer 100", #"read(3, "", 100) = 0"#),
      ("read", "99 1 10", "read(99, 0x1, 10) = -1 EBADF (Bad file descriptor)"),
      ("pread64", "3 buffer 2 -2", "pread64(3, ADDR, 2, -2) = -1 EINVAL (Invalid argument)"),
      ("pwrite64", "3 long 2 5", #"pwrite64(3, "01", 2, 5) = 2"#),
      (
        "writev", "3 vector 2",
        #"writev(3, [{iov_base="01", iov_len=2}, {iov_base=NULL, iov_len=0}], 2) = 2"#
      ),
      ("lseek", "3 -3 2", "lseek(3, -3, SEEK_END) = 90"),
      (
        "readv", "3 into 2",
        #"readv(3, [{iov_base="101", iov_len=4}, {iov_base="", iov_len=8}], 2) = 3"#
      ),
      (
        "readv", "99 into 2",
        "readv(99, [{iov_base=ADDR, iov_len=4}, {iov_base=ADDR, iov_len=8}], 2) "
          + "= -1 EBADF (Bad file descriptor)"
      ),
      ("writev", "3 vector 0", "writev(3, [], 0) = 0"),
      ("fcntl", "3 1030 31", "fcntl(3, F_DUPFD_CLOEXEC, 31) = 31"),
      ("fcntl", "31 1", "fcntl(31, F_GETFD) = 0x1 (flags FD_CLOEXEC)"),
      ("fcntl", "3 4 0xc00", "fcntl(3, F_SETFL, O_RDONLY|O_APPEND|O_NONBLOCK) = 0"),
      ("fcntl", "3 77 5", "fcntl(3, 0x4d /* F_??? */, 0x5) = -1 EINVAL (Invalid argument)"),
      ("dup3", "3 20 0x80000", "dup3(3, 20, O_CLOEXEC) = 20"),
      ("pipe2", "buffer 0x80800", "pipe2([4, 5], O_NONBLOCK|O_CLOEXEC) = 0"),
      ("pipe2", "1 0", "pipe2(0x1, 0) = -1 EFAULT (Bad address)"),
      ("ioctl", "4 0x541b buffer", "ioctl(4, FIONREAD, [0]) = 0"),
      (
        "ioctl", "4 0x40045678 5",
        "ioctl(4, _IOC(_IOC_WRITE, 0x56, 0x78, 0x4), 0x5) "
          + "= -1 ENOTTY (Inappropriate ioctl for device)"
      ),
      ("fstat", "3 buffer", "fstat(3, {st_mode=S_IFREG|0644, st_size=93, ...}) = 0"),
      ("fstat", "4 buffer", "fstat(4, {st_mode=S_IFIFO|0600, st_size=0, ...}) = 0"),
      (
        "newfstatat", "-100 null buffer 0x100",
        #"newfstatat(AT_FDCWD, "/dev/null", {st_mode=S_IFCHR|0666, "#
          + "st_rdev=makedev(0x1, 0x3), ...}, AT_SYMLINK_NOFOLLOW) = 0"
      ),
      (
        "statx", "3 empty 0x3000 0x7ff buffer",
        #"statx(3, "", AT_STATX_FORCE_SYNC|AT_EMPTY_PATH, STATX_BASIC_STATS, "#
          + "{stx_mask=STATX_BASIC_STATS, stx_attributes=0, stx_mode=S_IFREG|0644, stx_size=93, "
          + "...}) = 0"
      ),
      (
        "faccessat", "-100 file 6",
        #"faccessat(AT_FDCWD, "/tmp/d/file", R_OK|W_OK) = 0"#
      ),
      ("faccessat", "-100 file 0", #"faccessat(AT_FDCWD, "/tmp/d/file", F_OK) = 0"#),
      (
        "fallocate", "3 3 0 100",
        "fallocate(3, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 0, 100) = 0"
      ),
      ("fadvise64", "3 0 0 3", "fadvise64(3, 0, 0, POSIX_FADV_WILLNEED) = 0"),
      ("ftruncate", "3 -1", "ftruncate(3, 18446744073709551615) = -1 EINVAL (Invalid argument)"),
      ("openat", "-100 dir 0x10000", #"openat(AT_FDCWD, "/tmp/d", O_RDONLY|O_DIRECTORY) = 6"#),
      ("getdents64", "6 buffer 200", "getdents64(6, ADDR /* 3 entries */, 200) = 72"),
      ("getcwd", "buffer 100", #"getcwd("/", 100) = 2"#),
      ("umask", "027", "umask(027) = 022"),
      ("unlinkat", "-100 file 0", #"unlinkat(AT_FDCWD, "/tmp/d/file", 0) = 0"#),
      ("unlinkat", "-100 dir 0x200", #"unlinkat(AT_FDCWD, "/tmp/d", AT_REMOVEDIR) = 0"#),
      (
        "memfd_create", "empty 0x8000",
        #"memfd_create("", 0x8000 /* MFD_??? */) = -1 EINVAL (Invalid argument)"#
      ),
      ("memfd_create", "empty 3", #"memfd_create("", MFD_CLOEXEC|MFD_ALLOW_SEALING) = 7"#),
      ("fcntl", "7 1033 7", "fcntl(7, F_ADD_SEALS, F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW) = 0"),
      (
        "fcntl", "7 1034",
        "fcntl(7, F_GET_SEALS) = 0x7 (seals F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW)"
      ),
      ("close_range", "25 -1 4", "close_range(25, 4294967295, CLOSE_RANGE_CLOEXEC) = 0"),
      (
        "socketpair", "1 0x801 0 buffer",
        "socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, [8, 9]) = 0"
      ),
      ("sendto", "8 long 5 0x4000 0 0", #"sendto(8, "01234", 5, MSG_NOSIGNAL, NULL, 0) = 5"#),
      (
        "recvfrom", "9 buffer 100 0x40 0 0",
        #"recvfrom(9, "01234", 100, MSG_DONTWAIT, NULL, NULL) = 5"#
      ),
      ("shutdown", "8 1", "shutdown(8, SHUT_WR) = 0"),
    ])
  }

  @Test func memory() throws {
    try check([
      ("brk", "0", "brk(NULL) = ADDR"),
      (
        "mmap", "0x7000000000 8192 3 0x100022 -1 0",
        "mmap(ADDR, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE, "
          + "-1, 0) = ADDR"
      ),
      (
        "mmap", "0 0 0 0x1 4 4096",
        "mmap(NULL, 0, PROT_NONE, MAP_SHARED, 4, 0x1000) = -1 EBADF (Bad file descriptor)"
      ),
      (
        "mprotect", "1 4096 0x1000004",
        "mprotect(0x1, 4096, PROT_EXEC|PROT_GROWSDOWN) = -1 EINVAL (Invalid argument)"
      ),
      ("mincore", "0x7000000000 8192 buffer", "mincore(ADDR, 8192, [0, 0]) = 0"),
      ("madvise", "0x7000000000 4096 4", "madvise(ADDR, 4096, MADV_DONTNEED) = 0"),
      (
        "madvise", "0x7000000000 4096 99",
        "madvise(ADDR, 4096, 0x63 /* MADV_??? */) = -1 EINVAL (Invalid argument)"
      ),
      ("msync", "0x7000000000 4096 6", "msync(ADDR, 4096, MS_SYNC|MS_INVALIDATE) = 0"),
      (
        "mremap", "0x7000000000 4096 4096 3 0x7000010000",
        "mremap(ADDR, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, ADDR) = ADDR"
      ),
      ("mremap", "0x7000010000 4096 8192 1", "mremap(ADDR, 4096, 8192, MREMAP_MAYMOVE) = ADDR"),
      ("mlock2", "0x7000010000 4096 1", "mlock2(ADDR, 4096, MLOCK_ONFAULT) = 0"),
      ("mlockall", "6", "mlockall(MCL_FUTURE|MCL_ONFAULT) = 0"),
      ("munlockall", "", "munlockall() = 0"),
      ("munmap", "0x7000010000 0", "munmap(ADDR, 0) = -1 EINVAL (Invalid argument)"),
      ("shmget", "0 4096 01600", "shmget(IPC_PRIVATE, 4096, IPC_CREAT|0600) = 0"),
      (
        "shmget", "0x1234 1 0600", "shmget(0x1234, 1, 0600) = -1 ENOENT (No such file or directory)"
      ),
      ("shmat", "0 0 010000", "shmat(0, NULL, SHM_RDONLY) = ADDR"),
      (
        "shmctl", "0 2 buffer",
        "shmctl(0, IPC_STAT, {shm_perm={uid=0, gid=0, mode=0600, key=0, cuid=0, cgid=0}, "
          + "shm_segsz=4096, shm_cpid=2, shm_lpid=2, shm_nattch=1, shm_atime=0, shm_dtime=0, "
          + "shm_ctime=0}) = 0"
      ),
      ("shmctl", "0 0 0", "shmctl(0, IPC_RMID, NULL) = 0"),
    ])
  }

  @Test func `processes, limits and signals`() throws {
    try check([
      (
        "execve", "none list list",
        #"execve("/tmp/none", ["/tmp/none", "01234567890123456789012345678901"...], "#
          + "ADDR /* 2 vars */) = -1 ENOENT (No such file or directory)"
      ),
      (
        "execve", "none 0 1",
        #"execve("/tmp/none", NULL, 0x1) = -1 ENOENT (No such file or directory)"#
      ),
      (
        "wait4", "-1 buffer 0x40000001 0",
        "wait4(-1, ADDR, WNOHANG|__WALL, NULL) = -1 ECHILD (No child processes)"
      ),
      (
        "waitid", "1 5 buffer 0x1000004 0",
        "waitid(P_PID, 5, ADDR, WEXITED|WNOWAIT, NULL) = -1 ECHILD (No child processes)"
      ),
      ("prctl", "41 1 0 0 0", "prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) = 0"),
      ("prctl", "15 file", #"prctl(PR_SET_NAME, "/tmp/d/file") = 0"#),
      ("prctl", "16 buffer", #"prctl(PR_GET_NAME, "/tmp/d/file") = 0"#),
      ("prctl", "1 15", "prctl(PR_SET_PDEATHSIG, SIGTERM) = 0"),
      ("prctl", "2 buffer", "prctl(PR_GET_PDEATHSIG, [SIGTERM]) = 0"),
      (
        "prctl", "12345 1 2 3 4",
        "prctl(0x3039 /* PR_??? */, 0x1, 0x2, 0x3, 0x4) = -1 EINVAL (Invalid argument)"
      ),
      (
        "prlimit64", "0 3 0 buffer",
        "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0"
      ),
      (
        "getrusage", "-1 buffer",
        "getrusage(RUSAGE_CHILDREN, {ru_utime={tv_sec=0, tv_usec=0}, "
          + "ru_stime={tv_sec=0, tv_usec=0}, ...}) = 0"
      ),
      ("sched_getaffinity", "0 8 buffer", "sched_getaffinity(0, 8, [0]) = 8"),
      (
        "rt_sigaction", "12 action buffer 8",
        "rt_sigaction(SIGUSR2, {sa_handler=0x1234, sa_mask=[INT CHLD], "
          + "sa_flags=SA_RESTART|SA_SIGINFO}, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0"
      ),
      ("rt_sigaction", "34 0 0 8", "rt_sigaction(SIGRT_2, NULL, NULL, 8) = 0"),
      (
        "rt_sigprocmask", "0 set buffer 8", "rt_sigprocmask(SIG_BLOCK, [INT CHLD RT_32], [], 8) = 0"
      ),
      ("rt_sigprocmask", "2 most 0 8", "rt_sigprocmask(SIG_SETMASK, ~[HUP], NULL, 8) = 0"),
      (
        "rt_sigprocmask", "2 0 buffer 8",
        "rt_sigprocmask(SIG_SETMASK, NULL, ~[HUP KILL STOP], 8) = 0"
      ),
      ("kill", "2 2", "kill(2, SIGINT) = 0"),
      ("rt_sigpending", "buffer 8", "rt_sigpending([INT], 8) = 0"),
      (
        "rt_sigtimedwait", "set buffer 0 8",
        "rt_sigtimedwait([INT CHLD RT_32], {si_signo=SIGINT, si_code=SI_USER, si_pid=2, "
          + "si_uid=0}, NULL, 8) = 2 (SIGINT)"
      ),
      ("kill", "0 0", "kill(0, 0) = 0"),
      ("tgkill", "99 99 64", "tgkill(99, 99, SIGRT_32) = -1 ESRCH (No such process)"),
      (
        "sigaltstack", "stack buffer",
        "sigaltstack({ss_sp=ADDR, ss_flags=SS_AUTODISARM, ss_size=8192}, "
          + "{ss_sp=NULL, ss_flags=SS_DISABLE, ss_size=0}) = 0"
      ),
    ])
  }

  @Test func `futexes, time and the system`() throws {
    try check([
      (
        "futex", "word 0x80 4 0",
        "futex(ADDR, FUTEX_WAIT_PRIVATE, 4, NULL) = -1 EAGAIN (Resource temporarily unavailable)"
      ),
      (
        "futex", "word 0 5 time",
        "futex(ADDR, FUTEX_WAIT, 5, {tv_sec=0, tv_nsec=1000}) = -1 ETIMEDOUT (Connection timed out)"
      ),
      ("futex", "word 0x81 -1", "futex(ADDR, FUTEX_WAKE_PRIVATE, 4294967295) = 0"),
      (
        "futex", "word 0x84 1 2 buffer 5",
        "futex(ADDR, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, ADDR, 5) = 0"
      ),
      (
        "futex", "word 0x85 1 1 buffer 0x91002003",
        "futex(ADDR, FUTEX_WAKE_OP_PRIVATE, 1, 1, ADDR, "
          + "FUTEX_OP_OPARG_SHIFT<<28|FUTEX_OP_ADD<<28|0x2<<12|FUTEX_OP_CMP_NE<<24|0x3) = 0"
      ),
      (
        "futex", "word 0x189 4 0 0 -1",
        "futex(ADDR, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 4, NULL, "
          + "FUTEX_BITSET_MATCH_ANY) = -1 EAGAIN (Resource temporarily unavailable)"
      ),
      ("futex", "word 0x8a 1 0 0 7", "futex(ADDR, FUTEX_WAKE_BITSET_PRIVATE, 1, 0x7) = 0"),
      (
        "futex", "word 0x99 1 2 3 4",
        "futex(ADDR, 0x99 /* FUTEX_??? */, 1, 0x2, 0x3, 0x4) "
          + "= -1 ENOSYS (Function not implemented)"
      ),
      ("nanosleep", "time buffer", "nanosleep({tv_sec=0, tv_nsec=1000}, ADDR) = 0"),
      ("nanosleep", "1 0", "nanosleep(0x1, NULL) = -1 EFAULT (Bad address)"),
      (
        "clock_nanosleep", "1 1 time 0",
        "clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, {tv_sec=0, tv_nsec=1000}, NULL) = 0"
      ),
      ("clock_getres", "11 buffer", "clock_getres(CLOCK_TAI, {tv_sec=0, tv_nsec=1}) = 0"),
      (
        "clock_gettime", "99 buffer",
        "clock_gettime(0x63 /* CLOCK_??? */, ADDR) = -1 EINVAL (Invalid argument)"
      ),
      ("times", "buffer", "times({tms_utime=0, tms_stime=0, tms_cutime=0, tms_cstime=0}) = 0"),
      ("uname", "buffer", #"uname({sysname="Linux", nodename="mmuemu", ...}) = 0"#),
      ("getcpu", "buffer 0 0", "getcpu([0], NULL, NULL) = 0"),
      (
        "getrandom", "1 4 3",
        "getrandom(0x1, 4, GRND_NONBLOCK|GRND_RANDOM) = -1 EFAULT (Bad address)"
      ),
      ("getrandom", "buffer 0 0", #"getrandom("", 0, 0) = 0"#),
      ("set_tid_address", "0", "set_tid_address(0) = 2"),
      // Not implemented, and none at all.
      (
        "mq_open", "1 0 -1", "mq_open(0x1, 0, ADDR, 0, 0, 0) = -1 ENOSYS (Function not implemented)"
      ),
      (
        "999", "1 0 2", "syscall_0x3e7(0x1, 0, 0x2, 0, 0, 0) = -1 ENOSYS (Function not implemented)"
      ),
    ])
  }

  /// Makes calls one after the other and compares their lines, spaces before the result and
  /// addresses apart.
  ///
  /// Arguments are numbers or the names of `data`.
  private func check(
    _ rows: [(name: String, arguments: String, line: String)],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var source = "_start:\n"
    for row in rows {
      var values = row.arguments.split(separator: " ").map { String($0) }
      while values.count < 6 { values.append("0") }
      for (i, value) in values.enumerated() {
        let isNumber = value.first == "-" || value.first?.isNumber == true
        source += "  \(isNumber ? "li" : "la") a\(i), \(value)\n"
      }
      let number =
        SystemCallTable.rows.first { $0.name == row.name }?.number ?? UInt64(row.name) ?? 0
      source += "  li a7, \(number)\n  ecall\n"
    }
    source += "  li a0, 0\n  li a7, 93\n  ecall\n" + Self.data
    let lines = try withFiles(["main.s": source]) { folder in
      mmuemu(["--strace", "--quiet", folder + "/main.s"]).error
    }
    let shown = lines.split(separator: "\n").map {
      $0.replacing(#/ +=/#, with: " =").replacing(#/0x[0-9a-f]{5,}/#, with: "ADDR")
    }
    let expected =
      rows.map { $0.line.replacing("0x80000000", with: "ADDR") }
      + ["exit(0) = ?", "+++ exited with 0 +++"]
    #expect(shown.count == expected.count, sourceLocation: sourceLocation)
    for (line, wanted) in zip(shown, expected) {
      #expect(line == wanted, sourceLocation: sourceLocation)
    }
  }

  private static let data = """
      .data
    dir: .asciz "/tmp/d"
    file: .asciz "/tmp/d/file"
    none: .asciz "/tmp/none"
    null: .asciz "/dev/null"
    empty: .asciz ""
    long: .asciz "0123456789012345678901234567890123456789"
    odd: .byte 104, 105, 10, 0, 1, 55, 128, 255, 34, 92, 9, 11, 12, 13
      .ascii "9/9/9"
      .balign 8
    vector: .dword long, 2, 0, 0
    into: .dword buffer, 4, buffer + 100, 8
    list: .dword none, long, 0
    action: .dword 0x1234, 0x10000004, 0x10002
    set: .dword 0x8000000000010002
    most: .dword -2
    stack: .dword buffer, 0x80000000, 8192
    time: .dword 0, 1000
    word: .word 5
      .bss
      .balign 8
    buffer: .zero 8192

    """
}
