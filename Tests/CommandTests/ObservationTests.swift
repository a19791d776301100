import Foundation
import MMUKernel
import MMUKit
import MMUPaging
import TestSupport
import Testing

@testable import MMUCommands
@testable import MMUReporting

@Suite struct ObservationTests {
  private static let programs = repositoryRoot() + "/Programs/"
  private static let engines = EngineKind.allCases.map(\.rawValue)

  /// Maps six pages and writes one after the other; `written` is arrived at with all of them there.
  private static let writer = """
    _start: li a0, 0
      li a1, 0x6000
      li a2, 3
      li a3, 0x22
      li a4, -1
      li a7, 222
      ecall
      li t0, 6
      li t1, 4096
    loop: sd t0, 0(a0)
      add a0, a0, t1
      addi t0, t0, -1
      bnez t0, loop
    written: li a1, 0x6000
      sub a0, a0, a1
      li a7, 215
      ecall
    gone: li a0, 0
      li a7, 93
      ecall

    """

  /// Has N children, of which each ends at once, and waits for none; `done` is arrived at with N
  /// zombies there.
  private static let forker = """
    _start: li s0, N
    more: li a0, 17
      li a1, 0
      li a2, 0
      li a3, 0
      li a4, 0
      li a7, 220
      ecall
      beqz a0, child
      li a7, 124
      ecall
      addi s0, s0, -1
      bnez s0, more
    done: li a0, 0
      li a7, 93
      ecall
    child: li a0, 7
      li a7, 93
      ecall

    """

  private func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

  /// Runs a source quietly without random placement.
  private func run(
    _ source: String, _ options: [String]
  ) throws -> (status: Int32, output: String, error: String) {
    try withFiles(["x.s": source]) { folder in
      mmuemu(["--quiet", "--no-aslr"] + options + [folder + "/x.s"])
    }
  }

  /// A machine with an assembled source.
  private func machine(_ source: String) throws -> Machine {
    try withFiles(["x.s": source]) { folder in
      let symbols = ["--defsym", "N=2", "-I", Self.programs]
      #expect(mmuemu(["asm", folder + "/x.s", "-o", folder + "/x"] + symbols).status == 0)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/x")))
      return try Machine(program: ELFImage(reading: bytes), host: MemoryHostIO())
    }
  }

