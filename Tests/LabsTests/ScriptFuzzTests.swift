import Testing
import TestSupport

@testable import MMULabs

@Suite struct ScriptFuzzTests {
  private static let words = [
    "alloc", "free", "process", "grow", "ref", "exit", "a", "b", "c", "code", "data", "0", "1", "7",
    "12K", "5p", "100B", "0x", "-1", "1048576G", "99999999999999999999", "#", "\n", "\n", "\n", "é",
    "1000-2000", "-", "ffffffffffffffff-0", "Size:",
  ]

  @Test(arguments: 1...6) func `any words are replayed or refused`(seed: UInt64) {
    var random = Dice(seed)
    var replayed = 0
    for round in 0..<1500 {
      var text = ""
      for _ in 0..<1 + random.below(12) {
        // Every second script has only lines that make sense by themselves.
        switch random.below(round % 2 == 0 ? 4 : 8) {
        case 0: text += "alloc \(["a", "b", "c"][random.below(3)]) \(random.below(6))\n"
        case 1: text += "free \(["a", "b", "c"][random.below(3)])\n"
        case 2: text += "process p\(random.below(3)) code \(1 + random.below(99)) data 9K\n"
        case 3: text += "grow p\(random.below(3)) data \(1 + random.below(9999))\n"
        default: text += Self.words[random.below(Self.words.count)] + " "
        }
      }
      let bytes = [UInt8](text.utf8)
      if let script = try? FitScript(bytes, name: "t") {
        #expect(!script.replay(size: 1 + UInt64(random.below(20)), FitStrategy.allCases).isEmpty)
        replayed += 1
      }
      if let script = try? BuddyScript(bytes, name: "t", maximumOrder: random.below(5)) {
        #expect(!script.replay().isEmpty)
        replayed += 1
      }
      if let script = try? SegmentationScript(bytes, name: "t") {
        var lab = SegmentationLab(size: 1 + UInt64(random.below(40_000)))
        lab.compacts = random.below(2) == 0
        lab.pageSize = 1 << UInt64(random.below(14))
        lab.strategy = FitStrategy.allCases[random.below(4)]
        #expect(!lab.replay(script).isEmpty)
        replayed += 1
      }
      if let maps = try? MapsText(bytes, name: "t") {
        #expect(!PageTableLab(maps, ram: 1 << 20).text.isEmpty)
      }
    }
    #expect(replayed > 50)
  }

  @Test func `the largest numbers do not overflow`() throws {
    let largest = "1048576G"
    let segments = (0..<256).map { " s\($0) \(largest)" }.joined()
    let text = "process p\(segments)\nprocess q a 1\ngrow q a \(largest)\nref q a \(largest)\n"
    let script = try SegmentationScript([UInt8](text.utf8), name: "t")
    var lab = SegmentationLab(size: LabNumber.largest)
    lab.pageSize = LabNumber.largest
    #expect(lab.replay(script).contains("no room"))
    lab.pageSize = 1
    #expect(lab.replay(script).contains("no room"))
    let fit = try FitScript([UInt8]("alloc a \(largest)\nalloc b 1".utf8), name: "t")
    #expect(fit.replay(size: LabNumber.largest, [.next]).contains("fails"))
    let whole = try MapsText([UInt8]("0-800000000000 r".utf8), name: "t")
    #expect(PageTableLab(whole, ram: LabNumber.largest).text.contains("34359738368 pages"))
  }
}
