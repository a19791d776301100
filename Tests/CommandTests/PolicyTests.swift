import Foundation
import MMUKit
import MMUPolicy
import TestSupport
import Testing

@testable import MMUCommands

@Suite struct `Policy command` {
  private static let belady = repositoryRoot() + "/Programs/belady.refs"

  @Test func `a table over frame counts names Belady's anomaly`() {
    let result = mmuemu("policy", "--frames", "1-2,3,4", "--policy", "fifo,lru", Self.belady)
    #expect(result.status == 0 && result.error == "")
    #expect(
      result.output == """
        \(Self.belady): 12 references to 5 pages, 0 writes

        policy  frames  faults  hits  hit rate  evictions  writebacks
        fifo         1      12     0     0.00%         11           0
        fifo         2      12     0     0.00%         10           0
        fifo         3       9     3    25.00%          6           0
        fifo         4      10     2    16.67%          6           0
        lru          1      12     0     0.00%         11           0
        lru          2      12     0     0.00%         10           0
        lru          3      10     2    16.67%          7           0
        lru          4       8     4    33.33%          4           0
        fifo: Belady's anomaly: 10 faults with 4 frames, but only 9 with 3

        """)
  }

  @Test func `a short string with one frame count shows every step`() {
    let result = mmuemu(
      "policy", "--frames=2", "--policy", "clock", "-", input: "0x9 10w 9 # hit\n0xb 9")
    #expect(
      result.output == """
        standard input: 5 references to 3 pages, 1 write

        clock, 2 frames:
        step  page        victim  frames
           1  0x9   miss          0x9
           2  0xaw  miss          0x9  0xa*
           3  0x9   hit           0x9  0xa*
           4  0xb   miss     0x9  0xb  0xa*
           5  0x9   miss     0xa  0xb  0x9

        policy  frames  faults  hits  hit rate  evictions  writebacks
        clock        2       4     1    20.00%          2           1

        """)
    let long = mmuemu("policy", "--frames", "2", "-", input: "1*65")
    #expect(!long.output.contains("step"))
    let several = mmuemu("policy", "--frames", "2", "--policy", "lru", "-", input: "1 @3 1")
    #expect(several.output.contains("   2  3:1   miss          0:1  3:1\n"))
  }

  @Test func `a curve has every size, equal ones on one line`() {
    let result = mmuemu("policy", "--curve", "-", input: "1 2 3 4 1 2 3 4 1 1")
    #expect(
      result.output == """
        standard input: 10 references to 4 pages, 0 writes

        faults at every memory size:
        frames  lru  opt
             1    9    9
             2    9    7
             3    9    5
            4+    4    4

        """)
    let ranges = mmuemu("policy", "--curve", "-", input: "1 1 2 3 4 5")
    #expect(ranges.output.hasSuffix("frames  lru  opt\n    1+    5    5\n"))
  }

  @Test func `parameters of 2q and random are heard`() {
    func faults(_ words: String...) -> Substring? {
      let text = "1 2 3 1 4 5 2 6 1 7 3 8 2 1 9 3 1 2"
      let result = mmuemu(["policy", "--frames", "3"] + words + ["-"], input: text)
      return result.output.split(separator: "\n").last
    }
    let string = ReferenceString(
      pages: [1, 2, 3, 1, 4, 5, 2, 6, 1, 7, 3, 8, 2, 1, 9, 3, 1, 2])
    let counts = ReplacementPolicy.twoQueue(kin: 1, kout: 9).replay(string, frames: 3)
    #expect(faults("--policy", "2q:1/9")?.contains("\(counts.faults)  ") == true)
    #expect(faults("--policy", "2q:1/9") != faults("--policy", "2q:1/0"))
    let rows = Set((1...5).map { faults("--policy", "random", "--seed", "\($0)") })
    #expect(rows.count > 1)
  }

  @Test func `mistakes are explained`() {
    let cases: [([String], Int32, String)] = [
      (["policy"], 64, "'policy' needs REFS"),
      (["policy", Self.belady], 64, "needs a number of frames"),
      (["policy", "--curve", "--policy", "lru", Self.belady], 64, "--policy needs --frames"),
      (["policy", "--frames", "0", Self.belady], 64, "'0' is no number of frames"),
      (["policy", "--frames", "3,", Self.belady], 64, "'' is no number of frames"),
      (["policy", "--frames", "4-3", Self.belady], 64, "'4-3' is no number of frames"),
      (["policy", "--frames", "1-2-3", Self.belady], 64, "'1-2-3' is no number of frames"),
      (["policy", "--frames", "1-9999", Self.belady], 64, "more than 4096 numbers"),
      (["policy", "--frames", "3", "--policy", "fifa", Self.belady], 64, "did you mean 'fifo'?"),
      (["policy", "--frames", "3", "--policy", "best", Self.belady], 64, "policies: fifo, lru"),
      (["policy", "--frames", "3", "--policy", "2q:1", Self.belady], 64, "it is 2q:KIN/KOUT"),
      (["policy", "--frames", "3", "--seed", "x", Self.belady], 64, "it is a number below 2^64"),
      (["policy", "--frames", "3", "/nonexistent.refs"], 66, "no such file"),
    ]
    for (words, status, expected) in cases {
      let result = mmuemu(words)
      #expect(result.status == status, "\(words)")
      #expect(result.error.contains(expected), "\(words): \(result.error)")
      #expect(result.output == "")
    }
    let bad = mmuemu("policy", "--frames", "3", "-", input: "1 2\n3 four 5\n")
    #expect(bad.status == 65)
    #expect(
      bad.error.hasPrefix(
        "standard input:2:3: error: 'four' is no page reference\n    2 | 3 four 5\n"),
      "\(bad.error)")
  }

  @Test func `the policies are listed`() {
    let list = mmuemu("list", "policies").output
    for policy in ReplacementPolicy.all {
      #expect(list.contains("  \(policy.name) "), "\(policy.name)")
    }
  }

  @Test func `the examples are read and described`() throws {
    let folder = repositoryRoot() + "/Programs"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".refs") }
    #expect(files.count >= 2)
    for file in files {
      #expect(contents("\(folder)/\(file)").hasPrefix("# \(file.dropLast(5)): "))
      let result = mmuemu("policy", "--frames", "3,4", "\(folder)/\(file)")
      #expect(result.status == 0, "\(result.error)")
    }
  }
}

