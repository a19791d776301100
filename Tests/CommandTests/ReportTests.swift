import MMUKit
import MMUMemory
import Testing

@testable import MMUCommands
@testable import MMUReporting

@Suite struct Reports {
  /// Numbers chosen so that every rate can be checked by eye.
  static var sample: RunResult {
    var result = RunResult()
    var s = Statistics()
    s.instructions = 1_000_000
    s.cycles = 1_500_000
    s.userCycles = 1_200_000
    s.systemCycles = 300_000
    s.systemCalls = 1
    s.loads = 200_000
    s.stores = 100_000
    s.atomics = 7
    s.itlb.lookups = 1_000_004
    s.itlb.misses = 4
    s.dtlb.lookups = 300_010
    s.dtlb.misses = 30_001
    s.supervisorDTLB.lookups = 3
    s.supervisorDTLB.misses = 1
    s.stlb.lookups = 30_006
    s.stlb.misses = 256
    s.walks.count = 256
    s.walks.cycles = 4_096
    s.walks.readsPML4E = 1
    s.walks.readsPDPTE = 2
    s.walks.readsPDE = 3
    s.walks.readsPTE = 256
    s.walks.hitsPDE = 253
    s.walks.assistsAccessed = 250
    s.walks.assistsDirty = 249
    s.faults.minor = 250
    s.faults.zero = 245
    s.faults.file = 5
    s.memory.peakResidentPages = 251
    s.memory.pageTablePages = 9
    s.memory.framesUsedPeak = 300
    var process = Statistics.Process()
    process.pid = 2
    process.name = "a \"b\".s"
    process.instructions = 1_000_000
    s.processes = [process]
    result.statistics = s
    return result
  }

  static let run = RunDescription(program: "a \"b\".s", arguments: ["one", "it's"])

