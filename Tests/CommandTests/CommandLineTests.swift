import Foundation
import MMUExecution
import MMUKit
import MMUMemory
import TestSupport
import Testing

@testable import MMUCommands
@testable import MMUReporting

/// Runs the command line and returns what it wrote.
func mmuemu(
  _ words: String..., input: String = ""
) -> (status: Int32, output: String, error: String) {
  mmuemu(words, input: input)
}

func mmuemu(
  _ words: [String], input: String = ""
) -> (status: Int32, output: String, error: String) {
  let streams = Streams.captured(input: input)
  let status = Commands.main(words, streams: streams)
  return (status, streams.outputText, streams.errorText)
}

/// Makes a temporary folder with the files given, and removes it with all that is in it.
func withFiles<Result>(
  _ files: [String: String] = [:], _ body: (_ folder: String) throws -> Result
) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("mmuemu-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  for (name, text) in files {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }
  return try body(folder.path)
}

/// The text of a file; empty if it is not there.
func contents(_ path: String) -> String {
  String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
}

@Suite struct `Command line` {
  @Test func `options end at the file, and what follows is the guest's`() throws {
    let call = try CommandCall(
      parsing: ["--seed", "3", "--ram=8M", "prog", "--seed", "4", "-x"])
    #expect(call.command == .run)
    #expect(!call.isExplicit)
    #expect(call.operands == ["prog", "--seed", "4", "-x"])
    #expect(call.value(of: .seed) == "3")
    let machine = try call.configuration()
    #expect(machine.seed == 3)
    #expect(machine.ram == 8 << 20)
  }

  @Test func `run names a file called like a command`() throws {
    let call = try CommandCall(parsing: ["run", "list", "presets"])
    #expect(call.command == .run)
    #expect(call.operands == ["list", "presets"])
  }

  @Test func `two dashes end the options`() throws {
    let call = try CommandCall(parsing: ["-q", "--", "-f", "--", "x"])
    #expect(call.has(.quiet))
    #expect(call.operands == ["-f", "--", "x"])
  }

  @Test func `other commands take options anywhere`() throws {
    let call = try CommandCall(
      parsing: ["asm", "a.s", "-oout", "-I", "x", "-Iy", "--defsym", "N=2"])
    #expect(call.operands == ["a.s"])
    #expect(call.value(of: .output) == "out")
    #expect(call.values(of: .include) == ["x", "y"])
    #expect(call.values(of: .define) == ["N=2"])
  }

  @Test func `options become fields in the order given, after the preset`() throws {
    let machine = try CommandCall(
      parsing: [
        "--set", "seed=5", "--seed", "6", "--no-aslr", "--max-cycles", "9", "--engine",
        "reference", "--wx", "deny", "--from", "a", "--to", "b", "--env", "X=1", "--env", "Y=",
        "--preset", "zen2", "p",
      ]
    ).configuration()
    var expected = try MachineConfiguration(preset: "zen2")
    expected.seed = 6
    expected.randomizesAddresses = false
    expected.maximumCycles = 9
    expected.engine = .reference
    expected.allowsWritableCode = false
    expected.regionStart = "a"
    expected.regionEnd = "b"
    expected.environment = ["X=1", "Y="]
    #expect(machine == expected)
  }

