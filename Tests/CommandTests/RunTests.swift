import Foundation
import MMUKernel
import MMUMemory
import MMUPaging
import TestSupport
import Testing

@testable import MMUCommands

@Suite struct Runs {
  private static let hello = repositoryRoot() + "/Programs/hello.s"
  private static let loop = "_start: j _start\n"
  /// Writes "y" and a new line for ever.
  private static let yes = """
    _start: li a0, 1
    la a1, text
    li a2, 2
    li a7, 64
    ecall
    j _start
    .data
    text: .ascii "y\\n"
    """

  /// Runs a source text.
  private func run(
    _ source: String, _ options: [String] = ["--quiet"], arguments: [String] = []
  ) throws -> (status: Int32, output: String, error: String) {
    try withFiles(["x.s": source]) { folder in
      mmuemu(options + [folder + "/x.s"] + arguments)
    }
  }

  @Test func `the guest's exit status is ours`() throws {
    for status in [0, 1, 42, 255] {
      #expect(try run("_start: li a0, \(status)\nli a7, 93\necall\n").status == Int32(status))
    }
    #expect(try run("_start: ebreak\n").status == 133)
    #expect(try run("_start: .word 0\n").status == 132)
    #expect(try run("_start: ld a0, 0(zero)\n").status == 139)
  }

  @Test func `the report says by how many bytes mmap has rounded up`() throws {
    let map = """
      li a0, 0
      li a2, 3
      li a3, 0x22
      li a4, -1
      li a5, 0
      li a7, 222
      ecall

      """
    let source =
      "_start: li a1, 5000\n\(map)li a1, 8192\n\(map)li a1, 1\n\(map)li a0, 0\nli a7, 93\necall\n"
    let result = try run(source, ["--report", "json"])
    #expect(result.error.contains("\"roundedBytes\": \(8192 - 5000 + 4095)"), "\(result.error)")
  }

  @Test func `misaligned accesses to page zero are faults of the guest`() throws {
    for (size, offset) in [("h", 1), ("w", 1), ("w", 2), ("w", 3), ("d", 1), ("d", 4), ("d", 7)] {
      for name in ["l", "s"] {
        let source = "_start: \(name)\(size) t1, \(offset)(zero)\n"
        #expect(try run(source).status == 139, "\(source)")
        #expect(try run(source, ["--quiet", "--engine", "reference"]).status == 139, "\(source)")
      }
    }
  }

  /// Counts the faults and leaves them to the kernel.
  final class Counting: PageFaultHandler {
    var faults: UInt64 = 0

    func handle(
      _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
    ) -> FaultOutcome {
      faults += 1
      return services.handleByDefault(fault)
    }
  }

  @Test func `a tool with a handler of its own is one call`() {
    let handler = Counting()
    let streams = Streams.captured()
    let status = Commands.main(
      ["--report", "json", repositoryRoot() + "/Programs/brk_heap.s"], streams: streams,
      pageFaultHandler: handler)
    #expect(status == 0)
    // The 83rd is the stack's first page, which execve itself filled in.
    #expect(handler.faults == 82)
    #expect(streams.errorText.contains("\"minor\": 83,"))
  }

