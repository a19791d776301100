import Foundation
import TestSupport
import Testing

@testable import MMUCommands

/// A row of Programs/expected.tsv.
struct ExpectedRun {
  var file: String
  var options: [String]
  var arguments: [String]
  var input: String
  var status: Int32
  var output: String

  static let all: [ExpectedRun] = {
    func unescaped(_ text: Substring) -> String {
      text == "-" ? "" : text.replacingOccurrences(of: "\\n", with: "\n")
    }
    // `NAME=VALUE` is a symbol, `--NAME=VALUE` an option.
    func option(_ text: Substring) -> [String] {
      text.hasPrefix("--")
        ? text.split(separator: "=", maxSplits: 1).map(String.init) : ["--defsym", String(text)]
    }
    let table = contents(repositoryRoot() + "/Programs/expected.tsv")
    return table.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      precondition(fields.count == 6, "expected.tsv has six columns: \(line)")
      let symbols = fields[1] == "-" ? [] : fields[1].split(separator: ",")
      return ExpectedRun(
        file: String(fields[0]), options: symbols.flatMap(option),
        arguments: fields[2] == "-" ? [] : fields[2].split(separator: "|").map(String.init),
        input: unescaped(fields[3]), status: Int32(fields[4])!, output: unescaped(fields[5]))
    }
  }()
}

@Suite struct Programs {
  static let folder = repositoryRoot() + "/Programs"

  @Test(arguments: ExpectedRun.all.filter { !$0.file.hasPrefix("bench/") }.map(\.file))
  func `a program prints what its header says, and every trap leaves sound books`(file: String)
    throws
  {
    for run in ExpectedRun.all where run.file == file {
      let result = mmuemu(
        ["--check"] + run.options + ["\(Self.folder)/\(file)"] + run.arguments, input: run.input)
      #expect(result.status == run.status, "\(result.error)")
      #expect(result.output == run.output)
      #expect(result.error.contains(" rerun: mmuemu "))
    }
  }

  @Test func `every program has a row, a header and a line in the list`() {
    let files = FileManager.default.enumerator(atPath: Self.folder)!
      .compactMap { $0 as? String }
      .filter { $0.hasSuffix(".s") && !$0.hasPrefix("lib/") }.sorted()
    #expect(files.filter { !$0.hasPrefix("bench/") }.count >= 15)
    for file in files {
      #expect(ExpectedRun.all.contains { $0.file == file }, "\(file) has no row in expected.tsv")
    }
    var listed: [String] = []
    for file in files where !file.hasPrefix("bench/") {
      let name = String(file.dropLast(2))
      let lines = contents("\(Self.folder)/\(file)").split(separator: "\n")
      let entry = CommandCall.programs.first { $0.name == name }
      #expect(lines.first == "# \(name): \(entry?.summary ?? "(not in the list)")")
      for heading in ["# Shows: ", "# Watch: ", "# Prints: ", "# Ends: "]
      where !["echo", "cat"].contains(name) || heading != "# Watch: " {
        #expect(lines.contains { $0.hasPrefix(heading) }, "\(file) does not say \(heading)")
      }
      listed.append(name)
    }
    #expect(CommandCall.programs.map(\.name).sorted() == listed)
  }

  @Test func `headers state the output and the ending of expected.tsv`() {
    for run in ExpectedRun.all where run.arguments.isEmpty && run.input.isEmpty {
      if run.file.hasPrefix("bench/") { continue }
      let text = contents("\(Self.folder)/\(run.file)")
      let output = run.output.trimmingCharacters(in: .newlines)
      #expect(text.contains("# Prints: \(output)\n"), "\(run.file)")
      let ending =
        run.status == 0 ? "# Ends:   exit 0\n" : "# Ends:   killed by SIGSEGV (139), on purpose\n"
      #expect(text.contains(ending), "\(run.file)")
    }
  }
}