  @Test func `mistakes get 64 and the nearest thing that exists`() {
    let cases: [([String], String)] = [
      ([], "usage: mmuemu"),
      (["--seedd", "1", "p"], "did you mean '--seed'?"),
      (["--pre", "zen4", "p"], "did you mean '--preset'?"),
      (["--preset", "zen9", "p"], "did you mean 'zen2'?"),
      (["--set", "dtlb.4k.entrys=3", "p"], "did you mean 'dtlb.4k.entries'?"),
      (["--set", "ram", "p"], "it is FIELD=VALUE"),
      (["--env", "=x", "p"], "it is NAME=VALUE"),
      (["--dir", "/nowhere", "p"], "it is HOST=GUEST"),
      (["--dir", "=/x", "p"], "it is HOST=GUEST"),
      (["--dir", ".=x", "p"], "an absolute path"),
      (["--dir", ".=/", "p"], "cannot see a directory at '/'"),
      (["--dir-rw", "a=b=/proc/x", "p"], "cannot see a directory at '/proc/x'"),
      (["--dir", ".=/x/y", "--dir-rw", "..=/x", "p"], "is that of '.=/x/y'"),
      (["--quiet=yes", "p"], "takes no value"),
      (["--ram"], "'--ram' needs a value"),
      (["--report", "xml", "p"], "it is 'text' or 'json'"),
      (["--swap", "1", "p"], "its size is a multiple of 4K"),
      (["--quiet"], "there is no program to run"),
      (["asm", "--ram", "8M", "p"], "it belongs to 'run'"),
      (["asm", "p"], "needs an output file"),
      (["compare", "a"], "needs more"),
      (["compare", "a", "b", "c"], "one word too many"),
      (["list", "prests"], "did you mean 'presets'?"),
      (["help", "fild"], "there is no help on 'fild'"),
      (["verify"], "'verify' needs FILE..."),
      (["lab", "ft", "x"], "did you mean 'fit'?"),
      (["lab", "fit", "--size", "1K"], "needs a file"),
      (["lab", "fit", "x"], "needs the size of the memory"),
      (["lab", "fit", "--size", "0", "x"], "it is a number of bytes"),
      (["lab", "fit", "--size", "1K", "--strategy", "first,quick", "x"], "'quick' is none of"),
      (["lab", "fit", "--order", "3", "x"], "is no option of 'lab fit'"),
      (["lab", "buddy", "--order", "19", "x"], "it is 0 to 18"),
      (["lab", "segmentation", "--page-size", "3K", "x"], "it is a power of two"),
      (["lab", "segmentation", "--strategy", "first,best", "x"], "one strategy at a time"),
    ]
    for (words, expected) in cases {
      let result = mmuemu(words)
      #expect(result.status == 64, "\(words)")
      #expect(result.error.contains(expected), "\(words): \(result.error)")
      #expect(result.output == "")
    }
  }

  @Test func `files that are not there or not programs are told apart`() throws {
    #expect(mmuemu("/nonexistent/prog.s").status == 66)
    #expect(mmuemu("lst").error.contains("did you mean the command 'list'?"))
    let folder = mmuemu(repositoryRoot())
    #expect(folder.status == 66)
    #expect(folder.error.contains("is a directory"))
    try withFiles(["empty.s": "", "binary": "\u{1}\u{0}x", "elf": "\u{7f}ELF\u{1}\u{1}"]) {
      folder in
      let empty = mmuemu(folder + "/empty.s")
      #expect(empty.status == 65)
      #expect(empty.error.contains("the file is empty"))
      let binary = mmuemu(folder + "/binary")
      #expect(binary.status == 65)
      #expect(binary.error.contains("neither an ELF file nor assembly source"))
      #expect(mmuemu(folder + "/elf").status == 65)
      #expect(mmuemu("disasm", folder + "/elf").status == 65)
      #expect(mmuemu("asm", folder + "/elf", "-o", folder + "/out").status == 65)
      #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
    }
  }