  @Test func `limits end a run with 75 and a report`() throws {
    let result = try run(Self.loop, ["--max-instructions", "1000"])
    #expect(result.status == 75)
    #expect(result.error.contains("stopped at its limit (75)"))
    #expect(result.error.contains("       1,000  instructions\n"))
    let json = try run(Self.loop, ["--max-cycles", "99999", "--report", "json"])
    #expect(json.status == 75)
    #expect(json.error.contains("\"reason\": \"limit\""))
    #expect(json.error.contains("\"max-cycles\": 99999,"))
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `an interrupt writes what the program wrote, a report, and 128 + its number`(
    number: Int32
  ) throws {
    let source = """
      _start:
          li a0, -100
          la a1, name
          li a2, 0x42             # O_RDWR | O_CREAT
          li a3, 0x1b6
          li a7, 56               # openat
          ecall
          la a1, text
          li a2, 6
          li a7, 64
          ecall
          li a0, 1
          ecall
      wait: j wait
      .data
      name: .asciz "/out/file"
      text: .ascii "saved\\n"
      """
    try withFiles(["write.s": source]) { folder in
      let streams = Streams.captured()
      let flag = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
      defer { flag.deallocate() }
      flag.initialize(to: 0)
      streams.interrupt = flag
      // The signal comes when the program has said that it has written.
      streams.writeOutput = {
        flag.pointee = number
        return $0.count
      }
      let words = ["--dir-rw", folder + "=/out", folder + "/write.s"]
      #expect(Commands.main(words, streams: streams) == 128 + number)
      #expect(streams.errorText.contains("interrupted (\(128 + number))"))
      #expect(contents(folder + "/file") == "saved\n")
    }
  }

  @Test func `the host's signals raise the flag once`() {
    // Whoever started the tests may ignore it, and tests run on threads that block signals.
    _ = signal(SIGHUP, SIG_DFL)
    var mask = sigset_t()
    var old = sigset_t()
    sigemptyset(&mask)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&mask, number) }
    pthread_sigmask(SIG_UNBLOCK, &mask, &old)
    defer { pthread_sigmask(SIG_SETMASK, &old, nil) }
    for number in [SIGINT, SIGTERM, SIGHUP] {
      let flag = Platform.interruptFlag()
      #expect(flag.pointee == 0)
      raise(number)
      #expect(flag.pointee == number)
      // A second one would end the process.
      for other in [SIGINT, SIGTERM, SIGHUP] {
        let handler = signal(other, SIG_DFL)
        #expect(unsafeBitCast(handler, to: Int.self) == 0, "signal \(other) after \(number)")
      }
    }
    _ = signal(SIGHUP, SIG_IGN)
    _ = Platform.interruptFlag()
    let handler = signal(SIGHUP, SIG_DFL)
    #expect(unsafeBitCast(handler, to: Int.self) == 1, "nohup")
    for number in [SIGINT, SIGTERM] { _ = signal(number, SIG_DFL) }
  }

  @Test(arguments: [[], ["--max-instructions", "99"]])
  func `the last line of an interrupted run repeats it up to there`(options: [String]) throws {
    let source = """
      _start: li a0, 1
      li a7, 64
      ecall
      wait: j wait
      """
    try withFiles(["x.s": source]) { folder in
      let file = folder + "/x.s"
      let streams = Streams.captured()
      let flag = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
      defer { flag.deallocate() }
      flag.initialize(to: SIGINT)
      streams.interrupt = flag
      #expect(Commands.main(options + ["--from", "wait", file], streams: streams) == 130)
      let rerun = streams.errorText.split(separator: "\n").last ?? ""
      #expect(rerun == " rerun: mmuemu --max-instructions 0 --set from=wait \(file)")
      let again = mmuemu(rerun.split(separator: " ").dropFirst(2).map(String.init))
      #expect(again.status == 75)
    }
  }

  @Test(arguments: ["text", "json"])
  func `quiet and a report without a file contradict each other`(form: String) throws {
    let result = try run(Self.loop, ["--quiet", "--report", form, "--max-instructions", "9"])
    #expect(result.status == 64)
    #expect(result.error.contains("--report-file PATH"))
  }

  @Test func `a program that runs past its end is told so`() throws {
    // With .data the code is followed by zeros, without it by what the file holds.
    let nop = try run("_start: nop\n.data\n.dword 5\n", [])
    #expect(nop.status == 132)
    let told = "behind the end of the code, whose last instruction is at "
    #expect(nop.error.contains(told + "0x100e8 ("), "\(nop.error)")
    #expect(nop.error.contains("x.s:1, _start): did the program run past it, without exit?"))
    // To the end of the page, behind which nothing is mapped.
    let page = try run(
      "_start: j page\n.balign 4096\npage: .rept 1023\nnop\n.endr\nlast: nop\n", [])
    #expect(page.status == 139)
    #expect(page.error.contains("x.s:6, last): did the program"), "\(page.error)")
    // What goes wrong inside has nothing of it, nor has what lies far away.
    for source in ["_start: .word 0\n", "_start: ld a0, 0(zero)\n", "_start: jr zero\n"] {
      #expect(try !run(source, []).error.contains("behind the end"), "\(source)")
    }
  }

  @Test func `a closed standard output is SIGPIPE to the guest`() throws {
    try withFiles(["yes.s": Self.yes]) { folder in
      let streams = Streams.captured()
      streams.writeOutput = { _ in -32 }
      #expect(Commands.main([folder + "/yes.s"], streams: streams) == 141)
      #expect(streams.errorText.contains("killed by SIGPIPE"))
    }
  }

  @Test func `quiet leaves errors only, and the report file is written all the same`() throws {
    try withFiles { folder in
      let file = folder + "/report.json"
      let result = mmuemu("-q", "--report", "json", "--report-file", file, Self.hello, "--seed")
      #expect(result.status == 0)
      #expect(result.error == "")
      #expect(result.output == "Hello, paging!\n")
      #expect(contents(file).contains("\"instructions\": 9,"))
      #expect(mmuemu("-q", "--report-file", folder + "/no/x", Self.hello).status == 66)
      #expect(mmuemu("-q", "--report-file", folder, Self.hello).error.contains("directory"))
      #expect(mmuemu("-q", "--report-file", Self.hello, Self.hello).status == 64)
    }
  }

  @Test func `a guest word that looks like ours gets a hint`() {
    let result = mmuemu(Self.hello, "--report", "json")
    #expect(result.error.contains("'--report' stands after"))
    #expect(!mmuemu(Self.hello, "--", "--report").error.contains("stands after"))
    #expect(!mmuemu(Self.hello, "--other").error.contains("stands after"))
  }

  @Test func `the same run gives the same bytes, in both engines`() throws {
    for name in ["brk_heap", "page_crosser", "self_modify", "read_kernel", "sparse"] {
      let path = repositoryRoot() + "/Programs/\(name).s"
      let first = mmuemu("--report", "json", path)
      #expect(first == mmuemu("--report", "json", path))
      let reference = mmuemu("--report", "json", "--engine", "reference", path)
      func counts(_ report: String) -> Substring {
        report[report.range(of: "  \"instructions\": ")!.lowerBound...]
      }
      #expect(counts(first.error) == counts(reference.error), "\(name)")
    }
  }

  @Test func `the rerun line repeats a run`() throws {
    let program = repositoryRoot() + "/Programs/echo.s"
    let first = mmuemu(
      "--preset", "zen2", "--seed", "9", "--set", "dtlb.4k.entries=16", "--env", "A=1", program,
      "one", "two")
    let line = try #require(first.error.split(separator: "\n").last)
    #expect(line.hasPrefix(" rerun: mmuemu --preset zen2 --set seed=9 "))
    let words = line.dropFirst(" rerun: mmuemu ".count).split(separator: " ").map(String.init)
    #expect(mmuemu(words) == first)
  }

  @Test func `a region is counted from one label to the next`() throws {
    let source = """
      _start: li t0, 10
      1: addi t0, t0, -1
      bnez t0, 1b
      begin: nop
      nop
      nop
      end: li a0, 0
      li a7, 93
      ecall
      """
    let result = try run(source, ["--from", "begin", "--to", "end", "--report", "json"])
    #expect(result.error.contains("\n  \"instructions\": 3,"))
    #expect(try run(source, ["--from", "begun"]).status == 64)
    #expect(try run(source, ["--from", "begun"]).error.contains("did you mean 'begin'?"))
  }

  @Test func `mistakes in a source are shown where they stand`() throws {
    let result = try run("_start: lii a0, 5\n addi a0, a0, 5000\n j nowhere\n", [])
    #expect(result.status == 65)
    #expect(result.error.contains("/x.s:1:9: error: unknown instruction 'lii'\n"))
    #expect(result.error.contains("/x.s:2:15: error: immediate 5000 does not fit"))
    #expect(result.error.contains("'nowhere' is not defined"))
    #expect(!result.error.contains("rerun"))
  }

  @Test func `asm writes what run runs, and disasm shows it`() throws {
    try withFiles { folder in
      let out = folder + "/hello"
      #expect(mmuemu("asm", Self.hello, "-o", out).status == 0)
      #expect(mmuemu("-q", out).output == "Hello, paging!\n")
      let listing = mmuemu("disasm", out)
      #expect(listing.status == 0)
      #expect(listing.output.contains(" <_start>:\n"))
      #expect(listing.output.contains("\tli\ta7,64\n"))
      #expect(mmuemu("disasm", Self.hello).output == listing.output)
      #expect(mmuemu("asm", Self.hello, "-o", Self.hello).status == 64)
      #expect(mmuemu("asm", Self.hello, "-o", folder).status == 66)
    }
  }

  @Test func `symbols and include folders reach the assembler`() throws {
    let source = ".include \"n.inc\"\n_start: li a0, N + M\nli a7, 93\necall\n"
    try withFiles(["x.s": source]) { folder in
      try withFiles(["n.inc": ".equ M, 2\n"]) { include in
        #expect(mmuemu("-q", "--defsym", "N=5", "-I", include, folder + "/x.s").status == 7)
        #expect(mmuemu("-q", "--defsym", "N=0x10", "-I", include, folder + "/x.s").status == 18)
        #expect(mmuemu("-q", "--defsym", "N", "-I", include, folder + "/x.s").status == 64)
        #expect(mmuemu("-q", "--defsym", "N=5", folder + "/x.s").status == 65)
      }
    }
  }
}
