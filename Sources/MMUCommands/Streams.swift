import MMUAssembly
import MMUMemory

/// What a command reads and writes; tests put their own in place of the host's.
///
///     let streams = Streams.captured(input: "a line\n")
///     let status = Commands.main(["Programs/cat.s"], streams: streams)
///     print(streams.outputText)
public final class Streams {
  /// Reads at most that many bytes of standard input: the number, 0 at the end, or minus errno.
  public var read: (UnsafeMutableRawBufferPointer) -> Int
  /// Writes to standard output: the number of bytes taken, or minus errno.
  public var writeOutput: (UnsafeRawBufferPointer) -> Int
  /// Writes to standard error: the number of bytes taken, or minus errno.
  public var writeError: (UnsafeRawBufferPointer) -> Int
  /// Standard error is a terminal.
  public var errorIsTerminal: Bool
  /// Messages are coloured.
  public var usesColour: Bool
  /// The number of the signal by which the host has asked for the end, or 0; polled between slices.
  ///
  /// The first to ask for it turns SIGINT, SIGTERM and SIGHUP from the end of the process into this
  /// flag.
  public lazy var interrupt: UnsafeMutablePointer<Int32>? = makeInterrupt()
  private let makeInterrupt: () -> UnsafeMutablePointer<Int32>?
  /// Why standard output refused something, if it did: an errno other than EPIPE.
  private(set) var outputError: Int32 = 0
  /// What was written so far, if the streams capture it.
  public private(set) var capturedOutput: [UInt8] = []
  /// As `capturedOutput`, for standard error.
  public private(set) var capturedError: [UInt8] = []

  /// Captured output and error together, in the order in which they were written.
  public private(set) var capturedBoth: [UInt8] = []

  private init(
    read: @escaping (UnsafeMutableRawBufferPointer) -> Int,
    writeOutput: @escaping (UnsafeRawBufferPointer) -> Int,
    writeError: @escaping (UnsafeRawBufferPointer) -> Int,
    errorIsTerminal: Bool, usesColour: Bool,
    interrupt: @escaping () -> UnsafeMutablePointer<Int32>?
  ) {
    self.read = read
    self.writeOutput = writeOutput
    self.writeError = writeError
    self.errorIsTerminal = errorIsTerminal
    self.usesColour = usesColour
    makeInterrupt = interrupt
  }

  /// The host's own streams; from now on a closed pipe is an error, and a crash of ours ends the process with status 70.
  public static func process() -> Streams {
    Platform.ignoreBrokenPipe()
    Platform.reportCrashes()
    let isTerminal = Platform.isTerminal(2)
    let plain = Platform.environmentVariable("NO_COLOR").map { !$0.isEmpty } ?? false
    return Streams(
      read: { Platform.read(0, $0.baseAddress!, $0.count) },
      writeOutput: { Platform.write(1, $0.baseAddress!, $0.count) },
      writeError: { Platform.write(2, $0.baseAddress!, $0.count) },
      errorIsTerminal: isTerminal, usesColour: isTerminal && !plain,
      interrupt: { Platform.interruptFlag() })
  }

  /// Streams that read a text and keep what is written.
  public static func captured(input: String = "") -> Streams {
    var rest = Array(input.utf8)[...]
    let streams = Streams(
      read: { buffer in
        let part = rest.prefix(buffer.count)
        buffer.copyBytes(from: part)
        rest = rest.dropFirst(part.count)
        return part.count
      },
      writeOutput: { $0.count }, writeError: { $0.count }, errorIsTerminal: false,
      usesColour: false, interrupt: { nil })
    streams.writeOutput = { [unowned streams] in
      streams.capturedOutput += $0
      streams.capturedBoth += $0
      return $0.count
    }
    streams.writeError = { [unowned streams] in
      streams.capturedError += $0
      streams.capturedBoth += $0
      return $0.count
    }
    return streams
  }

  /// Captured standard output as text.
  public var outputText: String { String(decoding: capturedOutput, as: UTF8.self) }
  /// Captured standard error as text.
  public var errorText: String { String(decoding: capturedError, as: UTF8.self) }

  /// Writes all of a text to standard output; false if that is closed.
  ///
  /// What went wrong otherwise stands in `outputError`.
  @discardableResult
  func print(_ text: String) -> Bool {
    let error = Self.all(text, writeOutput)
    if error != 0 && error != HostError.brokenPipe { outputError = error }
    return error == 0
  }

  /// Writes all of a text to standard error, as far as it takes it.
  @discardableResult
  func printError(_ text: String) -> Bool { Self.all(text, writeError) == 0 }

  /// Renders messages to standard error.
  func report(_ diagnostics: [Diagnostic]) {
    printError(DiagnosticRenderer(colour: usesColour).render(diagnostics))
  }

  /// Reads standard input to its end.
  ///
  /// - Throws: a negative errno.
  func readAll() throws(HostError) -> [UInt8] {
    var bytes: [UInt8] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
    defer { buffer.deallocate() }
    while true {
      let count = read(buffer)
      if count < 0 { throw HostError(number: Int32(-count)) }
      if count == 0 { return bytes }
      if bytes.count + count > Platform.largestFile { throw .tooLarge }
      bytes += buffer[..<count]
    }
  }

  /// Writes all of a text: zero, or the errno that ended it.
  private static func all(_ text: String, _ write: (UnsafeRawBufferPointer) -> Int) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = write(rest)
        if count <= 0 { return count < 0 ? Int32(-count) : HostError.brokenPipe }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
      return 0
    }
  }
}