  @Test(arguments: engines)
  func `each view has the layout of its tool`(engine: String) {
    // The path of the working folder is part of maps: the program is named by its last part.
    _ = FileManager.default.changeCurrentDirectoryPath(repositoryRoot())
    func view(_ option: String) -> String {
      mmuemu(
        "--quiet", "--no-aslr", "--engine", engine, option, "Programs/hello.s"
      ).error
    }
    #expect(
      view("--pmap") == """
        pid 2 (hello.s) at exit, cycle 5,903:
        2:   Programs/hello.s
        0000000000010000      4K r-x-- hello.s
        0000000000011000      4K r---- hello.s
        00007fffbf6ff000      4K r-x--   [ anon ]
        00007ffffffde000    132K rw---   [ stack ]
         total              144K

        """)
    #expect(
      view("--pmap=x").hasSuffix(
        """
        0000000000011000       4       4       0 r---- hello.s
        00007fffbf6ff000       4       0       0 r-x--   [ anon ]
        00007ffffffde000     132       4       4 rw---   [ stack ]
        ---------------- ------- ------- -------\(" ")
        total kB             144      12       4

        """))
    #expect(
      view("--pmap=d").hasSuffix(
        """
        0000000000011000       4 r---- 0000000000001000 008:00001 hello.s
        00007fffbf6ff000       4 r-x-- 0000000000000000 000:00001   [ anon ]
        00007ffffffde000     132 rw--- 0000000000000000 000:00000   [ stack ]
        mapped: 144K    writeable/private: 132K    shared: 0K

        """))
    #expect(
      view("--maps") == """
        pid 2 (hello.s) at exit, cycle 5,903:
        00010000-00011000 r-xp 00000000 08:01 3                                  Programs/hello.s
        00011000-00012000 r--p 00001000 08:01 3                                  Programs/hello.s
        7fffbf6ff000-7fffbf700000 r-xp 00000000 00:01 2                          [vdso]
        7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]

        """)
    let smaps = lines(view("--smaps"))
    #expect(smaps.count == 1 + 4 * 25)
    #expect(smaps[1] == lines(view("--maps"))[1])
    #expect(smaps.suffix(24).prefix(5).last == "Pss:                   4 kB")
    #expect(smaps.last == "VmFlags: rd wr mr mw me gd ac ")
    #expect(
      view("--top") == """
        all processes, pid 2 (hello.s) at exit, cycle 5,903:
        top - 5,903 cycles, up 0:00.000001
        Tasks:   1 total,   1 running,   0 sleeping,   0 stopped,   0 zombie
        MiB Mem :   1024.0 total,   1023.9 free,      0.0 used,      0.0 buff/cache

            PID    PPID S    VIRT    RES    SHR  %CPU        TIME+  MINFLT  MAJFLT COMMAND
              2       1 R     144     12      8 100.0  0:00.000001       3       0 hello.s

        """)
  }

  @Test(
    arguments: ["fork_cow", "threads", "pipe", "orphan", "null_pointer", "brk_heap"])
  func `nothing that is counted changes by looking`(name: String) throws {
    let program = Self.programs + name + ".s"
    let views = ["--pmap=x", "--maps", "--smaps", "--top", "--check"]
    let moments = [
      [], ["--at", "_start"], ["--at-cycle", "4000"], ["--at-cycle", "5000", "--at", "_start"],
    ]
    /// What begins with the report, behind stories and views.
    func report(_ text: String) -> Substring {
      let start = text.range(of: "\n \(program): ") ?? text.range(of: "{\n  \"schema\"")
      return start.map { text[$0.lowerBound...] } ?? ""
    }
    for engine in Self.engines {
      for form in ["text", "json"] {
        let options = ["--engine", engine, "--report", form]
        let plain = mmuemu(options + [program])
        #expect(report(plain.error).count > 500)
        for moment in moments {
          let seen = mmuemu(options + views + moment + [program])
          #expect(seen.status == plain.status)
          #expect(seen.output == plain.output)
          #expect(report(seen.error) == report(plain.error), "\(engine) \(moment)")
          #expect(seen.error.contains("\nMiB Mem : "), "\(engine) \(moment)")
        }
      }
    }
  }

  @Test func `a label shows what is there at the first arrival, in both engines`() throws {
    for engine in Self.engines {
      let options = ["--engine", engine, "--pmap=x"]
      let first = try run(Self.writer, options + ["--at", "loop"])
      #expect(first.error.hasPrefix("pid 2 (x.s) at loop, cycle "))
      #expect(
        lines(first.error).contains("00007fffbf6f9000      24       0       0 rw---   [ anon ]"))
      let written = try run(Self.writer, options + ["--at", "written"])
      #expect(
        lines(written.error).contains("00007fffbf6f9000      24      24      24 rw---   [ anon ]"))
      #expect(lines(written.error).count(where: { $0.hasPrefix("pid ") }) == 1)
      let gone = try run(Self.writer, options + ["--at", "gone"])
      #expect(!gone.error.contains("00007fffbf6f9000"))
    }
  }

  @Test func `a region and a look may share their labels`() throws {
    for engine in Self.engines {
      let region = ["--engine", engine, "--from", "loop", "--to", "written"]
      try withFiles(["x.s": Self.writer]) { folder in
        let program = folder + "/x.s"
        let plain = mmuemu(region + [program])
        #expect(plain.error.contains("          24  instructions\n"))
        for label in ["loop", "written", "gone"] {
          let seen = mmuemu(region + ["--at", label, "--pmap", program])
          #expect(seen.error.hasPrefix("pid 2 (x.s) at \(label), cycle "))
          #expect(seen.error.hasSuffix(plain.error))
        }
      }
    }
  }

  @Test func `a cycle is the first instruction at which the clock has reached it`() throws {
    /// The clock and the resident pages of the mapping.
    func look(_ cycle: Int, _ engine: String) throws -> (cycle: Int, resident: Int)? {
      let text = try run(
        Self.writer, ["--engine", engine, "--at-cycle", "\(cycle)", "--pmap=x"]
      ).error
      guard let head = lines(text).first, head.hasPrefix("pid 2 (x.s) at cycle ") else {
        return nil
      }
      let clock = head.dropFirst(21).filter(\.isNumber)
      let row = lines(text).first { $0.hasPrefix("00007fffbf6f9000") }
      let fields = row?.split(separator: " ")
      return (Int(clock)!, (fields.map { Int($0[2])! } ?? 0) / 4)
    }
    var seen: Set<Int> = []
    for cycle in stride(from: 0, to: 13_000, by: 97) {
      let fast = try look(cycle, "fast")
      let reference = try look(cycle, "reference")
      #expect(fast?.cycle == reference?.cycle)
      #expect(fast?.resident == reference?.resident)
      guard let fast else { continue }
      #expect(fast.cycle >= cycle)
      // Looking at the very cycle that was shown shows it again.
      #expect(try look(fast.cycle, "fast")?.cycle == fast.cycle)
      seen.insert(fast.resident)
    }
    #expect(seen == [0, 1, 2, 3, 4, 5, 6])
  }

  @Test func `a moment that never comes is told, and changes no report`() throws {
    let late = try run(Self.writer, ["--at-cycle", "99999999", "--top"])
    #expect(late.error.contains("the run ended before cycle 99999999: nothing was shown there"))
    let source = Self.writer + "never: nop\n"
    let never = try run(source, ["--at", "never", "--top"])
    #expect(never.error.contains("the run never arrived at the label 'never'"))
    #expect(lines(never.error).count == 1)
  }

  @Test func `every process alive is shown in order, and zombies in the table alone`() throws {
    let options = ["--defsym", "N=3", "--at", "done"]
    let maps = try run(Self.forker, options + ["--pmap"])
    #expect(lines(maps.error).filter { $0.hasPrefix("pid ") }.count == 1)
    let table = lines(try run(Self.forker, options + ["--top"]).error)
    #expect(table[2] == "Tasks:   4 total,   1 running,   0 sleeping,   0 stopped,   3 zombie")
    #expect(
      table.suffix(4).map { $0.prefix(17) } == [
        "      2       1 R", "      3       2 Z", "      4       2 Z", "      5       2 Z",
      ])
    // At their ends the children come first.
    let ends = lines(try run(Self.forker, ["--defsym", "N=3", "--maps"]).error)
    #expect(
      ends.filter { $0.hasPrefix("pid ") }.map { $0.prefix(5) } == [
        "pid 3", "pid 4", "pid 5", "pid 2",
      ])
    // Two at once, both with memory.
    let both = mmuemu("--quiet", "--maps", "--at", "child", Self.programs + "fork_cow.s")
    #expect(
      lines(both.error).filter { $0.hasPrefix("pid ") }.map { $0.prefix(18) } == [
        "pid 2 (fork_cow.s)", "pid 3 (fork_cow.s)",
      ])
  }

  @Test func `no more than a hundred are shown, and the first process always`() throws {
    let ends = try run(Self.forker, ["--defsym", "N=103", "--pmap", "--top"]).error
    let heads = lines(ends).filter { $0.hasPrefix("pid ") }
    #expect(heads.count == 101)
    #expect(heads.last?.hasPrefix("pid 2 ") == true)
    #expect(ends.components(separatedBy: "100 processes were shown").count == 2)
    #expect(lines(ends).count { $0.hasPrefix("all processes") } == 101)
  }

  @Test func `what says when but not what is a mistake, and so are bad values`() {
    let hello = Self.programs + "hello.s"
    let cases: [([String], String)] = [
      (["--at", "_start"], "'--at' says when to print, but nothing says what"),
      (["--at-cycle", "5"], "add one of --pmap, --maps, --smaps, --top"),
      (["--at-cycle", "5k", "--top"], "it is a number of cycles"),
      (["--pmap=y"], "it is --pmap[=x|d]"), (["--top=x"], "takes no value"),
      (["--at", "_strat", "--maps"], "did you mean '_start'?"),
    ]
    for (options, message) in cases {
      let result = mmuemu(options + [hello])
      #expect(result.status == 64)
      #expect(result.error.contains(message), "\(options): \(result.error)")
      #expect(result.output == "")
    }
    // The word after --pmap is the program, and what follows it the program's.
    let shown = mmuemu("--pmap", hello, "a b", "", "\u{e9}")
    #expect(shown.status == 0)
    #expect(lines(shown.error).dropFirst().first == "2:   \(hello) a b  \u{e9}")
  }

  @Test func `the times shown add up to the clock`() throws {
    let source = contents(Self.programs + "pipe.s")
    for cycle in stride(from: 50_000 as UInt64, through: 450_000, by: 50_000) {
      let machine = try machine(source)
      var total: UInt64 = 0
      var clock: UInt64 = 0
      machine.observer = Observer(cycle: cycle) { [unowned machine] sight in
        clock = sight.cycle
        #expect(sight.processes.count == 2)
        for process in sight.processes {
          let snapshot = machine.kernel.snapshot(
            of: process, clock: clock, isRunning: sight.isRunning)
          #expect(snapshot.cycles <= snapshot.age)
          total += snapshot.cycles
        }
      }
      _ = machine.run()
      #expect(clock >= cycle)
      #expect(total == clock)
    }
  }

  // MARK: --check

  /// Takes a frame and forgets it.
  final class Losing: PageFaultHandler {
    func handle(
      _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
    ) -> FaultOutcome {
      _ = services.allocateFrame()
      return services.handleByDefault(fault)
    }
  }

  @Test func `check finds what a handler loses, and ends the run with 70`() {
    let program = Self.programs + "hello.s"
    for options in [["--check"], ["--check", "--quiet"]] {
      let streams = Streams.captured()
      let status = Commands.main(
        options + [program], streams: streams, pageFaultHandler: Losing())
      #expect(status == 70)
      #expect(
        streams.errorText.contains("this is a bug of the page-fault handler or of mmuemu: frame "))
      #expect(streams.errorText.contains("please report"))
    }
    let streams = Streams.captured()
    #expect(Commands.main([program], streams: streams, pageFaultHandler: Losing()) == 0)
    #expect(mmuemu("--check", "--quiet", program).error == "")
  }

  @Test func `check finds a frame that is retained once too often`() throws {
    let machine = try machine(Self.writer)
    machine.checksInvariants = true
    let frames = machine.kernel.system.frames
    let used = try #require(
      (1..<100).map { FrameNumber(UInt64($0)) }.first { frames.use(of: $0) == .anonymous })
    machine.observer = Observer(label: "written") { _ in frames.retain(used) }
    let result = machine.run()
    #expect(result.exit == Statistics.Exit(status: 70, reason: .invariant))
    #expect(result.brokenInvariant?.hasSuffix(" is shared but writable") == true)
  }

  // MARK: The report

  @Test func `a report of several processes has a line for each, up to twenty`() throws {
    func table(_ count: Int) throws -> [Substring] {
      let text = try withFiles(["x.s": Self.forker]) { folder in
        mmuemu("--defsym", "N=\(count)", folder + "/x.s").error
      }
      return lines(text).drop { !$0.contains("page-table pages") }.dropFirst().dropLast()
    }
    let three = try table(2)
    #expect(three.count == 4)
    #expect(
      three.first
        == "  pid  name  instructions  user cycles  kernel cycles  minor  major  peak pages  shared  status"
    )
    #expect(three.map { $0.split(separator: " ").first } == ["pid", "2", "3", "4"])
    #expect(three.map { $0.split(separator: " ").last } == ["status", "0", "7", "7"])
    #expect(try table(19).count == 21)
    let many = try table(30)
    #expect(many.count == 22)
    #expect(many.last == "  and 11 more")
    #expect(!mmuemu(Self.programs + "hello.s").error.contains("user cycles"))
  }
}
