/// Two reports side by side, with the change from the first to the second in per cent.
public enum Comparison {
  /// What `compare` needs of a report.
  public struct Side: Sendable {
    /// The report's file, as it was given.
    public var file: String
    /// The program and its arguments.
    public var program: String
    /// How the run ended, in words.
    public var ending: String
    /// Every configuration field and its value as text, in the report's order.
    public var settings: [(name: String, value: String)]
    /// Every counter by its path, in the report's order.
    public var counters: [(key: String, value: UInt64)]

    /// Joins the fields.
    public init(
      file: String, program: String, ending: String, settings: [(name: String, value: String)],
      counters: [(key: String, value: UInt64)]
    ) {
      self.file = file
      self.program = program
      self.ending = ending
      self.settings = settings
      self.counters = counters
    }
  }

  /// Renders the table: what differs in the inputs, then every counter that is not zero in both.
  public static func render(_ a: Side, _ b: Side) -> String {
    let fileWidth = max(a.file.count, b.file.count)
    let heads = [("A", a), ("B", b)].map { letter, side in
      "\(letter): \(NumberText.filled(side.file, fileWidth))  \(side.program), \(side.ending)\n"
    }
    var rows: [[String]] = [["", "A", "B", "change"]]
    for (name, left, right) in joined(
      a.settings.map { ($0.name, $0.value) }, b.settings.map { ($0.name, $0.value) })
    where left != right {
      rows.append([name, left ?? "-", right ?? "-", ""])
    }
    for (key, left, right) in joined(
      a.counters.map { ($0.key, $0.value) }, b.counters.map { ($0.key, $0.value) })
    where left ?? 0 != 0 || right ?? 0 != 0 {
      rows.append([
        key, left.map(NumberText.grouped) ?? "-", right.map(NumberText.grouped) ?? "-",
        left.flatMap { l in right.map { change(l, $0) } } ?? "",
      ])
      if key == "cycles" {
        rows.append(["cycles per instruction", perInstruction(a), perInstruction(b), ""])
      }
    }
    let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return heads.joined() + "\n"
      + rows.map { row in
        var line = NumberText.filled(row[0], widths[0])
        for column in 1..<4 { line += "  " + NumberText.padded(row[column], widths[column]) }
        while line.last == " " { line.removeLast() }
        return line + "\n"
      }.joined()
  }

  /// The change from `a` to `b`, with its sign: `+12.50%`.
  static func change(_ a: UInt64, _ b: UInt64) -> String {
    if a == b { return "0.00%" }
    if a == 0 { return "new" }
    return (b > a ? "+" : "-") + NumberText.percent(b > a ? b - a : a - b, of: a)
  }

  private static func perInstruction(_ side: Side) -> String {
    func value(_ key: String) -> UInt64 { side.counters.first { $0.key == key }?.value ?? 0 }
    return NumberText.ratio(value("cycles"), value("instructions"))
  }

  /// Joins two ordered lists by name: the names of the first, then those only the second has.
  private static func joined<Value>(
    _ a: [(String, Value)], _ b: [(String, Value)]
  ) -> [(String, Value?, Value?)] {
    a.map { entry in (entry.0, entry.1, b.first { $0.0 == entry.0 }?.1) }
      + b.filter { entry in !a.contains { $0.0 == entry.0 } }.map { ($0.0, nil, $0.1) }
  }
}
