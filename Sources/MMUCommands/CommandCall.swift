import MMUAssembly
import MMUKernel

/// A command line taken apart: the command, its options in order, and its operands.
struct CommandCall {
  var command: CommandName
  var options: [(option: Option, value: String)] = []
  /// FILE and the like; for `run` the guest's arguments follow it.
  var operands: [String] = []
  /// The first word named the command (and did not only stand for FILE).
  var isExplicit = false
  var wantsVersion = false
  var wantsUsage = false
  /// What an assembly has read.
  let sources = SourcePaths()
  /// Takes the place of the kernel's own.
  var pageFaultHandler: (any PageFaultHandler)?

  /// Takes the words apart.
  ///
  /// - Throws: what cannot be understood, with the nearest thing that can.
  init(parsing arguments: [String]) throws(CommandFailure) {
    var words = arguments[...]
    command = .run
    if let first = words.first, let named = CommandName(rawValue: first) {
      command = named
      isExplicit = true
      words.removeFirst()
    }
    if arguments.isEmpty {
      wantsUsage = true
      return
    }
    var optionsEnded = false
    while let word = words.popFirst() {
      if optionsEnded || !word.hasPrefix("-") || word == "-" {
        operands.append(word)
        if command == .run {
          operands += words
          break
        }
        continue
      }
      if word == "--" {
        optionsEnded = true
        continue
      }
      if word == "--version", !isExplicit, operands.isEmpty {
        wantsVersion = true
        return
      }
      try take(word, &words)
    }
  }

  /// The last value given for an option.
  func value(of option: Option) -> String? { options.last { $0.option == option }?.value }

  /// All values given for an option.
  func values(of option: Option) -> [String] {
    options.filter { $0.option == option }.map(\.value)
  }

  func has(_ option: Option) -> Bool { options.contains { $0.option == option } }

  /// Reads one option and its argument: `--name VALUE`, `--name=VALUE`, `-nVALUE`, `-n VALUE`.
  ///
  /// An option whose value may be left out takes it only behind an equals sign.
  private mutating func take(
    _ word: String, _ rest: inout ArraySlice<String>
  ) throws(CommandFailure) {
    var name = word
    var attached: String?
    if word.hasPrefix("--") {
      if let equals = word.firstIndex(of: "=") {
        name = String(word[..<equals])
        attached = String(word[word.index(after: equals)...])
      }
    } else if word.count > 2 {
      name = String(word.prefix(2))
      attached = String(word.dropFirst(2))
    }
    let matches = Option.allCases.filter {
      $0.row.name == name || ($0.row.short.map { "-\($0)" } ?? "") == name
    }
    guard let option = matches.first else {
      throw unknown(word.hasPrefix("--") ? name : word)
    }
    guard option.row.commands.contains(command) else {
      let others = option.row.commands.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw .usage(
        "'\(name)' is no option of '\(command.rawValue)'",
        help: others.isEmpty ? "'mmuemu \(name)' stands alone" : "it belongs to \(others)")
    }
    guard let argument = option.row.argument else {
      if let attached {
        guard let possible = option.row.attached else {
          throw .usage("'\(name)' takes no value, but '\(attached)' was given")
        }
        guard possible.split(separator: "|").contains(attached[...]) else {
          throw .usage("'\(word)': it is \(name)[=\(possible)]", help: option.row.summary)
        }
      }
      options.append((option, attached ?? ""))
      return
    }
    guard let value = attached ?? rest.popFirst() else {
      throw .usage(
        "'\(name)' needs a value: \(name) \(argument)",
        help: option.row.summary)
    }
    options.append((option, value))
  }

  private func unknown(_ name: String) -> CommandFailure {
    let known = Option.of(command).map(\.row.name)
    var help = "'mmuemu help \(command.rawValue)' lists the options"
    let near =
      nearestName(to: name, among: known)
      ?? (name.count > 2 ? known.first { $0.hasPrefix(name) } : nil)
    if let near { help = "did you mean '\(near)'?" }
    return .usage("'\(name)' is no option of '\(command.rawValue)'", help: help)
  }

  /// Carries the command out.
  func execute(_ streams: Streams) throws(CommandFailure) -> Int32 {
    if wantsUsage {
      streams.printError(HelpText.brief)
      return ExitStatus.usage.rawValue
    }
    if wantsVersion {
      streams.print("mmuemu \(Commands.version)\n")
      return 0
    }
    if has(.help) {
      streams.print(isExplicit ? HelpText.page(command) : HelpText.overview)
      return 0
    }
    switch command {
    case .run: return try run(streams)
    case .asm: return try assemble(streams)
    case .disasm: return try disassemble(streams)
    case .verify: return try verify(streams)
    case .policy: return try policy(streams)
    case .lab: return try lab(streams)
    case .compare: return try compare(streams)
    case .list: return try list(streams)
    case .help: return try help(streams)
    }
  }

  /// The operands, if there are as many as wanted.
  func operands(_ count: ClosedRange<Int>) throws(CommandFailure) -> [String] {
    if operands.count < count.lowerBound {
      throw .usage(
        operands.isEmpty
          ? "'\(command.rawValue)' needs \(command.operands)"
          : "'\(command.rawValue)' needs more: \(command.operands)",
        help: "usage: mmuemu \(command.rawValue) \(command.operands)")
    }
    if operands.count > count.upperBound {
      throw .usage(
        "'\(operands[count.upperBound])' is one word too many for '\(command.rawValue)'",
        help: "usage: mmuemu \(command.rawValue) \(command.operands)")
    }
    return operands
  }
}
