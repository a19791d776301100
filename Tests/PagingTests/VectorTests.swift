import Foundation
import MMUCommands
import MMUPaging
import TestSupport
import Testing

// Recorded vectors in compact text, through the code of `mmuemu verify`.

/// A line of a vector file, field by field.
private struct Fields {
  let all: [Substring]
  private var at = 0

  init(_ line: Substring) { all = line.split(separator: " ") }

  mutating func text() throws -> Substring {
    let field = try #require(at < all.count ? all[at] : nil, "a field is missing")
    at += 1
    return field
  }
  mutating func hex() throws -> UInt64 { try number(try text()) }
  func number(_ text: Substring) throws -> UInt64 { try #require(UInt64(text, radix: 16)) }
  mutating func flag() throws -> Bool { try text() == "1" }
  mutating func succeeds() throws -> Bool { try text() == "ok" }
  var rest: [Substring] { Array(all[at...]) }

  mutating func controls() throws -> PagingControls {
    let letters = try text()
    var controls = PagingControls()
    controls.writeProtect = letters.contains("W")
    controls.executeDisable = letters.contains("N")
    controls.supervisorExecutionPrevention = letters.contains("E")
    controls.supervisorAccessPrevention = letters.contains("M")
    controls.globalPages = letters.contains("G")
    controls.protectionKeys = letters.contains("K")
    controls.alignmentCheck = letters.contains("A")
    controls.processContexts = false
    return controls
  }

  mutating func access() throws -> Access {
    let word = try text()
    let kinds: [Character: Access.Kind] = ["r": .read, "w": .write, "x": .fetch]
    let kind = try #require(word.last.flatMap { kinds[$0] })
    return Access(kind, word.first == "u" ? .user : .supervisor)
  }

  mutating func outcome(_ address: UInt64) throws -> VerifyOutcome {
    let word = try text()
    if word == "gp" { return .generalProtection }
    if word.hasPrefix("pf") {
      return .pageFault(code: try number(word.dropFirst(2)), address: address)
    }
    return .physical(try number(word.dropFirst()))
  }
}

private func lines(_ name: String) throws -> [Substring] {
  try String(contentsOfFile: repositoryRoot() + "/Tests/Data/mmu/" + name, encoding: .utf8)
    .split(separator: "\n").filter { !$0.hasPrefix("#") }
}

private func walk(_ line: Substring) throws -> WalkCase {
  var fields = Fields(line)
  let identifier = String(try fields.text()) + " (" + String(try fields.text()) + ")"
  let controls = try fields.controls()
  let access = try fields.access()
  var all = controls
  all.pkru = UInt32(try fields.hex())
  let address = try fields.hex()
  let root = try fields.hex()
  let expected = try fields.outcome(address)
  var succeeds = false
  if case .physical = expected { succeeds = true }
  let entries = try zip(PagingLevel.allCases, fields.rest).map { level, text in
    let halves = text.split(separator: ":")
    let table = try fields.number(halves[0])
    let optional = halves[1].last == "?"
    let values = (optional ? halves[1].dropLast() : halves[1]).split(separator: "+")
    let before = try fields.number(values[0])
    let set = values.count > 1 ? try fields.number(values[1]) : 0
    return WalkCase.Entry(
      level: level, place: table + level.index(address) * 8, before: before,
      after: succeeds ? before | set : nil, mayBeAccessed: optional)
  }
  return WalkCase(
    identifier: identifier, controls: all, root: root,
    access: VerifyAccess(
      access: access, alignmentCheck: controls.alignmentCheck, address: address),
    entries: entries, expected: expected)
}

private func step(_ fields: inout Fields) throws -> SequenceCase.Step {
  switch try fields.text() {
  case "access":
    let access = try fields.access()
    let alignmentCheck = try fields.flag()
    let address = try fields.hex()
    return .access(
      VerifyAccess(access: access, alignmentCheck: alignmentCheck, address: address),
      try fields.outcome(address))
  case "store": return .store(place: try fields.hex(), value: try fields.hex())
  case "load":
    return .load(
      place: try fields.hex(), mask: try fields.hex(), expected: try fields.hex())
  case "cr3":
    return .moveToControlRegister3(try fields.hex(), succeeds: try fields.succeeds())
  case "cr4":
    return .moveToControlRegister4(try fields.hex(), succeeds: try fields.succeeds())
  case "wp": return .setWriteProtect(try fields.flag())
  case "pkru": return .writePKRU(UInt32(try fields.hex()))
  case "invlpg": return .invalidatePage(try fields.hex())
  case "invpcid":
    return .invalidateProcessContext(
      type: try fields.hex(), descriptor: try fields.hex(), address: try fields.hex(),
      succeeds: try fields.succeeds())
  case let other: throw CocoaError(.coderReadCorrupt, userInfo: ["step": String(other)])
  }
}

private func sequences(_ lines: [Substring]) throws -> [SequenceCase] {
  var result: [SequenceCase] = []
  var head: Fields?
  var words: [(place: UInt64, value: UInt64)] = []
  var steps: [SequenceCase.Step] = []
  func finish() throws {
    guard var fields = head else { return }
    let identifier = String(try fields.text())
    var controls = try fields.controls()
    controls.controlRegister4 = try fields.hex()
    controls.pkru = UInt32(try fields.hex())
    result.append(
      SequenceCase(
        identifier: identifier, controls: controls, root: try fields.hex(), words: words,
        steps: steps))
  }
  for line in lines {
    var fields = Fields(line)
    if line.hasPrefix("sequence ") {
      try finish()
      head = Fields(line.dropFirst("sequence ".count))
      (words, steps) = ([], [])
    } else if line.hasPrefix("word ") {
      _ = try fields.text()
      words.append((try fields.hex(), try fields.hex()))
    } else {
      steps.append(try step(&fields))
    }
  }
  try finish()
  return result
}

@Suite struct `Recorded vectors` {
  @Test func `page walks, cold, warm and by the reference translator`() throws {
    var verifier = Verifier()
    let arena = VerifyArena()
    for line in try lines("walks.txt") {
      let walk = try walk(line)
      verifier.score(walk.identifier, try walk.check(in: arena))
    }
    #expect(verifier.mismatches == [])
    #expect(verifier.passed > 1_900 && verifier.failed == 0)
  }

