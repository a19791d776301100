/// Renders diagnostics as text, the same for every message of the tool.
///
/// Control characters and invalid UTF-8 of a source line are replaced, so that a hostile file cannot
/// drive the terminal; long lines are cut to a window around the caret.
public struct DiagnosticRenderer: Sendable {
  /// Whether to colour with ANSI escapes.
  public var colour: Bool
  /// What a message without a place begins with.
  public var toolName: String

  /// Chooses colour or not.
  public init(colour: Bool = false, toolName: String = "mmuemu") {
    self.colour = colour
    self.toolName = toolName
  }

  /// All messages, one after the other, each ending with a newline.
  public func render(_ diagnostics: [Diagnostic]) -> String {
    diagnostics.map { render($0) }.joined()
  }

  /// One message with its notes and help.
  public func render(_ diagnostic: Diagnostic) -> String {
    var out = head(diagnostic.severity, diagnostic.message, diagnostic.place)
    for note in diagnostic.notes { out += head(.note, note.message, note.place) }
    if let help = diagnostic.help {
      out += paint("help: ", "1;36") + clean(help) + "\n"
    }
    return out
  }

  private func paint(_ text: String, _ code: String) -> String {
    colour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  private func head(
    _ severity: Diagnostic.Severity, _ message: String, _ place: Diagnostic.Place?
  ) -> String {
    var position = toolName
    if let place {
      position = clean(place.file)
      if place.line > 0 { position += ":\(place.line)" }
      if place.line > 0, place.column > 0 { position += ":\(place.column)" }
    }
    let code = severity == .error ? "1;31" : severity == .warning ? "1;35" : "1;34"
    var out = paint(position + ": ", "1") + paint(severity.rawValue + ": ", code)
    out += (colour && severity != .note ? paint(clean(message), "1") : clean(message)) + "\n"
    if let place, place.line > 0 { out += excerpt(place, code) }
    return out
  }

  private func excerpt(_ place: Diagnostic.Place, _ code: String) -> String {
    var text = Array(clean(place.sourceLine, keepTabs: true))
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    if text.isEmpty, place.column <= 1 { return "" }
    var column = max(0, place.column - 1)
    var prefix = ""
    if text.count > 160 {
      // Keep the caret in sight.
      let start = max(0, min(column - 60, text.count - 160))
      text = Array(text[start..<min(text.count, start + 160)])
      column -= start
      if start > 0 { prefix = "..." }
    }
    let number = String(place.line)
    let gutter = String(repeating: " ", count: max(0, 5 - number.count)) + number
    var out = "\(gutter) | \(prefix)\(String(text))\n"
    guard place.column > 0 else { return out }
    // Tabs stay tabs, so that the caret stands under its token at any tab width.
    var blanks = String(repeating: " ", count: prefix.count)
    for index in 0..<column {
      blanks.append(index < text.count && text[index] == "\t" ? "\t" : " ")
    }
    let room = max(1, max(text.count, column + 1) - column)
    let tail = String(repeating: "~", count: max(0, min(place.length, room) - 1))
    out += String(repeating: " ", count: gutter.count) + " | " + blanks + paint("^" + tail, code)
    return out + "\n"
  }

  private func clean(_ text: String, keepTabs: Bool = false) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      let value = scalar.value
      if value == 9, keepTabs {
        out.unicodeScalars.append(scalar)
      } else if value < 32 || (127..<160).contains(value) || (0x202A...0x202E).contains(value)
        || (0x2066...0x2069).contains(value)
      {
        out.append("?")
      } else {
        out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
