// `mmuemu verify`, without the command line around it: conformance vectors go through the shipped
// code, and every disagreement is told in words. The kinds of vector are told apart by content; each
// has a file of its own (VerifyWalk, VerifySequence, VerifyReplacement, VerifyFit, VerifyBuddy). The
// reader is in VerifyJSON.

package import MMUMemory
import MMUPaging

/// Runs conformance vectors, file after file, and keeps the score.
///
///     var verifier = Verifier()
///     try verifier.run(bytes, name: "walk.jsonl")
///     print(verifier.report)
public struct Verifier {
  /// Cases in which everything agreed.
  public private(set) var passed = 0
  /// Cases in which something did not.
  public private(set) var failed = 0
  /// The first mismatches in words, `shownMismatches` at most.
  public private(set) var mismatches: [String] = []
  /// How many mismatches are told.
  public static var shownMismatches: Int { 20 }

  private let arena = VerifyArena()

  /// Makes a verifier with an empty score.
  public init() {}

  /// Runs every case of one file.
  ///
  /// - Parameters:
  ///   - input: the file's bytes: JSON values one after the other.
  ///   - name: what to call the file in messages.
  /// - Throws: `MalformedVectors` if the input is empty, no JSON, or holds something that is no vector
  ///   of a kind that can be checked.
  public mutating func run(_ input: [UInt8], name: String) throws(MalformedVectors) {
    var scanner = VectorScanner(input)
    var count = 0
    func malformed(_ error: VectorError, _ line: Int) -> MalformedVectors {
      MalformedVectors(name: name, line: line, message: error.message)
    }
    if input.starts(with: [0x1f, 0x8b]) {
      throw malformed(
        VectorError("this is compressed; run zcat on it and verify its output"), 1)
    }
    while true {
      let value: VectorValue?
      do { value = try scanner.next() } catch { throw malformed(error, scanner.line) }
      guard let value else { break }
      do { try run(value) } catch { throw malformed(error, scanner.valueLine) }
      count += 1
    }
    if count == 0 { throw malformed(VectorError("there is no vector in it"), scanner.line) }
  }

  /// Tells the kind of one JSON value and runs it.
  private mutating func run(_ value: VectorValue) throws(VectorError) {
    guard case .object = value else { throw VectorError("a vector is a JSON object") }
    if value.member("entries") != nil && value.member("tables") != nil {
      let walk = try WalkCase(value)
      score(walk.identifier, try walk.check(in: arena))
    } else if value.member("steps") != nil && value.member("init") != nil {
      let sequence = try SequenceCase(value)
      score(sequence.identifier, try sequence.check(in: arena))
    } else if value.member("references") != nil && value.member("cases") != nil {
      for replacement in try ReplacementCase.all(value) {
        score(replacement.identifier, replacement.check())
      }
    } else if FitCase.describes(value) {
      for fit in try FitCase.all(value) { score(fit.identifier, fit.check()) }
    } else if BuddyCase.describes(value) {
      for buddy in try BuddyCase.all(value) { score(buddy.identifier, buddy.check()) }
    } else if let family = value.member("family"), case .string(let kind) = family {
      switch kind {
      case "fit", "buddy": throw VectorError("there is no case in \"cases\"")
      default:
        throw VectorError("\"\(kind)\" is no kind of vector that is known")
      }
    } else {
      throw VectorError(
        "neither a page walk (\"tables\", \"entries\"), a TLB sequence (\"init\", \"steps\"), page "
          + "replacement (\"references\", \"cases\") nor an allocator (\"cases\")")
    }
  }

  /// Scores a case by its mismatches.
  package mutating func score(_ identifier: String, _ found: [String]) {
    if found.isEmpty {
      passed += 1
      return
    }
    failed += 1
    for text in found where mismatches.count < Self.shownMismatches {
      mismatches.append("\(identifier): \(text)")
    }
  }

  /// The mismatches, one a line, and last `N passed, M failed`.
  public var report: String {
    (mismatches + ["\(passed) passed, \(failed) failed"]).joined(separator: "\n") + "\n"
  }

  /// What `mmuemu verify` exits with: 0 only if every case passed.
  public var exitStatus: Int32 { failed == 0 ? 0 : 1 }
}

/// The memory that cases put their tables in, one after the other: made once, every word a case has
/// touched is cleared after it.
package final class VerifyArena {
  /// The RAM; replaced by a larger one when a case needs it.
  package private(set) var memory = PhysicalMemory(bytes: 64 << 20)
  /// Tables can lie below this address.
  private static var limit: UInt64 { 1 << 36 }

  package init() {}

  /// Stores the words of a case, with RAM enough for them.
  ///
  /// - Throws: `VectorError` if one lies where no RAM can be, or across a word boundary.
  package func place(_ words: [(place: UInt64, value: UInt64)]) throws(VectorError) {
    let top = words.map(\.place).max() ?? 0
    guard top < Self.limit else {
      throw VectorError("an entry at 0x\(hex(top)) lies beyond the largest RAM there can be")
    }
    if top >= memory.bytes {
      var bytes = memory.bytes
      while bytes <= top { bytes *= 2 }
      memory = PhysicalMemory(bytes: bytes)
    }
    for word in words {
      guard word.place % 8 == 0 else {
        throw VectorError("an entry at 0x\(hex(word.place)) is not aligned")
      }
      store(word.value, at: word.place)
    }
  }

  /// Clears words, so that the next case finds zeros.
  package func clear(_ places: some Sequence<UInt64>) {
    for place in places { store(0, at: place) }
  }

  package func store(_ value: UInt64, at place: UInt64) {
    do { try memory.store(value, at: PhysicalAddress(place)) } catch {
      preconditionFailure("a case reaches 0x\(hex(place)), for which no RAM was made")
    }
  }

  package func load(_ place: UInt64) -> UInt64 {
    do { return try memory.load(PhysicalAddress(place)) } catch {
      preconditionFailure("a case reaches 0x\(hex(place)), for which no RAM was made")
    }
  }
}

func hex(_ value: UInt64) -> String { String(value, radix: 16) }
