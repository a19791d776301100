import Foundation
import TestSupport
import Testing

@testable import MMUCommands

@Suite struct `Huge pages on the command line` {
  private static let program = repositoryRoot() + "/Programs/thp.s"
  private static let pool = repositoryRoot() + "/Programs/hugetlb.s"

  /// The numbers of a JSON report, by the paths of their keys.
  private func counters(_ words: [String]) throws -> (output: String, [String: UInt64]) {
    let run = mmuemu(["--report", "json"] + words)
    #expect(run.status == 0)
    var numbers: [String: UInt64] = [:]
    func collect(_ value: Any, _ path: String) {
      if let object = value as? [String: Any] {
        for (key, member) in object { collect(member, path.isEmpty ? key : path + "." + key) }
      } else if let number = value as? UInt64 {
        numbers[path] = number
      }
    }
    collect(try JSONSerialization.jsonObject(with: Data(run.error.utf8)), "")
    return (run.output, numbers)
  }

  @Test func `huge pages save walks, misses and faults, and change nothing else`() throws {
    let (text, never) = try counters(["--thp", "never", Self.program])
    let (same, always) = try counters(["--thp", "always", Self.program])
    #expect(text == same && never["instructions"] == always["instructions"])
    #expect(never["walks.count"]! > 25_000 && always["walks.count"]! < 50)
    #expect(never["dtlb.misses"]! > 40_000 && always["dtlb.misses"]! < 50)
    #expect(never["faults.minor"]! == always["faults.minor"]! + 4096 - 8)
    #expect(never["memory.peakResidentPages"] == always["memory.peakResidentPages"])
    #expect(never["hugePages.peakMapped"] == nil)
    #expect(always["hugePages.peakMapped"] == 8 && always["hugePages.faultAllocations"] == 8)
  }

  @Test func `the report tells of huge pages only where there are any`() {
    let without = mmuemu(["--report", "json", Self.program])
    #expect(without.status == 0 && !without.error.contains("hugePages"))
    let with = mmuemu(["--thp", "always", "--report", "json", Self.program])
    for row in ["\"thp\": \"always\"", "\"peakMapped\": 8", "\"faultAllocations\": 8"] {
      #expect(with.error.contains(row), "\(row)")
    }
    let text = mmuemu(["--thp", "always", Self.program])
    #expect(text.error.contains("8  2 MiB pages       # mapped at most, 8 by faults"))
    #expect(text.error.contains("rerun: mmuemu --set thp=always"))
  }

  @Test func `a pool serves MAP_HUGETLB`() {
    let run = mmuemu(["--huge-pages", "2", "--check", Self.pool])
    #expect(run.status == 0)
    #expect(
      run.output
        == "2 faults for 4 MiB, a third page is refused, the child stored 42\n")
    #expect(run.error.contains("2 of 2 set aside used"))
  }

  @Test(arguments: [
    (["--thp", "sometimes"], "thp=sometimes: it is 'never', 'madvise' or 'always'"),
    (["--ram", "16M", "--huge-pages", "8"], "do not fit into ram=16M"),
    (["--huge-pages-1g", "1"], "do not fit into ram=1G"),
  ])
  func `what cannot be is refused`(options: [String], message: String) {
    let run = mmuemu(options + [Self.pool])
    #expect(run.status == 64)
    #expect(run.error.contains(message), "\(run.error)")
  }
}
