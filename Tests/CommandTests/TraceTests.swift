import TestSupport
import Testing

@Suite struct TraceTests {
  @Test func `strace shows each call in strace's format, and changes no count`() {
    let hello = repositoryRoot() + "/Programs/hello.s"
    let traced = mmuemu(["--strace", "--quiet", hello])
    #expect(
      traced.error == """
        write(1, "Hello, paging!\\n", 15)        = 15
        exit(0)                                 = ?
        +++ exited with 0 +++

        """)
    for program in ["hello", "threads", "pipe", "vfork_exec", "orphan", "file_private"] {
      let path = repositoryRoot() + "/Programs/\(program).s"
      let plain = mmuemu(["--report", "json", path])
      let both = mmuemu(["--strace", "--report", "json", path])
      #expect(both.error.hasSuffix(plain.error), "\(program)")
    }
  }

  @Test func `a report never goes over a file the source includes`() throws {
    try withFiles(["main.s": ".include \"part.inc\"\n", "part.inc": "_start: j _start\n"]) {
      folder in
      let part = folder + "/part.inc"
      let result = mmuemu(["--report-file", part, folder + "/main.s"])
      #expect(result.status == 64)
      #expect(contents(part) == "_start: j _start\n")
    }
  }

  @Test func `strace names the signal that ends a program`() {
    let traced = mmuemu(["--strace", "--quiet", repositoryRoot() + "/Programs/null_pointer.s"])
    #expect(traced.status == 139)
    #expect(
      traced.error.contains(
        "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---\n"
          + "+++ killed by SIGSEGV +++\n"), "\(traced.error)")
  }

  /// `call` makes the system call whose number follows the arguments.
  private static func program(_ body: String) -> String {
    """
      .macro CALL number, a=0, b=0, c=0, d=0, e=0
      li a0, \\a
      li a1, \\b
      li a2, \\c
      li a3, \\d
      li a4, \\e
      li a7, \\number
      ecall
      .endm
      .equ buffer, 0x7000000000
      .globl _start
    _start:
      CALL 222, buffer, 8192, 3, 0x100022, -1
    \(body)
    """
  }

  private func trace(_ body: String) throws -> String {
    try withFiles(["main.s": Self.program(body)]) { folder in
      let lines = mmuemu(["--strace", "--quiet", folder + "/main.s"]).error
      // Without mmap's line.
      return String(lines.drop { $0 != "\n" }.dropFirst())
    }
  }

  @Test func `a call that waits is split where another process comes between`() throws {
    let shown = try trace(
      """
        CALL 220, 17
        bnez a0, parent
        CALL 93, 300
      parent:
        CALL 260, -1, buffer
        CALL 220, 17
        bnez a0, second
        CALL 129, 4, 9
      second:
        CALL 260, 0
        CALL 260, 0
        CALL 94, 0

      """)
    #expect(
      shown == """
        clone(child_stack=NULL, flags=SIGCHLD)  = 3
        [pid     2] wait4(-1,  <unfinished ...>
        [pid     3] exit(300)                   = ?
        [pid     3] +++ exited with 44 +++
        <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 44}], 0, NULL) = 3
        --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=3, si_uid=0, si_status=44, \
        si_utime=0, si_stime=0} ---
        clone(child_stack=NULL, flags=SIGCHLD)  = 4
        [pid     2] wait4(0,  <unfinished ...>
        [pid     4] kill(4, SIGKILL)            = ?
        [pid     4] +++ killed by SIGKILL +++
        <... wait4 resumed>NULL, 0, NULL)       = 4
        --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=4, si_uid=0, si_status=SIGKILL, \
        si_utime=0, si_stime=0} ---
        wait4(0, NULL, 0, NULL)                 = -1 ECHILD (No child processes)
        exit_group(0)                           = ?
        +++ exited with 0 +++

        """)
  }

  @Test func `a signal ends a call, and the call begins again`() throws {
    let shown = try trace(
      """
        li t0, buffer
        la t1, handler
        sd t1, 0(t0)
        li t1, 0x10000000
        sd t1, 8(t0)
        CALL 134, 10, buffer, 0, 8
        CALL 59, buffer
        CALL 220, 17
        bnez a0, parent
        CALL 129, 2, 10
        CALL 124
        CALL 64, 4, buffer, 0x2
        CALL 93
      parent:
        CALL 63, 3, buffer, 5
        CALL 129, 2, 15
      handler:
        ret

      """)
    #expect(
      shown.replacing(#/0x1[0-9a-f]{4}/#, with: "HANDLER") == """
        rt_sigaction(SIGUSR1, {sa_handler=HANDLER, sa_mask=[], sa_flags=SA_RESTART}, NULL, 8) = 0
        pipe2([3, 4], 0)                        = 0
        clone(child_stack=NULL, flags=SIGCHLD)  = 3
        [pid     2] read(3,  <unfinished ...>
        [pid     3] kill(2, SIGUSR1)            = 0
        [pid     3] sched_yield()               = 0
        [pid     2] <... read resumed>0x7000000000, 5) = ? ERESTARTSYS (To be restarted \
        if SA_RESTART is set)
        [pid     2] --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=3, si_uid=0} ---
        [pid     2] rt_sigreturn({mask=[]})     = 3
        [pid     2] read(3,  <unfinished ...>
        [pid     3] write(4, "\\3\\0", 2)         = 2
        [pid     3] exit(0)                     = ?
        [pid     3] +++ exited with 0 +++
        <... read resumed>"\\3\\0", 5)            = 2
        --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=3, si_uid=0, si_status=0, \
        si_utime=0, si_stime=0} ---
        kill(2, SIGTERM)                        = 0
        --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=2, si_uid=0} ---
        +++ killed by SIGTERM +++

        """)
  }

  @Test func `a thread that makes an execve takes the number of the first`() throws {
    let shown = try trace(
      """
        ld s0, 8(sp)
        lbu t0, 0(s0)
        beqz t0, again
        CALL 220, 0x50f00, buffer + 4096
        bnez a0, parent
        mv a0, s0
        li a1, 0
        li a2, 0
        li a7, 221
        ecall
      parent:
        CALL 98, buffer, 0x80, 0
      again:
        CALL 94, 3

      """)
    #expect(
      shown.replacing(#/".*main.s"/#, with: "PROGRAM") == """
        clone(child_stack=0x7000001000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|\
        CLONE_THREAD|CLONE_SYSVSEM) = 3
        [pid     2] futex(0x7000000000, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>
        [pid     3] execve(PROGRAM, NULL, NULL <unfinished ...>
        [pid     2] <... futex resumed>)        = ?
        +++ superseded by execve in pid 3 +++
        <... execve resumed>)                   = 0
        mmap(0x7000000000, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|\
        MAP_FIXED_NOREPLACE, -1, 0) = 0x7000000000
        exit_group(3)                           = ?
        +++ exited with 3 +++

        """)
  }

  @Test func `threads and a vfork are told apart`() throws {
    let shown = try trace(
      """
        CALL 220, 0x350f00, buffer + 4096, buffer, 0, buffer + 8
        bnez a0, parent
        CALL 98, buffer + 16, 0x80, 0
      parent:
        CALL 124
        CALL 220, 0x4111
        bnez a0, after
        CALL 93, 1
      after:
        CALL 94, 7

      """)
    #expect(
      shown == """
        clone(child_stack=0x7000001000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|\
        CLONE_THREAD|CLONE_SYSVSEM|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, parent_tid=[3], \
        child_tidptr=0x7000000008) = 3
        [pid     2] sched_yield()               = 0
        [pid     3] futex(0x7000000010, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>
        [pid     2] clone(child_stack=NULL, flags=CLONE_VM|CLONE_VFORK|SIGCHLD <unfinished ...>
        [pid     4] exit(1)                     = ?
        [pid     4] +++ exited with 1 +++
        [pid     2] <... clone resumed>)        = 4
        [pid     2] --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=4, si_uid=0, \
        si_status=1, si_utime=0, si_stime=0} ---
        [pid     2] exit_group(7)               = ?
        [pid     3] <... futex resumed>)        = ?
        [pid     3] +++ exited with 7 +++
        +++ exited with 7 +++

        """)
  }
}
