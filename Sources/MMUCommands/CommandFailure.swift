import MMUAssembly

/// Why a command cannot be carried out: what to tell, and the exit status.
struct CommandFailure: Error {
  var status: ExitStatus
  var diagnostics: [Diagnostic]

  init(_ status: ExitStatus, _ diagnostics: [Diagnostic]) {
    self.status = status
    self.diagnostics = diagnostics
  }

  /// A mistake on the command line.
  static func usage(_ message: String, help: String? = nil) -> Self {
    Self(.usage, [Diagnostic(.error, message, help: help)])
  }

  /// A file that is there but cannot be used.
  static func badInput(_ file: String, _ message: String, help: String? = nil) -> Self {
    Self(.badInput, [Diagnostic(.error, message, at: Diagnostic.Place(file: file), help: help)])
  }

  /// A file that cannot be read or written.
  static func noInput(_ file: String, _ message: String, help: String? = nil) -> Self {
    Self(.noInput, [Diagnostic(.error, message, at: Diagnostic.Place(file: file), help: help)])
  }
}
