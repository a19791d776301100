/// A text being assembled: a file, or what a macro expanded to.
///
/// The bytes are followed by a newline and a zero that belong to no statement, so that reading a little
/// too far is harmless.
final class SourceText {
  enum Kind {
    case file
    /// Text of a macro (or .irp) with its arguments filled in; `body` is where its lines were written.
    case expansion(macro: String, call: Location, body: Location)
  }

  let name: String
  let kind: Kind
  let bytes: UnsafeMutablePointer<UInt8>
  let count: Int

  init(name: String, bytes source: [UInt8], kind: Kind) {
    self.name = name
    self.kind = kind
    count = source.count
    bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: source.count + 4)
    source.withUnsafeBufferPointer { buffer in
      if let base = buffer.baseAddress { bytes.initialize(from: base, count: buffer.count) }
    }
    for index in 0..<4 { (bytes + count + index).initialize(to: index == 0 ? 10 : 0) }
  }

  deinit { bytes.deallocate() }

  var isFile: Bool {
    if case .file = kind { return true }
    return false
  }

  /// Line (from 1) and the bounds of its text.
  func line(at offset: Int) -> (number: Int, start: Int, end: Int) {
    let offset = min(max(0, offset), count)
    var number = 1
    var start = 0
    for index in 0..<offset where bytes[index] == 10 {
      number += 1
      start = index + 1
    }
    var end = offset
    while end < count, bytes[end] != 10 { end += 1 }
    return (number, start, end)
  }

  func string(_ start: Int, _ end: Int) -> String {
    let (start, end) = (max(0, min(start, count)), max(0, min(end, count)))
    guard start < end else { return "" }
    return String(
      decoding: UnsafeBufferPointer(start: bytes + start, count: end - start), as: UTF8.self)
  }
}

/// A stretch of a source text; `source` -1 means nowhere.
struct Location: Equatable {
  var source: Int32
  var offset: Int32
  var length: Int32

  init(source: Int, offset: Int, length: Int = 1) {
    self.source = Int32(clamping: source)
    self.offset = Int32(clamping: offset)
    self.length = Int32(clamping: length)
  }

  static let none = Location(source: -1, offset: 0, length: 0)
}

/// A mistake in the source, thrown to the end of its statement.
struct SourceError: Error {
  var message: String
  var location: Location
  var notes: [(String, Location)] = []
  var help: String?
  /// The statement repeats or follows from a mistake already reported.
  var isSilent = false
  /// A limit was reached: the run ends.
  var isFatal = false

  init(
    _ message: String, _ location: Location, notes: [(String, Location)] = [], help: String? = nil
  ) {
    self.message = message
    self.location = location
    self.notes = notes
    self.help = help
  }

  static func limit(_ message: String, _ location: Location) -> SourceError {
    var error = SourceError(message + " (limit)", location)
    error.isFatal = true
    return error
  }

  static var silent: SourceError {
    var error = SourceError("", .none)
    error.isSilent = true
    return error
  }
}
