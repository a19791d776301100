// MMUReporting: how a run's numbers are shown. It renders and measures nothing: `TextReport` for
// people, `JSONReport` for scripts, `Comparison` for two runs side by side. `ReportCounter` is the
// one table of what a report counts; Spec/Report.md says what each number means. No line depends on
// the host, unless host time is asked for.

public import MMUKit

/// What was run: the inputs that make a run repeatable.
public struct RunDescription: Sendable {
  /// The program's path, as it was given.
  public var program: String
  /// The guest's arguments, without the program's name.
  public var arguments: [String]
  /// The machine.
  public var configuration: MachineConfiguration
  /// Folders searched by `.include`.
  public var includeFolders: [String]
  /// Symbols defined on the command line, `NAME=VALUE` each.
  public var symbols: [String]
  /// The instructions a run had retired when the host interrupted it; nil if it did not.
  public var interruptedAt: UInt64?

  /// Joins the fields.
  public init(
    program: String, arguments: [String] = [],
    configuration: MachineConfiguration = MachineConfiguration(), includeFolders: [String] = [],
    symbols: [String] = []
  ) {
    self.program = program
    self.arguments = arguments
    self.configuration = configuration
    self.includeFolders = includeFolders
    self.symbols = symbols
  }

  /// The command that repeats the run exactly; of one that was interrupted, up to there.
  public var rerunCommand: String {
    var words = ["mmuemu"]
    let start = (try? MachineConfiguration(preset: configuration.preset)) ?? MachineConfiguration()
    if configuration.preset != MachineConfiguration().preset {
      words += ["--preset", configuration.preset]
    }
    for field in ConfigurationField.all {
      if field.name == "max-instructions", let interruptedAt {
        words += ["--max-instructions", "\(interruptedAt)"]
        continue
      }
      guard let value = field.value?(configuration), value != field.value?(start) else { continue }
      words += ["--set", "\(field.name)=\(value.text)"]
    }
    for variable in configuration.environment { words += ["--env", variable] }
    for directory in configuration.directories { words += [directory.option, directory.text] }
    for folder in includeFolders { words += ["-I", folder] }
    for symbol in symbols { words += ["--defsym", symbol] }
    if program.hasPrefix("-") { words.append("--") }
    if program == "run" || isCommandName(program) { words.insert("run", at: 1) }
    words.append(program)
    return (words + arguments).map(shellQuoted).joined(separator: " ")
  }

  private func isCommandName(_ word: String) -> Bool {
    ["asm", "disasm", "verify", "policy", "lab", "compare", "list", "help"].contains(word)
  }
}

/// A word as a POSIX shell reads it back.
func shellQuoted(_ word: String) -> String {
  let isPlain = word.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "_-./=:,+@%".utf8.contains(byte)
    }
  }
  if isPlain && !word.isEmpty { return word }
  if word.utf8.contains(where: { $0 < 32 || $0 == 127 }) {
    // Control characters never reach a terminal as they are.
    var text = "$'"
    for byte in word.utf8 {
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
      case 32..<127: text += String(UnicodeScalar(byte))
      default:
        let digits = String(byte, radix: 16)
        text += "\\x" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return text + "'"
  }
  return "'"
    + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
    + "'"
}

/// Numbers as text, without the host's locale.
enum NumberText {
  /// Digits in groups of three: `1,234,567`.
  static func grouped(_ value: UInt64) -> String {
    let digits = Array("\(value)")
    var text = ""
    for (i, digit) in digits.enumerated() {
      if i > 0 && (digits.count - i) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// `numerator / denominator`, rounded half up to `decimals` places; 0 by 0 is 0.
  static func ratio(_ numerator: UInt64, _ denominator: UInt64, decimals: Int = 2) -> String {
    var scale: UInt64 = 1
    for _ in 0..<decimals { scale *= 10 }
    guard denominator > 0 else { return fixed(0, scale, decimals) }
    var (high, low) = numerator.multipliedFullWidth(by: scale)
    let (sum, carry) = low.addingReportingOverflow(denominator / 2)
    low = sum
    if carry { high += 1 }
    guard high < denominator else { return grouped(numerator / denominator) }
    return fixed(denominator.dividingFullWidth((high, low)).quotient, scale, decimals)
  }

  /// A share in per cent, with two places.
  static func percent(_ part: UInt64, of whole: UInt64) -> String {
    let (scaled, overflow) = part.multipliedReportingOverflow(by: 100)
    return overflow ? ratio(part, max(whole / 100, 1)) + "%" : ratio(scaled, whole) + "%"
  }

  private static func fixed(_ value: UInt64, _ scale: UInt64, _ decimals: Int) -> String {
    if decimals == 0 { return grouped(value) }
    let fraction = "\(value % scale)"
    return grouped(value / scale) + "."
      + String(repeating: "0", count: decimals - fraction.utf8.count) + fraction
  }

  static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  static func filled(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
