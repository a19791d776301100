/// A message about a place in a text: what was found, what was expected, how to fix it.
///
///     counter.s:12:22: error: immediate 5000 does not fit addi's 12-bit signed field (-2048...2047)
///        12 |         addi    a0, a0, 5000
///           |                         ^~~~
///     help: load it first: li t0, 5000, then add
public struct Diagnostic: Equatable, Sendable {
  /// How bad it is.
  public enum Severity: String, Sendable {
    case error, warning, note
  }

  /// A place in a text, with the line it is in.
  public struct Place: Equatable, Sendable {
    /// The file's name as the user gave it.
    public var file: String
    /// From 1; 0: the whole file.
    public var line: Int
    /// From 1, in characters; 0: the whole line.
    public var column: Int
    /// How many characters to underline, at least 1.
    public var length: Int
    /// The text of the line.
    public var sourceLine: String

    /// Joins the fields.
    public init(
      file: String, line: Int = 0, column: Int = 0, length: Int = 1, sourceLine: String = ""
    ) {
      self.file = file
      self.line = line
      self.column = column
      self.length = length
      self.sourceLine = sourceLine
    }
  }

  /// A second place that explains the first.
  public struct Note: Equatable, Sendable {
    /// What there is to see.
    public var message: String
    /// Where.
    public var place: Place?

    /// Joins the two.
    public init(_ message: String, at place: Place? = nil) {
      self.message = message
      self.place = place
    }
  }

  /// How bad it is.
  public var severity: Severity
  /// One sentence without a final stop.
  public var message: String
  /// Where, if it is about a place.
  public var place: Place?
  /// Related places.
  public var notes: [Note]
  /// The fix, if one is known.
  public var help: String?

  /// Joins the fields.
  public init(
    _ severity: Severity, _ message: String, at place: Place? = nil, notes: [Note] = [],
    help: String? = nil
  ) {
    self.severity = severity
    self.message = message
    self.place = place
    self.notes = notes
    self.help = help
  }
}
