import ExecutableFormat
import Foundation
import MMUAssembly
import TestSupport

/// Assembles a text; files to include come from the dictionary.
func assemble(
  _ source: String, files: [String: String] = [:],
  change: (inout AssemblyOptions) -> Void = { _ in }
) -> Result<AssemblyResult, AssemblyFailure> {
  var options = AssemblyOptions(readFile: { files[$0].map { Array($0.utf8) } })
  change(&options)
  return Assembler.assemble(source: Array(source.utf8), name: "test.s", options: options)
}

/// The messages of a source that must fail, one line each: severity, place and text.
func messages(_ source: String, files: [String: String] = [:]) -> [String] {
  func line(_ diagnostic: Diagnostic) -> String {
    let place = diagnostic.place.map { "\($0.line):\($0.column): " } ?? ""
    return place + diagnostic.severity.rawValue + ": " + diagnostic.message
  }
  switch assemble(source, files: files) {
  case .success(let result): return result.warnings.map(line)
  case .failure(let failure): return failure.allDiagnostics.map(line)
  }
}

/// A recording's or a result's section.
struct SectionBytes: Equatable {
  var name: String
  var address: UInt64
  /// Nil for a section without contents.
  var bytes: [UInt8]?
  var size: Int
}

/// The loaded sections of an ELF file, read independently of ExecutableFormat.
func loadedSections(_ bytes: [UInt8]) -> [SectionBytes] {
  func number(_ offset: Int, _ size: Int) -> Int {
    (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) }
  }
  let (table, count, names) = (number(40, 8), number(60, 2), number(62, 2))
  let strings = number(table + names * 64 + 24, 8)
  var result: [SectionBytes] = []
  for index in 0..<count {
    let header = table + index * 64
    guard number(header + 8, 8) & 2 != 0 else { continue }
    let start = strings + number(header, 4)
    let name = String(decoding: bytes[start...].prefix { $0 != 0 }, as: UTF8.self)
    let (offset, size) = (number(header + 24, 8), number(header + 32, 8))
    let isNoBits = number(header + 4, 4) == 8
    result.append(
      SectionBytes(
        name: name, address: UInt64(number(header + 16, 8)),
        bytes: isNoBits ? nil : Array(bytes[offset..<offset + size]), size: size))
  }
  return result
}

func testData(_ name: String) throws -> String {
  try String(contentsOfFile: repositoryRoot() + "/Tests/Data/" + name, encoding: .utf8)
}

func bytes(hex: some StringProtocol) -> [UInt8] {
  let digits = Array(hex.utf8)
  func value(_ digit: UInt8) -> UInt8 { digit >= 97 ? digit - 87 : digit - 48 }
  return stride(from: 0, to: digits.count - 1, by: 2).map {
    value(digits[$0]) << 4 | value(digits[$0 + 1])
  }
}

/// A line of a recording: section, address, bytes (or `-` and a size).
func recordedSection(_ line: some StringProtocol) -> SectionBytes {
  let parts = line.split(separator: " ")
  let address = UInt64(parts[1], radix: 16)!
  if parts[2] == "-" {
    return SectionBytes(name: String(parts[0]), address: address, bytes: nil, size: Int(parts[3])!)
  }
  let contents = bytes(hex: parts[2])
  return SectionBytes(
    name: String(parts[0]), address: address, bytes: contents, size: contents.count)
}

/// What differs between a result and its recording, in words.
///
/// GNU as pads code sections to their alignment and ld's script rounds .bss up; we do neither.
func differences(_ ours: [SectionBytes], _ recorded: [SectionBytes]) -> [String] {
  var result: [String] = []
  if ours.map(\.name) != recorded.map(\.name) {
    result.append("sections \(ours.map(\.name)), recorded \(recorded.map(\.name))")
  }
  for (left, right) in zip(ours, recorded) {
    if left.address != right.address { result.append("\(left.name): address \(left.address)") }
    guard let bytes = left.bytes, var expected = right.bytes else {
      if (left.size + 7) & ~7 != (right.size + 7) & ~7 {
        result.append("\(left.name): size \(left.size), recorded \(right.size)")
      }
      continue
    }
    while expected.count > bytes.count, expected.count - bytes.count <= 12,
      expected.suffix(4) == [0x13, 0, 0, 0]
    {
      expected.removeLast(4)
    }
    if bytes.count != expected.count {
      result.append("\(left.name): \(bytes.count) bytes, recorded \(expected.count)")
    }
    if let index = zip(bytes, expected).enumerated().first(where: { $1.0 != $1.1 })?.offset {
      result.append("\(left.name): byte \(index) differs")
    }
  }
  return result
}