  @Test func `labs replay the scripts of the repository, and read standard input`() {
    let programs = repositoryRoot() + "/Programs/"
    let fit = mmuemu("lab", "fit", "--size", "1000", programs + "fragmentation.lab")
    #expect(fit.status == 0 && fit.output.contains("first   best  worst   next"))
    #expect(fit.output.contains("failed                        0      0      2      1"))
    let buddy = mmuemu("lab", "buddy", "--order", "4", programs + "buddy.lab")
    #expect(buddy.status == 0 && buddy.output.contains("alloc f 3     fails, 13 pages free"))
    let segments = ["lab", "segmentation", "--size", "256K", programs + "segments.lab"]
    #expect(mmuemu(segments).output.contains("failed requests                     1       0"))
    #expect(
      mmuemu(segments + ["--compact"]).output.contains(
        "failed requests                     0       0"))
    let maps = mmuemu("lab", "pagetable", "-", input: "1000-3000 rw-p 0 00:00 0\n")
    #expect(maps.status == 0 && maps.output.hasPrefix("1 areas, 2 pages of 4 KiB (8 KiB)\n"))
    let bad = mmuemu("lab", "fit", "--size", "9", "-", input: "alloc a 1\nfree b\n")
    #expect(bad.status == 65 && bad.error.hasPrefix("standard input:2:6: error: 'b' is not"))
    #expect(mmuemu("lab", "buddy", "--order", "1", "/nonexistent").status == 66)
  }

  @Test func `help covers every command, option and topic`() {
    let overview = mmuemu("help").output
    #expect(mmuemu("--help").output == overview)
    for command in CommandName.allCases {
      #expect(overview.contains("  \(command.rawValue) "))
      let page = mmuemu("help", command.rawValue)
      #expect(page.status == 0)
      #expect(mmuemu(command.rawValue, "--help").output == page.output)
      for option in Option.of(command) { #expect(page.output.contains(option.row.name)) }
    }
    let fields = mmuemu("help", "fields").output
    for field in ConfigurationField.all { #expect(fields.contains(field.name)) }
    #expect(mmuemu("help", "exit").output.contains("130"))
    #expect(mmuemu("--version").output == "mmuemu \(Commands.version)\n")
  }

  @Test func `names of options are distinct`() {
    let rows = Option.allCases.map(\.row)
    #expect(Set(rows.map(\.name)).count == rows.count)
    let letters = rows.compactMap(\.short)
    #expect(Set(letters).count == letters.count)
    for field in rows.compactMap(\.field) { #expect(ConfigurationField.named(field) != nil) }
  }

  @Test func `lists name what there is`() {
    for preset in Preset.all { #expect(mmuemu("list", "presets").output.contains(preset.name)) }
    #expect(mmuemu("list", "policies").output.contains("tree-plru"))
    #expect(mmuemu("list", "counters").output.contains("walks.entryReads.pte"))
    #expect(mmuemu("list", "syscalls").output.contains("write"))
  }
}

@Suite struct Compare {
  private func report(_ change: (inout RunResult, inout RunDescription) -> Void) -> String {
    var result = Reports.sample
    var run = RunDescription(program: "p.s")
    change(&result, &run)
    return JSONReport.render(result, of: run)
  }

  @Test func `two reports stand side by side`() throws {
    let a = report { _, _ in }
    let b = report { result, run in
      result.statistics.cycles = 3_000_000
      result.statistics.dtlb.misses = 0
      result.statistics.faults.major = 2
      run.configuration.seed = 2
    }
    try withFiles(["a.json": a, "b.json": b]) { folder in
      let result = mmuemu("compare", folder + "/a.json", folder + "/b.json")
      #expect(result.status == 0)
      let rows = result.output.split(separator: "\n").map { $0.split(separator: " ") }
      #expect(rows.contains(["cycles", "1,500,000", "3,000,000", "+100.00%"]))
      #expect(rows.contains(["cycles", "per", "instruction", "1.50", "3.00"]))
      #expect(rows.contains(["dtlb.misses", "30,001", "0", "-100.00%"]))
      #expect(rows.contains(["faults.major", "0", "2", "new"]))
      #expect(rows.contains(["seed", "1", "2"]))
      #expect(!rows.contains { $0.first == "flushes.page" }, "zero in both")
      #expect(!rows.contains { $0.first == "ram" }, "the same in both")
    }
  }

  @Test func `what is no report is refused with the reason`() throws {
    let good = report { _, _ in }
    let cases: [(String, String)] = [
      ("", "the file is empty"), ("{", "no JSON report"), ("[]", "there is no \"schema\""),
      ("{\"schema\": 2}", "schema 2"), ("{\"schema\": 1}", "\"instructions\""),
      ("{\"schema\": 1, \"instructions\": \"x\"}", "\"instructions\" is no number"),
      (good + good, "more than one JSON value"), ("\u{0}", "no JSON report"),
    ]
    for (text, expected) in cases {
      try withFiles(["good.json": good, "bad.json": text]) { folder in
        let result = mmuemu("compare", folder + "/good.json", folder + "/bad.json")
        #expect(result.status == 65)
        #expect(result.error.contains(expected), "\(text.prefix(40)): \(result.error)")
        #expect(mmuemu("compare", folder + "/good.json", folder + "/none.json").status == 66)
      }
    }
  }
}