@Suite struct `Recorded pages` {
  private static let program = """
    .globl _start
    _start:
      la t0, buffer
      li t1, 3
    1: lw t2, 0(t0)
      addi t1, t1, -1
      bnez t1, 1b
      lui t3, 1
      add t0, t0, t3
      sd t2, -4(t0)         # lies across two pages
      amoadd.w t2, t1, (t0)
      lr.d t2, (t0)
      li a0, 1
      la a1, buffer
      li a2, 4
      li a7, 64
      ecall                 # the kernel's copy is no access of the program
      li a0, 0
      li a7, 93
      ecall
    .bss
    .balign 4096
    buffer: .space 8192
    """

  @Test func `are those of loads, stores and atomics that retire`() throws {
    try withFiles(["p.s": Self.program]) { folder in
      let (program, record) = (folder + "/p.s", folder + "/p.refs")
      let plain = mmuemu(["--report", "json", program])
      for engine in ["fast", "reference"] {
        let result = mmuemu(
          ["--report", "json", "--engine", engine, "--record-pages", record, program])
        #expect(result.status == 0 && result.output == plain.output)
        if engine == "fast" { #expect(result.error == plain.error) }
        let text = contents(record)
        let page = try #require(text.split(separator: "\n").last?.split(separator: "*").first)
        let first = try #require(Int(page.dropFirst(2), radix: 16))
        let next = "0x" + String(first + 1, radix: 16)
        #expect(
          text == """
            # page references of \(program): data loads, stores and atomics
            @2
            \(page)*3 \(page)w \(next)w*3

            """)
      }
    }
  }

  @Test func `tell processes apart and change no count`() throws {
    try withFiles { folder in
      let record = folder + "/r.refs"
      let program = repositoryRoot() + "/Programs/fork_cow.s"
      let plain = mmuemu(["--report", "json", program])
      let recorded = mmuemu(["--report", "json", "--record-pages", record, program])
      #expect(recorded.error == plain.error)
      let string = try ReferenceString(parsing: Array(contents(record).utf8))
      #expect(Set(string.names.map(\.process)) == [2, 3])
      #expect(mmuemu("policy", "--frames", "4", record).status == 0)
    }
  }

  @Test func `count as the report does`() throws {
    try withFiles { folder in
      let record = folder + "/r.refs"
      let program = repositoryRoot() + "/Programs/quicksort.s"
      let recorded = mmuemu(["--report", "json", "--record-pages", record, program])
      let string = try ReferenceString(parsing: Array(contents(record).utf8))
      func counter(_ name: String) throws -> Int {
        let tail = try #require(recorded.error.range(of: "\"\(name)\":")?.upperBound)
        let digits = recorded.error[tail...].drop { $0 == " " }.prefix { $0.isNumber }
        return try #require(Int(digits))
      }
      #expect(string.count == (try counter("loads") + counter("stores") + counter("atomics")))
      #expect(string.writes == (try counter("stores") + counter("atomics")))
    }
  }

  @Test func `never go over the program, its sources or the report`() throws {
    try withFiles(["main.s": ".include \"part.inc\"\n", "part.inc": "_start: j _start\n"]) {
      folder in
      let (main, part) = (folder + "/main.s", folder + "/part.inc")
      #expect(mmuemu(["--record-pages", main, main]).status == 64)
      #expect(mmuemu(["--record-pages", part, main]).status == 64)
      #expect(contents(part) == "_start: j _start\n")
      let both = folder + "/both"
      let result = mmuemu(["--report-file", both, "--record-pages", both, main])
      #expect(result.status == 64 && result.error.contains("is the report file"))
      #expect(mmuemu(["--record-pages", folder + "/no/file", main]).status == 66)
    }
  }

  @Test func `a full disk is told after the run`() {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let result = mmuemu(["--record-pages", "/dev/full", repositoryRoot() + "/Programs/hello.s"])
    #expect(result.status == 66)
    #expect(result.output == "Hello, paging!\n")
    #expect(result.error.contains("/dev/full: error: cannot be written"), "\(result.error)")
  }
}
