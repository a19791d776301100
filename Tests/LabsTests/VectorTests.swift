import Foundation
import MMUCommands
import TestSupport
import Testing

@Suite struct `Vectors of free-space management` {
  private func verified(_ bytes: [UInt8]) throws -> Verifier {
    var verifier = Verifier()
    try verifier.run(bytes, name: "vectors")
    return verifier
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: repositoryRoot() + "/Tests/Data/policy/" + name)))
  }

  @Test(arguments: [("fit.json", 12), ("buddy.json", 5)])
  func `recorded cases pass`(name: String, count: Int) throws {
    let verifier = try verified(try bytes(name))
    #expect(verifier.report == "\(count) passed, 0 failed\n")
  }

  @Test(arguments: [
    ("fit.json", "\"address\":101", "\"address\":102", "are at 101, expected 102"),
    ("fit.json", "[[100,1605]]", "[[100,1604]]", "the free list is [[100,1605]], expected"),
    ("fit.json", "\"address\":null", "\"address\":1", "at nowhere, expected 1"),
    ("buddy.json", "\"page\":4,\"splits\":[]", "\"page\":4,\"splits\":[[4,3]]", "split: []"),
    ("buddy.json", "\"free\":[[],[2],[4],[8],[]]", "\"free\":[[],[2],[4],[],[8]]", "free: "),
    ("buddy.json", "\"merges\":[[2,1]]", "\"merges\":[]", "merged: [[2,1]], expected []"),
    ("buddy.json", "\"order\":2,\"page\":8", "\"order\":2,\"page\":12", "at 8, expected 12"),
  ])
  func `a wrong expectation is told`(
    name: String, from: String, to: String, expected: String
  ) throws {
    let text = String(decoding: try bytes(name), as: UTF8.self)
    let range = try #require(text.range(of: from))
    let verifier = try verified([UInt8](text.replacingCharacters(in: range, with: to).utf8))
    #expect(verifier.failed == 1)
    #expect(verifier.mismatches.first?.contains(expected) == true, "\(verifier.mismatches)")
  }

  @Test(arguments: [
    (
      #"{"cases":[{"name":"a","policy":"first","base":0,"size":9,"steps":[{"op":"free","id":1}]}]}"#,
      "id 1 is not allocated"
    ),
    (#"{"cases":[{"name":"a","policy":"quick","base":0,"size":9,"steps":[]}]}"#, "none of first"),
    (
      #"{"cases":[{"name":"a","policy":"first","base":1,"size":18446744073709551615,"steps":[]}]}"#,
      "beyond 2^64"
    ),
    (
      #"{"cases":[{"name":"a","policy":"best","base":0,"size":9,"steps":["#
        + #"{"op":"alloc","id":1,"size":0,"address":0}]}]}"#, "of nothing"
    ),
    (#"{"cases":[{"name":"a","max_order":40,"steps":[]}]}"#, "at most 24"),
    (
      #"{"cases":[{"name":"a","max_order":2,"steps":[{"op":"alloc","id":1,"order":3,"page":0}]}]}"#,
      "larger than 2"
    ),
  ])
  func `vectors that make no sense are refused`(text: String, expected: String) {
    let error = #expect(throws: MalformedVectors.self) { try verified([UInt8](text.utf8)) }
    #expect(error?.message.contains(expected) == true, "\(String(describing: error))")
  }
}
