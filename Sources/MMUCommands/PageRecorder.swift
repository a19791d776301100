import MMUKit
import MMUMemory
import MMUPolicy

/// Writes the page references of a run to a file as they happen.
final class PageRecorder {
  /// Why the file could not be written, if it could not; nothing is written after that.
  private(set) var failure: HostError?
  private let descriptor: Int32
  private var writer: ReferenceWriter

  /// Begins the file.
  ///
  /// - Throws: why it cannot be written.
  init(path: String, program: String) throws(HostError) {
    descriptor = try Platform.create(path)
    writer = ReferenceWriter(
      comment: "page references of \(program.filter { !$0.isNewline }): data loads, stores and "
        + "atomics")
  }

  /// Adds an access.
  func note(_ process: Int32, _ page: PageNumber, _ isWrite: Bool) {
    writer.append(
      PageName(page.rawValue, process: UInt32(truncatingIfNeeded: process)), isWrite: isWrite)
    if writer.size >= 1 << 16 { write(isLast: false) }
  }

  /// Writes what is left and closes the file.
  func finish() {
    write(isLast: true)
    do { try Platform.close(descriptor) } catch { failure = failure ?? error }
  }

  private func write(isLast: Bool) {
    let text = writer.take(isLast: isLast)
    guard failure == nil else { return }
    do { try Platform.write(descriptor, text) } catch { failure = error }
  }
}
