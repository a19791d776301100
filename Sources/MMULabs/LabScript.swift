public import MMUAssembly

/// A script of a lab, line by line and word by word; what is wrong with it becomes a `Diagnostic`.
///
/// One command a line, words apart by blanks, `#` to the end of the line a comment.
struct LabScript {
  /// A word and where it stands.
  struct Word {
    let text: String
    let place: Diagnostic.Place
  }

  /// A line that says something.
  struct Line {
    let words: [Word]
    /// Just behind the last word, where a missing one is looked for.
    let end: Diagnostic.Place
    /// The line without its comment.
    var text: String { words.map(\.text).joined(separator: " ") }
  }

  let lines: [Line]

  /// Splits a text; a file may end its lines with CR LF.
  init(_ bytes: [UInt8], name: String) {
    var lines: [Line] = []
    let text = String(decoding: bytes, as: UTF8.self)
    let rows = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (number, row) in rows.enumerated() {
      let characters = Array(row)
      var words: [Word] = []
      func place(_ column: Int, _ length: Int) -> Diagnostic.Place {
        Diagnostic.Place(
          file: name, line: number + 1, column: column + 1, length: length,
          sourceLine: String(row))
      }
      var at = 0
      while at < characters.count, characters[at] != "#" {
        if characters[at] == " " || characters[at] == "\t" {
          at += 1
          continue
        }
        let start = at
        while at < characters.count, !" \t#".contains(characters[at]) { at += 1 }
        words.append(
          Word(text: String(characters[start..<at]), place: place(start, at - start)))
      }
      if let last = words.last {
        lines.append(
          Line(words: words, end: place(last.place.column - 1 + last.place.length, 1)))
      }
    }
    self.lines = lines
  }
}

/// A script that cannot be replayed: everything that is wrong with it.
public struct LabFailure: Error {
  /// The messages, in the order of the lines.
  public let diagnostics: [Diagnostic]
}

/// A line that cannot be understood.
struct LabError: Error {
  let diagnostic: Diagnostic

  init(_ message: String, _ place: Diagnostic.Place, help: String? = nil) {
    diagnostic = Diagnostic(.error, message, at: place, help: help)
  }
}

extension LabScript {
  /// Reads every line with `body` and collects what is wrong, twenty messages at most.
  func read(
    empty: String, _ body: (Line) throws(LabError) -> Void
  ) throws(LabFailure) {
    var diagnostics: [Diagnostic] = []
    for line in lines where diagnostics.count < 20 {
      do { try body(line) } catch { diagnostics.append(error.diagnostic) }
    }
    if lines.isEmpty { diagnostics.append(Diagnostic(.error, empty)) }
    if !diagnostics.isEmpty { throw LabFailure(diagnostics: diagnostics) }
  }
}

extension LabScript.Line {
  /// The word at a position, or an error that says what is missing.
  func word(_ index: Int, _ what: String) throws(LabError) -> LabScript.Word {
    if index < words.count { return words[index] }
    throw LabError("\(what) is missing after '\(words[words.count - 1].text)'", end)
  }

  /// Checks that no word follows.
  func end(after count: Int) throws(LabError) {
    guard words.count > count else { return }
    throw LabError("'\(words[count].text)' is one word too many", words[count].place)
  }

  /// The error for a first word that is no command.
  func unknownCommand(among commands: [String]) -> LabError {
    let near = nearestName(to: words[0].text, among: commands)
    return LabError(
      "'\(words[0].text)' is no command", words[0].place,
      help: near.map { "did you mean '\($0)'?" }
        ?? "commands: " + commands.joined(separator: ", "))
  }
}

extension LabScript.Word {
  /// Reads a number of bytes, 1 or more: `100`, `4K`, `2M`, `1G`, `0x1000`.
  func size() throws(LabError) -> UInt64 {
    guard let value = LabNumber.size(text) else {
      throw LabError(
        "'\(text)' is no size", place, help: "a size is a number of bytes, with K, M or G")
    }
    if value == 0 { throw LabError("a size is 1 at least", place) }
    if value > LabNumber.largest {
      throw LabError("a size is at most \(LabNumber.largest >> 30)G", place)
    }
    return value
  }
}

/// Numbers as scripts and options write them.
public enum LabNumber {
  /// The largest size there is, 1 PiB: sums of sizes cannot overflow.
  public static let largest: UInt64 = 1 << 50

  /// Reads a number of bytes with K, M, G or T for powers of 1024; nil if it is none or too large
  /// for 64 bits.
  public static func size(_ text: String) -> UInt64? {
    var digits = text[...]
    var shift: UInt64 = 0
    if let last = digits.last, let power = "KMGT".firstIndex(of: Character(last.uppercased())) {
      shift = 10 * UInt64("KMGT".distance(from: "KMGT".startIndex, to: power) + 1)
      digits.removeLast()
    }
    let isHex = digits.hasPrefix("0x") || digits.hasPrefix("0X")
    if isHex { digits.removeFirst(2) }
    guard let first = digits.first, first != "+", first != "-",
      let value = UInt64(digits, radix: isHex ? 16 : 10)
    else { return nil }
    let shifted = value << shift
    return shifted >> shift == value ? shifted : nil
  }

  /// A number of bytes in the largest unit that leaves a whole number, or a rounded one: `12K`.
  static func text(_ bytes: UInt64) -> String {
    let units = ["", "K", "M", "G", "T", "P"]
    var unit = 0
    var value = bytes
    while unit < 5, value >= 1024, value & 1023 == 0 {
      value >>= 10
      unit += 1
    }
    return "\(value)\(units[unit])"
  }

  /// A number of bytes as a person says it: `256 GiB`, `1.5 MiB`.
  static func words(_ bytes: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var unit = 0
    while unit < 5, bytes >> UInt64(10 * (unit + 1)) > 0 { unit += 1 }
    let shift = UInt64(10 * unit)
    let whole = bytes >> shift
    if unit == 0 || bytes & (1 << shift - 1) == 0 { return "\(whole) \(units[unit])" }
    let tenths = ((bytes & (1 << shift - 1)) * 10) >> shift
    return "\(whole).\(tenths) \(units[unit])"
  }

  /// A share in per cent with one decimal, rounded to nearest; a dash if the whole is nothing.
  static func percent(_ part: UInt64, of whole: UInt64) -> String {
    if whole == 0 { return "-" }
    let (high, low) = part.multipliedFullWidth(by: 2000)
    let doubled = whole.dividingFullWidth((high, low)).quotient
    let permille = (doubled + 1) / 2
    return "\(permille / 10).\(permille % 10)%"
  }
}