  @Test func `TLB sequences on three geometries`() throws {
    var verifier = Verifier()
    let arena = VerifyArena()
    for sequence in try sequences(try lines("sequences.txt")) {
      verifier.score(sequence.identifier, try sequence.check(in: arena))
    }
    #expect(verifier.mismatches == [])
    #expect(verifier.passed == 176 && verifier.failed == 0)
  }

  /// A vector whose expectation is wrong: the page is not writable.
  private static let sample = """
    {"id":"w1","maxphyaddr":40,"cr0wp":1,"nxe":1,"smep":0,"smap":0,"pge":1,"pke":0,"pkru":0,\
    "ac":0,"cpl":3,"access":"w","va":"0x5000","cr3":"0x1000","tables":{"pml4":"0x1000",\
    "pdpt":"0x2000","pd":"0x3000","pt":"0x4000"},"entries":{"pml4e":"0x2007","pdpte":"0x3007",\
    "pde":"0x4007","pte":"0x9005"},"result":{"pa":"0x9000"},"after":{"pml4e":"0x2027",\
    "pdpte":"0x3027","pde":"0x4027","pte":"0x9065"}}
    """

  @Test func `a wrong expectation is told in words`() throws {
    var verifier = Verifier()
    let input = Self.sample
    try verifier.run(Array(input.utf8), name: "one")
    #expect(verifier.exitStatus == 1)
    #expect(
      verifier.mismatches.first
        == "w1: user write to 0x5000 by the reference translator: expected physical address "
        + "0x9000, got #PF, error code 0x7 (P W/R U/S), CR2 0x5000")
    #expect(verifier.report.hasSuffix("\n0 passed, 1 failed\n"))
    // The page is writable after all.
    var other = Verifier()
    try other.run(
      Array(
        input.replacingOccurrences(of: "0x9005", with: "0x9007")
          .replacingOccurrences(of: "0x9065", with: "0x9067").utf8), name: "one")
    #expect(other.report == "1 passed, 0 failed\n")
    #expect(other.exitStatus == 0)
  }

  @Test func `malformed input is refused with its line`() {
    func refusal(_ input: String) -> String {
      var verifier = Verifier()
      do {
        try verifier.run(Array(input.utf8), name: "in")
        return "accepted"
      } catch {
        return error.description
      }
    }
    let rows: [(String, String)] = [
      ("", "in:1: error: there is no vector in it"),
      ("\n\n", "in:3: error: there is no vector in it"),
      ("\n{\"id\":", "in:2: error: the input ends inside a value"),
      ("[1]", "in:1: error: a vector is a JSON object"),
      (
        "{\"id\":\"x\"} ",
        "in:1: error: neither a page walk (\"tables\", \"entries\"), a TLB sequence (\"init\", "
          + "\"steps\"), page replacement (\"references\", \"cases\") nor an allocator (\"cases\")"
      ),
      ("{\"a\" 1}", "in:1: error: expected ':' after \"a\""),
      ("{\"a\":1.5}", "in:1: error: vectors have whole numbers only"),
      ("hello", "in:1: error: 'h' cannot begin a JSON value"),
      ("{\"tables\":{},\"entries\":{}}", "in:1: error: there is no \"id\""),
      (
        "{\n\"format\":1,\"family\":\"fit\",\"cases\":[\n]}",
        "in:1: error: there is no case in \"cases\""
      ),
      (String(repeating: "[", count: 100_000), "in:1: error: nested deeper than 64 levels"),
    ]
    for (input, wanted) in rows { #expect(refusal(input) == wanted) }
  }

  @Test func `a damaged vector is refused or judged, whatever the damage`() {
    var dice = Dice(7)
    var judged = 0
    let letters = Array("0123456789abcdefx\"{}[],:-pr".utf8)
    for _ in 0..<1500 {
      var bytes = Array(Self.sample.utf8)
      for _ in 0...dice.below(3) {
        let i = dice.below(bytes.count)
        switch dice.below(4) {
        case 0: bytes.remove(at: i)
        case 1: bytes.insert(dice.pick(letters), at: i)
        case 2: bytes[i] = UInt8(truncatingIfNeeded: dice.next())
        default: bytes.insert(contentsOf: "ffffffff".utf8, at: i)
        }
      }
      var verifier = Verifier()
      do {
        try verifier.run(bytes, name: "damaged")
        judged += 1
      } catch {
        #expect(error.message != "")
      }
    }
    #expect(judged > 50)
  }
}
