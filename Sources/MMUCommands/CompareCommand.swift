import MMUMemory
import MMUReporting

extension CommandCall {
  /// `compare A.json B.json`.
  func compare(_ streams: Streams) throws(CommandFailure) -> Int32 {
    let files = try operands(2...2)
    let a = try side(files[0])
    let b = try side(files[1])
    streams.print(Comparison.render(a, b))
    return 0
  }

  /// Reads what there is to compare of one report.
  private func side(_ path: String) throws(CommandFailure) -> Comparison.Side {
    let bytes = try read(path)
    func bad(_ message: String) -> CommandFailure {
      .badInput(
        path, message, help: "reports come from: mmuemu --report json --report-file PATH ...")
    }
    var scanner = VectorScanner(bytes)
    let report: VectorValue
    do {
      guard let value = try scanner.next() else { throw bad("the file is empty") }
      guard try scanner.next() == nil else { throw bad("more than one JSON value") }
      report = value
    } catch let error as VectorError {
      throw bad("line \(scanner.line): no JSON report: \(error.message)")
    } catch let error as CommandFailure {
      throw error
    } catch {
      throw bad("no JSON report")
    }
    guard case .object = report, case .number(let schema)? = report.member("schema") else {
      throw bad("no report: there is no \"schema\"")
    }
    guard schema == 1 else {
      throw bad("a report of schema \(schema); this version reads schema 1")
    }
    var counters: [(key: String, value: UInt64)] = []
    for counter in ReportCounter.all {
      var value: VectorValue? = report
      for name in counter.key.split(separator: ".") { value = value?.member(String(name)) }
      switch value {
      case .number(let number)?: counters.append((counter.key, number))
      case nil: break
      default: throw bad("\"\(counter.key)\" is no number")
      }
    }
    guard counters.contains(where: { $0.key == "instructions" }),
      counters.contains(where: { $0.key == "cycles" })
    else { throw bad("no report: there are no \"instructions\" and \"cycles\"") }
    var settings: [(name: String, value: String)] = []
    if case .object(let members)? = report.member("configuration") {
      settings = members.map { ($0.name, Self.text($0.value)) }
    }
    var words = report.member("program").map(Self.text) ?? "?"
    if let arguments = report.member("arguments"), case .array(let list) = arguments, !list.isEmpty
    {
      words += " " + Self.text(arguments)
    }
    let exit = report.member("exit")
    let reason = exit?.member("reason").map(Self.text) ?? "?"
    let status = exit?.member("status").map(Self.text) ?? "?"
    return Comparison.Side(
      file: path, program: words, ending: "\(reason) \(status)", settings: settings,
      counters: counters)
  }

  private static func text(_ value: VectorValue) -> String {
    switch value {
    case .null: "none"
    case .boolean(let flag): flag ? "on" : "off"
    case .number(let number): "\(number)"
    case .string(let string): string
    case .array(let values): values.map(text).joined(separator: " ")
    case .object: "{...}"
    }
  }
}