  @Test func `the text report is the recorded one`() {
    let text = TextReport.render(Self.sample.statistics, of: Self.run)
    #expect(
      text == """

         a "b".s: exit 0, preset default
             1,000,000  instructions
             1,500,000  cycles            # 1.50 cycles per instruction
             1,200,000    user            # 80.00% of cycles
               300,000    kernel          # 20.00% of cycles, 1 system call
             1,000,004  iTLB lookups      # 4 misses (0.00%)
               300,010  dTLB lookups      # 30,001 misses (10.00%)
                     3    by the kernel   # 1 miss (33.33%)
                30,006  STLB lookups      # 256 misses (0.85%)
                   256  page walks        # 4,096 cycles (0.27% of cycles, 16.0 per walk)
                   262  entry reads       # 1 PML4E, 2 PDPTE, 3 PDE, 256 PTE
                   499  A/D assists       # 250 accessed, 249 dirty
                   250  page faults       # 250 minor, 0 major, 0 to signals, 0 spurious
                   250    resolved        # 245 zero, 0 copy on write, 5 file
                   251  resident pages    # at most, 1,004 KiB
                     9  page-table pages  # at most
         rerun: mmuemu 'a "b".s' one 'it'\\''s'

        """)
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 21)
  }

  @Test func `the JSON report can be read and has every key of the contract`() throws {
    let text = JSONReport.render(Self.sample, of: Self.run)
    var scanner = VectorScanner(Array(text.utf8))
    let report = try #require(try scanner.next())
    #expect(try scanner.next() == nil)
    let keys = [
      "schema", "program", "arguments", "exit.status", "exit.signal", "exit.reason",
      "configuration.seed", "configuration.preset", "configuration.ram", "instructions", "cycles",
      "loads", "stores", "atomics", "itlb.lookups", "itlb.misses", "dtlb.lookups", "dtlb.misses",
      "dtlb.supervisorLookups", "dtlb.supervisorMisses", "stlb.lookups", "stlb.misses",
      "walks.count", "walks.cycles", "walks.entryReads.pml4e", "walks.entryReads.pdpte",
      "walks.entryReads.pde", "walks.entryReads.pte", "walks.structureHits.pml4e",
      "walks.structureHits.pdpte", "walks.structureHits.pde", "walks.assists.accessed",
      "walks.assists.dirty", "flushes.page", "flushes.pcid", "flushes.all", "flushes.cr3",
      "faults.minor", "faults.major", "faults.zero", "faults.copyOnWrite", "faults.file",
      "faults.signal", "faults.spurious", "memory.peakResidentPages",
      "memory.pageTablePages", "memory.framesUsedPeak", "memory.roundedBytes",
      "memory.freePages", "memory.freeBlocks",
      "memory.unusableFreeIndexOrder9", "processes",
    ]
    for key in keys {
      var value: VectorValue? = report
      for name in key.split(separator: ".") { value = value?.member(String(name)) }
      #expect(value != nil, "\(key)")
    }
    #expect(report.member("program") == .string("a \"b\".s"))
    #expect(report.member("rerun") == .string("mmuemu 'a \"b\".s' one 'it'\\''s'"))
    #expect(report.member("walks")?.member("entryReads")?.member("pte") == .number(256))
    #expect(report.member("exit")?.member("signal") == .null)
    guard case .array(let processes)? = report.member("processes") else {
      Issue.record("processes is no array")
      return
    }
    let fields = [
      "pid", "name", "instructions", "cycles", "userCycles", "systemCycles", "minorFaults",
      "majorFaults", "maxResidentPages", "status",
    ]
    for field in fields { #expect(processes[0].member(field) != nil, "\(field)") }
  }

  @Test func `free memory has a line where half of it is in blocks below 2 MiB`() {
    var sample = Self.sample
    sample.statistics.memory.freePages = 1_234
    sample.statistics.memory.freeBlocks = [2, 616]
    for (index, isShown) in [(0, false), (499, false), (500, true), (1000, true)] {
      sample.statistics.memory.unusableFreeIndexOrder9 = UInt64(index)
      let text = TextReport.render(sample.statistics, of: Self.run)
      let percent = index == 500 ? "50.00%" : "100.00%"
      let line = "1,234  free pages        # at the end, \(percent) in blocks below 2 MiB\n"
      #expect(text.contains(line) == isShown)
      #expect(text.contains("free pages") == isShown)
      let json = JSONReport.render(sample, of: Self.run)
      #expect(json.contains("\"freeBlocks\": [2, 616]"))
      #expect(json.contains("\"unusableFreeIndexOrder9\": \(index)"))
    }
  }

  @Test func `strings are escaped as JSON asks`() {
    #expect(JSONWriter.quoted("a\"\\\n\t\u{1}\u{7f}ü") == #""a\"\\\n\t\u0001\u007fü""#)
  }

  @Test func `a signal is told by name and number`() {
    var result = Self.sample
    result.statistics.exit = .init(status: 139, signal: 11, reason: .signal)
    let text = TextReport.render(result.statistics, of: Self.run)
    #expect(text.contains("killed by SIGSEGV (139)"))
    let json = JSONReport.render(result, of: Self.run)
    #expect(json.contains("\"signal\": 11"))
    #expect(json.contains("\"reason\": \"signal\""))
  }

  @Test func `host time appears only when it is asked for`() {
    let with = TextReport.render(
      Self.sample.statistics, of: Self.run, hostNanoseconds: 2_000_000)
    #expect(with.contains(" host: 0.002 s, 500.0 MIPS\n"))
    #expect(!TextReport.render(Self.sample.statistics, of: Self.run).contains("host"))
    #expect(!JSONReport.render(Self.sample, of: Self.run).contains("host"))
  }

  @Test func `the rerun line names what differs from the preset`() throws {
    var run = RunDescription(program: "-x.s")
    run.configuration = try MachineConfiguration(preset: "zen4")
    try run.configuration.set("dtlb.4k.entries", to: "36")
    run.configuration.seed = 7
    run.configuration.environment = ["A=b c"]
    run.configuration.directories = [
      SharedDirectory(host: "a=b", guest: "/x"),
      SharedDirectory(host: ".", guest: "/y", isWritable: true),
    ]
    run.includeFolders = ["inc"]
    run.symbols = ["N=3"]
    let json = JSONReport.render(Self.sample, of: run)
    #expect(json.contains("\"directories\": [\"--dir a=b=/x\", \"--dir-rw .=/y\"]"))
    #expect(
      run.rerunCommand
        == "mmuemu --preset zen4 --set seed=7 --set dtlb=4K+2M+1G:36/36:lru --env 'A=b c' "
        + "--dir a=b=/x --dir-rw .=/y -I inc --defsym N=3 -- -x.s")
    #expect(RunDescription(program: "list").rerunCommand == "mmuemu run list")
  }

  @Test func `numbers are grouped and rates rounded half up`() {
    #expect(NumberText.grouped(0) == "0")
    #expect(NumberText.grouped(999) == "999")
    #expect(NumberText.grouped(1000) == "1,000")
    #expect(NumberText.grouped(.max) == "18,446,744,073,709,551,615")
    #expect(NumberText.ratio(1, 8) == "0.13")
    #expect(NumberText.ratio(0, 0) == "0.00")
    #expect(NumberText.ratio(.max, .max) == "1.00")
    #expect(NumberText.ratio(.max, 1) == "18,446,744,073,709,551,615")
    #expect(NumberText.percent(1, of: 3) == "33.33%")
    #expect(NumberText.percent(.max, of: .max) == "100.00%")
    #expect(Comparison.change(100, 150) == "+50.00%")
    #expect(Comparison.change(150, 100) == "-33.33%")
    #expect(Comparison.change(0, 3) == "new")
    #expect(Comparison.change(3, 3) == "0.00%")
  }

  @Test func `the difference of two moments keeps peaks and endings`() {
    var later = Self.sample.statistics
    later.instructions += 10
    later.walks.readsPTE += 3
    later.exit.status = 4
    let difference = later - Self.sample.statistics
    #expect(difference.instructions == 10)
    #expect(difference.cycles == 0)
    #expect(difference.walks.readsPTE == 3)
    #expect(difference.memory.peakResidentPages == 251)
    #expect(difference.exit.status == 4)
    #expect(difference.processes[0].instructions == 0)
  }
}
