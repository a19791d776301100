import MMUAssembly
import MMUMemory

extension CommandCall {
  /// `verify FILE...`: conformance vectors through the shipped code.
  func verify(_ streams: Streams) throws(CommandFailure) -> Int32 {
    var verifier = Verifier()
    for path in try operands(1...Int.max) {
      let bytes: [UInt8]
      if path == "-" {
        do { bytes = try streams.readAll() } catch {
          throw .noInput("standard input", error.text)
        }
      } else {
        bytes = try read(path)
      }
      let name = path == "-" ? "standard input" : path
      do { try verifier.run(bytes, name: name) } catch {
        throw CommandFailure(
          .badInput,
          [Diagnostic(.error, error.message, at: .init(file: error.name, line: error.line))])
      }
    }
    streams.print(verifier.report)
    return verifier.exitStatus
  }
}
