import TestSupport
import Testing

@Suite struct TraceTests {
  @Test func `strace shows each call in strace's format, and changes no count`() {
    let hello = repositoryRoot() + "/Programs/hello.s"
    let traced = mmuemu(["--strace", "--quiet", hello])
    #expect(
      traced.error == """
        write(1, "Hello, paging!\\n", 15) = 15
        exit(0) = ?
        +++ exited with 0 +++

        """)
    let plain = mmuemu(["--report", "json", hello])
    let both = mmuemu(["--strace", "--report", "json", hello])
    #expect(both.error.hasSuffix(plain.error))
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
}
