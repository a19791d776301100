import Foundation
import MMUCommands
import TestSupport
import Testing

@Suite struct `Replacement vectors` {
  private static let recorded =
    FileManager.default.contents(
      atPath: repositoryRoot() + "/Tests/Data/policy/replacement.json") ?? Data()

  @Test func `every recorded case`() throws {
    var verifier = Verifier()
    try verifier.run(Array(Self.recorded), name: "replacement.json")
    #expect(verifier.mismatches == [])
    #expect(verifier.passed == 512 && verifier.failed == 0)
  }

  private static let sample = """
    {"references":{"r":{"pages":[1,2,3,1],"rw":"WRRR"}},"cases":[{"reference":"r",\
    "policy":"fifo","frames":2,"faults":4,"evictions":2,"trace":"MMMM","victims":[1,2],\
    "writebacks":1}]}
    """

  @Test func `a wrong expectation is told in words`() throws {
    let rows = [
      ("MMMM", "MMMH", "reference 4, to page 1: expected a hit, got a fault"),
      ("[1,2]", "[1,3]", "victim 2: expected page 3, got 2"),
      ("[1,2]", "[1]", "2 victims, expected 1"),
      ("\"faults\":4", "\"faults\":3", "4 faults, expected 3"),
      ("\"writebacks\":1", "\"writebacks\":0", "1 writebacks, expected 0"),
    ]
    for (old, new, words) in rows {
      var verifier = Verifier()
      let input = Self.sample.replacingOccurrences(of: old, with: new)
      try verifier.run(Array(input.utf8), name: "in")
      #expect(verifier.report == "r/fifo, 2 frames: \(words)\n0 passed, 1 failed\n")
    }
    var right = Verifier()
    try right.run(Array(Self.sample.utf8), name: "in")
    #expect(right.report == "1 passed, 0 failed\n")
  }

  @Test func `malformed cases are refused`() {
    let rows = [
      ("\"fifo\"", "\"fifa\"", "there is no replacement policy \"fifa\""),
      ("\"reference\":\"r\"", "\"reference\":\"s\"", "there is no reference string \"s\""),
      ("\"frames\":2", "\"frames\":0", "0 frames"),
      ("WRRR", "WRR", "\"r\": \"rw\" is one R or W for each page"),
      ("MMMM", "MMM?", "r/fifo, 2 frames: \"trace\" is one H or M for each reference"),
      ("\"fifo\"", "\"2q\"", "there is no \"kin\""),
    ]
    for (old, new, message) in rows {
      var verifier = Verifier()
      let input = Self.sample.replacingOccurrences(of: old, with: new)
      do {
        try verifier.run(Array(input.utf8), name: "in")
        Issue.record("accepted: \(new)")
      } catch {
        #expect(error.message == message)
      }
    }
  }
}
