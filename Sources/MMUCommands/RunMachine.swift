import MMUKit
import MMUReporting

extension CommandCall {
  /// Runs the machine.
  func execute(
    _ program: ProgramFile, _ run: RunDescription, _ streams: Streams
  ) throws(CommandFailure) -> RunResult {
    throw .usage("running programs: this version has no machine yet")
  }

  /// What `list syscalls` prints.
  static var systemCalls: String { "" }
}
