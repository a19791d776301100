import ExecutableFormat
import MMUAssembly
import MMUKit
import MMUMemory
import MMUReporting

extension CommandCall {
  /// The forms of a report.
  private enum ReportForm: String { case text, json }

  /// `run FILE [guest arguments...]`.
  func run(_ streams: Streams) throws(CommandFailure) -> Int32 {
    guard let path = operands.first else {
      throw .usage(
        "there is no program to run", help: "usage: mmuemu [options] FILE [arguments...]")
    }
    guard let form = ReportForm(rawValue: value(of: .report) ?? "text") else {
      throw .usage("--report \(value(of: .report) ?? ""): it is 'text' or 'json'")
    }
    let reportFile = value(of: .reportFile)
    let isQuiet = has(.quiet)
    if isQuiet, reportFile == nil, value(of: .report) != nil {
      throw .usage(
        "--report \(form.rawValue): --quiet leaves the report out",
        help: "--report-file PATH writes it there; or leave out one of the two")
    }
    let configuration = try configuration()
    let views = try ProcessViews(self)
    let program = try program(path)
    try check(configuration, program.image)
    if !isQuiet {
      streams.report(program.warnings)
      streams.report(hints())
    }
    if let reportFile { try prepare(reportFile, "report", path) }
    let recorder = try recorder(path)

    var description = RunDescription(
      program: path, arguments: Array(operands.dropFirst()), configuration: configuration,
      includeFolders: values(of: .include), symbols: values(of: .define))
    let start = Platform.nanoseconds()
    let result = try execute(program, description, views, streams, recorder)
    let nanoseconds = Platform.nanoseconds() - start
    if result.exit.reason == .interrupt {
      description.interruptedAt = result.retiredInstructions
    }

    let showsHost =
      has(.host) || (streams.errorIsTerminal && reportFile == nil && !has(.noHost))
    let report: String
    switch form {
    case .text:
      report = TextReport.render(
        result.statistics, of: description, hostNanoseconds: showsHost ? nanoseconds : nil)
    case .json:
      report = JSONReport.render(
        result, of: description, hostNanoseconds: showsHost ? nanoseconds : nil)
    }
    if let reportFile {
      try write(report, reportFile)
    } else if !isQuiet {
      streams.printError(report)
    }
    if let broken = result.brokenInvariant {
      streams.report([
        Diagnostic(
          .error,
          "an internal invariant broke; this is a bug of "
            + (pageFaultHandler == nil ? "mmuemu" : "the page-fault handler or of mmuemu")
            + ": \(broken)",
          help: "please report the command line and the program, and any message above")
      ])
    }
    if let failure = recorder?.failure {
      throw .noInput(value(of: .recordPages) ?? "", "cannot be written: \(failure.text)")
    }
    return result.exit.status
  }

  /// What writes the file of `--record-pages`.
  private func recorder(_ program: String) throws(CommandFailure) -> PageRecorder? {
    guard let file = value(of: .recordPages) else { return nil }
    try prepare(file, "record", program)
    if let reportFile = value(of: .reportFile), Platform.isSameFile(file, reportFile) {
      throw .usage("the record file '\(file)' is the report file")
    }
    do { return try PageRecorder(path: file, program: program) } catch {
      throw .noInput(file, "cannot be written: \(error.text)")
    }
  }

  /// The machine that the options ask for.
  func configuration() throws(CommandFailure) -> MachineConfiguration {
    let preset = value(of: .preset) ?? "default"
    do throws(ConfigurationError) {
      var machine = try MachineConfiguration(preset: preset)
      for (option, value) in options { try apply(option, value, to: &machine) }
      try machine.validate()
      return machine
    } catch {
      let near = nearestName(to: error.unknownName ?? "", among: error.knownNames)
      throw .usage(error.message, help: near.map { "did you mean '\($0)'?" } ?? error.help)
    }
  }

  private func apply(
    _ option: Option, _ value: String, to machine: inout MachineConfiguration
  ) throws(ConfigurationError) {
    if let field = option.row.field {
      return try machine.set(field, to: option.row.value ?? value)
    }
    let equals = value.firstIndex(of: "=")
    switch option {
    case .set:
      guard let equals else {
        throw ConfigurationError(
          "--set \(value): it is FIELD=VALUE", help: "'mmuemu help fields' lists them")
      }
      try machine.set(String(value[..<equals]), to: String(value[value.index(after: equals)...]))
    case .environment:
      guard let equals, equals > value.startIndex else {
        throw ConfigurationError("--env \(value): it is NAME=VALUE")
      }
      machine.environment.append(value)
    case .directory: machine.directories.append(try SharedDirectory(value))
    case .writableDirectory:
      machine.directories.append(try SharedDirectory(value, isWritable: true))
    default: break
    }
  }

  /// Checks what of the configuration depends on the program: its labels.
  private func check(
    _ machine: MachineConfiguration, _ image: ELFImage
  ) throws(CommandFailure) {
    for (option, label) in [
      ("--from", machine.regionStart), ("--to", machine.regionEnd), ("--at", value(of: .at)),
    ] {
      guard let label, image.symbols.address(of: label) == nil else { continue }
      let names = image.symbols.symbols.map(\.name)
      throw .usage(
        "\(option) \(label): the program has no label '\(label)'",
        help: names.isEmpty
          ? "the program has no symbols at all"
          : nearestName(to: label, among: names).map { "did you mean '\($0)'?" })
    }
  }

  /// Hints for guest words that look like options of ours.
  private func hints() -> [Diagnostic] {
    let known = Option.of(.run).map(\.row.name)
    for word in operands.dropFirst() {
      if word == "--" { break }
      guard word.hasPrefix("--") else { continue }
      let name = word.firstIndex(of: "=").map { String(word[..<$0]) } ?? word
      if known.contains(name) {
        return [
          Diagnostic(
            .warning, "'\(word)' stands after \(operands[0]), so the program gets it",
            help: "options of mmuemu go before the file: mmuemu \(name) ... \(operands[0])")
        ]
      }
    }
    return []
  }

  /// Makes sure before the run that an output can be written.
  private func prepare(
    _ file: String, _ kind: String, _ program: String
  ) throws(CommandFailure) {
    if Platform.isSameFile(file, program) {
      throw .usage("the \(kind) file '\(file)' is the program itself")
    }
    if sources.paths.contains(where: { Platform.isSameFile(file, $0) }) {
      throw .usage("the \(kind) file '\(file)' is a source of the program")
    }
    try write("", file)
  }

  private func write(_ text: String, _ path: String) throws(CommandFailure) {
    do { try Platform.writeFile(path, Array(text.utf8)) } catch {
      throw .noInput(path, "cannot be written: \(error.text)")
    }
  }
}
