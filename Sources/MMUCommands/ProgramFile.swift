import ExecutableFormat
import MMUAssembly
import MMUMemory

/// A program read from a file: an ELF image, assembled first where the file is source.
struct ProgramFile {
  var image: ELFImage
  /// The ELF file, byte for byte.
  var bytes: [UInt8]
  var warnings: [Diagnostic]
}

/// The files an assembly read, so that no output goes over them.
///
/// Used by one thread.
final class SourcePaths: @unchecked Sendable {
  var paths: [String] = []
}

extension CommandCall {
  /// Reads a file of the host.
  func read(_ path: String) throws(CommandFailure) -> [UInt8] {
    do {
      return try Platform.readFile(path)
    } catch {
      var help: String?
      if error.isNotFound {
        let words = CommandName.allCases.map(\.rawValue)
        if !isExplicit, let near = nearestName(to: path, among: words) {
          help = "did you mean the command '\(near)'?"
        } else if command == .run, !path.contains("/") {
          help = "programs to start with are in Programs/ ('mmuemu list programs')"
        }
        throw .noInput(path, error.text, help: help)
      }
      if error == .tooLarge { throw .badInput(path, error.text) }
      throw .noInput(path, error.text)
    }
  }

  /// Reads a program of either kind, told apart by content.
  func program(_ path: String) throws(CommandFailure) -> ProgramFile {
    let bytes = try read(path)
    if ELFImage.isELF(bytes) {
      return ProgramFile(image: try image(bytes, path), bytes: bytes, warnings: [])
    }
    let result = try assembly(bytes, path)
    return ProgramFile(
      image: try image(result.bytes, path), bytes: result.bytes, warnings: result.warnings)
  }

  /// Assembles source text.
  func assembly(_ source: [UInt8], _ path: String) throws(CommandFailure) -> AssemblyResult {
    guard !source.isEmpty else { throw .badInput(path, "the file is empty") }
    guard Self.isText(source) else {
      throw .badInput(
        path, "neither an ELF file nor assembly source",
        help: "a program is text in GNU assembler syntax, or a static RISC-V ELF executable")
    }
    let sources = sources
    var options = AssemblyOptions {
      sources.paths.append($0)
      return try? Platform.readFile($0)
    }
    options.includePaths = values(of: .include)
    for text in values(of: .define) { options.definitions.append(try definition(text)) }
    switch Assembler.assemble(source: source, name: path, options: options) {
    case .success(let result): return result
    case .failure(let failure): throw CommandFailure(.badInput, failure.allDiagnostics)
    }
  }

  private func image(_ bytes: [UInt8], _ path: String) throws(CommandFailure) -> ELFImage {
    do { return try ELFImage(reading: bytes) } catch {
      throw .badInput(path, error.description)
    }
  }

  private func definition(_ text: String) throws(CommandFailure) -> (name: String, value: Int64) {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
      throw .usage("--defsym \(text): it is NAME=VALUE")
    }
    let digits = text[text.index(after: equals)...]
    guard let value = Self.integer(digits) else {
      throw .usage("--defsym \(text): '\(digits)' is no integer")
    }
    return (String(text[..<equals]), value)
  }

  /// Reads an integer as C does: decimal, 0x hexadecimal, 0b binary, with a sign; up to 64 bits.
  private static func integer(_ text: Substring) -> Int64? {
    let isNegative = text.hasPrefix("-")
    let digits = isNegative ? text.dropFirst() : text
    guard let first = digits.first, first != "+", first != "-" else { return nil }
    var magnitude: UInt64?
    if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
      magnitude = UInt64(digits.dropFirst(2), radix: 16)
    } else if digits.hasPrefix("0b") || digits.hasPrefix("0B") {
      magnitude = UInt64(digits.dropFirst(2), radix: 2)
    } else {
      magnitude = UInt64(digits)
    }
    guard let magnitude else { return nil }
    if isNegative {
      return magnitude <= 1 << 63 ? Int64(bitPattern: 0 &- magnitude) : nil
    }
    return Int64(bitPattern: magnitude)
  }

  /// Text has no zero bytes, hardly any control characters, and mostly ASCII among its first 4096
  /// bytes; comments may be in any alphabet and encoding.
  static func isText(_ bytes: [UInt8]) -> Bool {
    let sample = bytes.prefix(4096)
    if sample.contains(0) { return false }
    let controls = sample.count { $0 < 32 && !(9...13).contains($0) && $0 != 27 }
    guard controls * 20 <= sample.count else { return false }
    return sample.count { $0 >= 128 } * 2 <= sample.count
  }
}
