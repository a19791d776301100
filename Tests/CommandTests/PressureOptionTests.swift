import Foundation
import TestSupport
import Testing

@Suite struct `Options about memory pressure` {
  private static let program = repositoryRoot() + "/Programs/working_set.s"

  @Test(arguments: [
    (["--zswap", "20%"], "there is no swap area"), (["--zswap", "20"], "--swap 64M --zswap 20%"),
    (["--zswap", "95%", "--swap", "64M"], "from 0% to 90%"),
    (["--swap-errors", "9"], "there is no swap area"),
    (["--policy", "nonsense"], "it is one of two-list, fifo"),
    (["--policy", "tow-list"], "did you mean 'two-list'?"),
    (["--policy", "2Q"], "did you mean '2q'?"),
    (["--policy", "fifo,lru"], "a run has one"),
    (["--policy", "lru"], "'mmuemu policy' replays others"),
    (["--rss-limit", "2G"], "rss-limit=2G is more than ram=1G"),
    (["--rss-limit", "100K"], "from 1M on"), (["--swap", "64M:"], "the file has no name"),
    (["--swappiness", "201"], "from 0 to 200"),
    (["--thp", "yes"], "'never', 'madvise' or 'always'"),
  ])
  func `what would do nothing or cannot be had is refused`(words: [String], expected: String) {
    let result = mmuemu(words + [Self.program])
    #expect(result.status == 64)
    #expect(result.error.contains(expected), "\(result.error)")
    #expect(result.output == "")
  }

  @Test func `a swap file is made, or is one already, or is left alone`() throws {
    try withFiles(["notes": "not swap"]) { folder in
      func run(_ file: String) -> (status: Int32, output: String, error: String) {
        mmuemu("--quiet", "--swap", "1M:\(folder)/\(file)", Self.program)
      }
      let notes = run("notes")
      #expect(notes.status == 65)
      #expect(notes.error.hasPrefix("\(folder)/notes: error: it is no swap file"))
      #expect(contents(folder + "/notes") == "not swap")
      let lost = run("nowhere/area")
      #expect(lost.status == 66)
      #expect(lost.error.contains("there is no directory for that swap file"))
      for _ in 1...2 {
        let made = run("area")
        #expect(made.status == 0, "\(made.error)")
      }
    }
  }

  @Test func `working sets are reported under pressure only`() {
    let fork = repositoryRoot() + "/Programs/swap_fork.s"
    let calm = mmuemu("--report", "json", fork)
    #expect(!calm.error.contains("workingSetPages"))
    let options = ["--rss-limit", "1M", "--swap", "16M"]
    let short = mmuemu(options + ["--report", "json", Self.program])
    let sizes = short.error.matches(of: /"workingSetPages": ([0-9]+)/).compactMap { Int($0.1) }
    #expect(sizes.count == 1)
    #expect(sizes.allSatisfy { (1...257).contains($0) }, "\(sizes)")
    let thrash = mmuemu(options + [repositoryRoot() + "/Programs/thrash.s"])
    #expect(thrash.error.contains("peak pages  in use  shared"))
  }
}
