import MMUAssembly
import MMUKit
import MMUMemory
import MMUReporting

/// The guest's streams, which are the command's.
final class GuestStreams: HostIO {
  private let streams: Streams

  init(_ streams: Streams) { self.streams = streams }

  func read(_ stream: HostStream, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    buffer.isEmpty ? 0 : streams.read(buffer)
  }

  func write(_ stream: HostStream, from buffer: UnsafeRawBufferPointer) -> Int {
    if buffer.isEmpty { return 0 }
    return stream == .error ? streams.writeError(buffer) : streams.writeOutput(buffer)
  }
}

extension CommandCall {
  /// Puts a machine together and runs the program to its end.
  ///
  /// - Parameter recorder: sees the pages of all data accesses.
  func execute(
    _ program: ProgramFile, _ run: RunDescription, _ views: ProcessViews, _ streams: Streams,
    _ recorder: PageRecorder?
  ) throws(CommandFailure) -> RunResult {
    // The tables of the machine's own take an eighth more at most.
    let ram = run.configuration.ram
    guard Platform.canMap(bytes: ram + ram / 8 + (64 << 20)) else {
      throw .usage(
        "this host cannot provide \(ByteSize.print(ram)) of RAM (lazily backed)",
        help: "give the machine less: --ram 64M")
    }
    let machine: Machine
    do throws(StartError) {
      machine = try Machine(
        run.configuration, program: program.image, path: run.program, arguments: run.arguments,
        host: GuestStreams(streams), pageFaultHandler: pageFaultHandler)
    } catch {
      switch error {
      case .directory(let path, _): throw .noInput(path, error.description)
      case .swapFile(let path, .invalid): throw .badInput(path, error.description)
      case .swapFile(let path, _): throw .noInput(path, error.description)
      default: throw .badInput(run.program, error.description)
      }
    }
    machine.interruptFlag = streams.interrupt
    if !has(.quiet) {
      machine.onMessage = { message in
        if message.kind == .story {
          streams.printError(message.text + "\n")
        } else {
          streams.report([Diagnostic(.warning, message.text)])
        }
      }
    }
    if has(.strace) {
      machine.kernel.trace = { line in
        let bytes = Array((line + "\n").utf8)
        bytes.withUnsafeBytes { _ = streams.writeError($0) }
      }
    }
    machine.checksInvariants = has(.check)
    views.attach(to: machine, streams)
    if let recorder { machine.onDataAccess = { recorder.note($0, $1, $2) } }
    let result = machine.run()
    recorder?.finish()
    for what in machine.unreachedSights {
      streams.report([Diagnostic(.warning, what + ": nothing was shown there")])
    }
    return result
  }
}
