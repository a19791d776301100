// MMUCommands: the command line, whole, as a library. `Commands.main` takes the words and the streams
// and returns the exit status, so that all of it can be tested, and so that an `mmuemu` with one's own
// policies is a ten-line main. One table of options (OptionTable) drives parsing, `--help`, `help` and
// suggestions; each command has a file of its own (RunCommand, AssembleCommand, ...).

public import MMUKernel
import MMUMemory

/// The command line of `mmuemu`.
///
///     let status = Commands.main(["Programs/hello.s"], streams: Streams.process())
public enum Commands {
  /// Version in `--version`.
  public static let version = "0.1.0"

  /// Runs one command.
  ///
  /// - Parameters:
  ///   - arguments: the words after the tool's own name.
  ///   - streams: what it reads and writes.
  ///   - pageFaultHandler: takes the place of the kernel's own in `run`, for a tool with a policy of
  ///     one's own; nil is the kernel's.
  /// - Returns: the exit status, by the table of `help exit`.
  public static func main(
    _ arguments: [String], streams: Streams, pageFaultHandler: (any PageFaultHandler)? = nil
  ) -> Int32 {
    do throws(CommandFailure) {
      var call = try CommandCall(parsing: arguments)
      call.pageFaultHandler = pageFaultHandler
      let status = try call.execute(streams)
      if streams.outputError != 0 {
        let reason = HostError(number: streams.outputError).text
        throw CommandFailure.noInput("standard output", "cannot be written: " + reason)
      }
      return status
    } catch {
      streams.report(error.diagnostics)
      return error.status.rawValue
    }
  }
}

extension Commands {
  /// Ends the process with a status; for a main that has no other way to say it.
  public static func exit(_ status: Int32) -> Never { Platform.end(status) }
}

/// The exit statuses that are ours; a guest's own pass through.
public enum ExitStatus: Int32, Sendable {
  /// All is well.
  case success = 0
  /// `verify`: a case failed.
  case mismatch = 1
  /// The command line cannot be understood.
  case usage = 64
  /// A bad program, report, vector or reference file.
  case badInput = 65
  /// No such input, or an output that cannot be written.
  case noInput = 66
  /// An internal invariant broke.
  case internalError = 70
  /// A limit, a deadlock or the end of all memory ended the run.
  case limit = 75
  /// A sanitizer reported.
  case sanitizer = 99
  /// SIGHUP.
  case hungUp = 129
  /// SIGINT.
  case interrupted = 130
  /// SIGTERM.
  case terminated = 143
}
