import MMUAssembly
import Testing
import TestSupport

@testable import MMULabs

@Suite struct PageTableTests {
  private func maps(_ text: String) throws -> MapsText {
    try MapsText([UInt8](text.utf8), name: "maps")
  }

  @Test func `tables are those that hold an entry for some page`() throws {
    for seed in 1...20 as ClosedRange<UInt64> {
      var random = Dice(seed)
      var text = ""
      var pages: [UInt64] = []
      var at = UInt64(random.below(1 << 20))
      for _ in 0..<1 + random.below(12) {
        // Neighbours, and areas far apart, up to the end of the user half.
        at += UInt64(random.below(3)) << UInt64(random.below(33))
        let count = UInt64(1 + random.below(3000))
        if at + count > 1 << 35 { break }
        text += String(at << 12, radix: 16) + "-" + String((at + count) << 12, radix: 16)
        text += " rw-p 00000000 00:00 0\n"
        pages += at..<at + count
        at += count
      }
      if pages.isEmpty { continue }
      let lab = PageTableLab(try maps(text), ram: 1 << 30)
      #expect(lab.pages == UInt64(pages.count))
      for widths in [[36], [18, 18], [12, 12, 12], [9, 9, 9, 9], [4, 8, 20, 4]] {
        var tables = 0
        var bytes: UInt64 = 0
        var below = 36
        for width in widths {
          let count = Set(pages.map { $0 >> UInt64(below) }).count
          tables += count
          bytes += UInt64(count) << UInt64(width) * 8
          below -= width
        }
        let row = lab.tree("", widths)
        #expect(row.tables == UInt64(tables) && row.bytes == bytes, "\(widths) \(text)")
      }
      // With large leaves no last-level table is left for 512 pages that are all mapped.
      let runs = Dictionary(grouping: Set(pages)) { $0 >> 9 }
      let small = runs.filter { $0.value.count < 512 }.count
      let whole = runs.count - small
      let row = lab.tree("", [9, 9, 9, 9], largeShift: 9)
      let plain = lab.tree("", [9, 9, 9, 9])
      let split = splitRuns(text)
      #expect(row.tables == plain.tables - UInt64(whole - split), "\(text)")
    }
  }

  /// Runs of 512 pages that are all mapped, but by several areas: those keep their table.
  private func splitRuns(_ text: String) -> Int {
    guard let areas = try? maps(text).areas else { return 0 }
    var parts: [UInt64: [UInt64]] = [:]
    for area in areas {
      for run in area.firstPage >> 9...(area.endPage - 1) >> 9 {
        let count = min(area.endPage, (run + 1) << 9) - max(area.firstPage, run << 9)
        parts[run, default: []].append(count)
      }
    }
    return parts.values.count { $0.count > 1 && $0.reduce(0, +) == 512 }
  }

  @Test func `a small map in numbers`() throws {
    let map = try maps(
      """
      00400000-00600000 r-xp 00000000 08:01 7 /bin/a
      00600000-00601000 rw-p 00200000 08:01 7 /bin/a
      Size:                  4 kB
      VmFlags: rd wr
      7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]
      ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
      """)
    #expect(
      PageTableLab(map, ram: 16 << 20).text == """
        3 areas, 546 pages of 4 KiB (2.1 MiB)
        left out: 1 in the kernel's half
                                     tables         bytes            bytes a page      reads
        flat                              1  549755813888   512 GiB  1006878780.0          1
        2 levels (18+18)                  3       6291456     6 MiB       11522.8          2
        3 levels (12+12+12)               5        163840   160 KiB         300.0          3
        4 levels (9+9+9+9)                8         32768    32 KiB          60.0          4
        4 levels, 2 MiB leaves            7         28672    28 KiB          52.5        3-4
        hashed                            1         21296  20.7 KiB          39.0  2 or more
        inverted, for all processes       1        131072   128 KiB         240.0  2 or more

        """)
  }

  @Test func `what is no map is told with its place`() {
    func complaint(_ text: String) -> [String] {
      complaints { () throws(LabFailure) in _ = try MapsText([UInt8](text.utf8), name: "maps") }
    }
    #expect(complaint("") == ["maps has no areas"])
    #expect(complaint("hello world") == ["1:1 'hello' is no range of addresses"])
    #expect(complaint("Size: 4 kB") == ["1:1 'Size:' is no range of addresses"])
    #expect(
      complaint("1000-2000 r\n  1000-1fff r") == ["2:3 '1000-1fff' is no range of whole pages"])
    #expect(complaint("2000-1000 r") == ["1:1 '2000-1000' is no range of whole pages"])
    #expect(
      complaint("1000-3000 r\n2000-4000 r") == [
        "2:1 '2000-4000' begins before the area above it ends"
      ])
    #expect(
      complaint("7ffffffff000-800000001000 r") == [
        "1:1 '7ffffffff000-800000001000' is not canonical under 4 levels"
      ])
  }
}
