import MMUAssembly
import Testing
import TestSupport

@testable import MMULabs

@Suite struct SegmentationTests {
  @Test(arguments: [false, true], FitStrategy.allCases)
  func `segments stay apart, keep their sizes, and compaction leaves no failure for fragmentation`(
    compacts: Bool, strategy: FitStrategy
  ) {
    for seed in 1...10 as ClosedRange<UInt64> {
      var random = Dice(seed)
      var memory = SegmentedMemory(strategy, size: 5000, compacts: compacts)
      var sizes: [String: [UInt64]] = [:]
      var failures = 0
      for step in 0..<300 {
        let name = "p\(random.below(12))"
        let used = sizes.values.reduce(0) { $0 + $1.reduce(0, +) }
        let outcome: SegmentationOutcome
        if let old = sizes[name] {
          if random.below(2) == 0 {
            outcome = memory.exit(name)
            sizes[name] = nil
          } else {
            let index = random.below(old.count)
            let more = UInt64(1 + random.below(300))
            outcome = memory.grow(name, index, by: more)
            if case .done = outcome { sizes[name]?[index] += more }
            if case .failed(_, true) = outcome { #expect(used + more <= 5000) }
            if case .failed(_, false) = outcome { #expect(used + more > 5000) }
          }
        } else {
          let requests = (0..<1 + random.below(4)).map {
            SegmentationScript.Request(name: "s\($0)", size: UInt64(1 + random.below(600)))
          }
          outcome = memory.start(name, requests)
          if case .done = outcome { sizes[name] = requests.map(\.size) }
        }
        if case .failed(_, let isFragmentation) = outcome {
          failures += 1
          if compacts && isFragmentation { Issue.record("seed \(seed), step \(step)") }
        }
        #expect(memory.processes.mapValues { $0.map(\.block.size) } == sizes)
        let blocks = memory.processes.values.flatMap { $0.map(\.block) }.sorted {
          $0.address < $1.address
        }
        for (block, next) in zip(blocks, blocks.dropFirst()) where block.end > next.address {
          Issue.record("two segments overlap at \(next.address), seed \(seed), step \(step)")
        }
        #expect((blocks.last?.end ?? 0) <= 5000)
        #expect(memory.usedBytes == sizes.values.reduce(0) { $0 + $1.reduce(0, +) })
      }
      #expect(failures > 0)
      #expect((memory.compactions > 0) == compacts)
    }
  }

  @Test func `both schemes are told side by side`() throws {
    let text = """
      process a code 100 data 200
      process b code 300
      exit a
      process c heap 350
      ref b code 299
      ref b code 300
      ref b code 512
      ref c heap 0
      grow b code 10
      process d heap 1000
      """
    let script = try SegmentationScript([UInt8](text.utf8), name: "t")
    var lab = SegmentationLab(size: 1024)
    lab.pageSize = 128
    lab.strategy = .best
    #expect(
      lab.replay(script) == """
        1K bytes: segments by best fit, pages of 128
          process a code 100 data 200
            segments: code 0-100 data 100-300
            pages:    3 frames
          process b code 300
            segments: code 300-600
            pages:    3 frames
          exit a
            segments: gone
            pages:    gone
          process c heap 350
            segments: heap 600-950
            pages:    3 frames
          ref b code 299
            segments: at 599
            pages:    page 2
          ref b code 300
            segments: fault
            pages:    beyond the end, but in the last page
          ref b code 512
            segments: fault
            pages:    fault
          ref c heap 0
            segments: at 600
            pages:    page 0
          grow b code 10
            segments: fails: no room, though enough is free
            pages:    0 frames
          process d heap 1000
            segments: fails: no room for 'heap'
            pages:    fails: 2 of 8 frames

                                     segments  pages
        failed requests                     2      1
          though enough was free            1      0
        processes at the end                2      2
        bytes they asked for              650    660
        bytes they were given             650    768
        internal fragmentation           0.0%  14.1%
        free bytes                        374    256
        external fragmentation          19.8%   0.0%
        bytes of tables at the end         32     48
          at most                          48     48
        compactions                         0      0
        bytes moved                         0      0
        references                          4      4
          faults                            2      1
          beyond the end, unnoticed         0      1

        """)
  }

  @Test func `mistakes are told with their place`() {
    let text = """
      process a
      process a code
      process a code 1 code 2
      process a code 1 data 2
      process a code 1
      ref b code 0
      ref a stack 0
      ref a code x
      grow a code 0
      exit a now
      exit a
      exit a
      halt
      """
    let found = complaints { () throws(LabFailure) in
      _ = try SegmentationScript([UInt8](text.utf8), name: "t")
    }
    #expect(
      found == [
        "1:10 a segment is missing after 'a'", "2:15 a size is missing after 'code'",
        "3:18 there is a segment 'code' already", "5:9 process 'a' runs already",
        "6:5 no process 'b' runs here", "7:7 'a' has no segment 'stack'",
        "8:12 'x' is no offset", "9:13 a size is 1 at least", "10:8 'now' is one word too many",
        "12:6 no process 'a' runs here", "13:1 'halt' is no command",
      ])
  }
}
