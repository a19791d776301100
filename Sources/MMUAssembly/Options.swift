/// What an assembly may use and how far it may go.
public struct AssemblyOptions: Sendable {
  /// Folders for `.include` and `.incbin`, searched in order after the name as given.
  public var includePaths: [String] = []
  /// Symbols defined before the first line (`--defsym`).
  public var definitions: [(name: String, value: Int64)] = []
  /// Reads a file that the source includes; nil if there is none.
  ///
  /// Called with the name as given, then
  /// joined to each include path, then to the including file's folder.
  public var readFile: @Sendable (String) -> [UInt8]?
  /// Limits; each has an error that names it.
  public var limits = AssemblyLimits()
  /// Whether line numbers go into the result.
  public var includesLineNumbers = true

  /// Options with nothing to include, unless a reader is given.
  public init(readFile: @escaping @Sendable (String) -> [UInt8]? = { _ in nil }) {
    self.readFile = readFile
  }
}

/// How far an assembly may go, so that no input can hang or exhaust the host.
public struct AssemblyLimits: Sendable {
  /// Nested `.include`s.
  public var includeDepth = 64
  /// Nested macros and repetitions.
  public var macroDepth = 200
  /// Bytes that macros expand to, in total, with 128 more for each call.
  public var expandedBytes = 512 << 20
  /// Bytes of source read, in total.
  public var sourceBytes = 1 << 30
  /// Statements executed, counting each repetition.
  public var statements = 50_000_000
  /// Bytes of the output file.
  public var outputBytes = 1 << 30
  /// Rounds of one `.rept`.
  public var repeatCount = 100_000_000
  /// Bytes of one `.space`, `.skip`, `.fill` or `.comm`.
  public var spaceBytes = 1 << 31
  /// Fields whose value waits for layout.
  public var unresolvedFields = 16_000_000
  /// Labels and other symbols.
  public var symbols = 4_000_000
  /// Instructions whose source lines are kept; more have none, with a warning.
  public var lineNumbers = 16_000_000
  /// Parentheses and operators within one another in an expression.
  public var expressionDepth = 200
  /// Errors shown; the rest is counted.
  public var errorsShown = 20

  /// The default limits.
  public init() {}
}

/// A program assembled and linked.
public struct AssemblyResult: Sendable {
  /// The ELF file.
  public var bytes: [UInt8]
  /// What is probably not meant, in the order of the source.
  public var warnings: [Diagnostic]
}

/// A source that does not assemble.
public struct AssemblyFailure: Error, Sendable {
  /// Errors and warnings, in the order they were found; at most the limit of errors.
  public var diagnostics: [Diagnostic]
  /// Errors beyond the limit.
  public var omittedErrors: Int

  /// All messages, and how many more there are.
  public func rendered(with renderer: DiagnosticRenderer = DiagnosticRenderer()) -> String {
    renderer.render(allDiagnostics)
  }

  /// The messages, with one that tells of the omitted ones, if there are any.
  public var allDiagnostics: [Diagnostic] {
    guard omittedErrors > 0 else { return diagnostics }
    let plural = omittedErrors == 1 ? "error" : "errors"
    return diagnostics + [Diagnostic(.note, "\(omittedErrors) more \(plural)")]
  }
}

/// The assembler.
///
///     let outcome = Assembler.assemble(source: Array("_start: li a7, 93; ecall".utf8), name: "x.s")
///     try outcome.get().bytes  // an ELF file
public enum Assembler {
  /// Assembles and links one source text.
  public static func assemble(
    source: [UInt8], name: String, options: AssemblyOptions = AssemblyOptions()
  ) -> Result<AssemblyResult, AssemblyFailure> {
    AssemblyUnit(options: options).assemble(source: source, name: name)
  }
}
