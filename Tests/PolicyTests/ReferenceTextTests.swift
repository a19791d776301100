import MMUPolicy
import Testing
import TestSupport

@Suite struct `Reference strings as text` {
  private func pages(_ text: String) throws -> [UInt64] {
    let string = try ReferenceString(parsing: Array(text.utf8))
    return (0..<string.count).map { string.name(at: $0).page }
  }

  @Test func `all that may be written`() throws {
    let text = "# a comment\n7, 0x1F,0XaW".replacing("W", with: "w") + "\n12w*3\t@2 7 # end"
    let string = try ReferenceString(parsing: Array(text.utf8))
    #expect(string.count == 7)
    #expect(try pages(text) == [7, 31, 10, 12, 12, 12, 7])
    #expect(
      (0..<7).map { string.isWrite(at: $0) } == [false, false, true, true, true, true, false])
    #expect(string.writes == 4)
    #expect(string.isHexadecimal)
    // Page 7 of process 2 is another page.
    #expect(string.names.count == 5)
    #expect(string.name(at: 6) == PageName(7, process: 2))
    #expect(try pages("\u{feff}1\r\n2") == [1, 2])
    #expect(try pages("\((1 << 52) - 1)") == [(1 << 52) - 1])
  }

  @Test func `mistakes are placed and explained`() {
    let rows: [(text: String, line: Int, column: Int, length: Int, message: String)] = [
      ("", 1, 1, 1, "there is no reference in it"),
      ("# only\n", 2, 1, 1, "there is no reference in it"),
      ("1 2\n 3x 4", 2, 2, 2, "'3x' is no page reference"),
      ("1 -2", 1, 3, 2, "'-2' is no page reference"),
      ("0x", 1, 1, 2, "'0x' is no page reference"),
      ("12ww", 1, 1, 4, "'12ww' is no page reference"),
      ("12*", 1, 1, 3, "'12*' is no page reference"),
      ("12*0", 1, 1, 4, "'12*0' is no page reference"),
      ("12W", 1, 1, 3, "'12W' is no page reference"),
      ("ä ö", 1, 1, 1, "'ä' is no page reference"),
      ("\u{1}", 1, 1, 1, "'\\x01' is no page reference"),
      ("1 @", 1, 3, 1, "'@' names no process"),
      ("@4294967296 1", 1, 1, 11, "'@4294967296' names no process"),
      ("4503599627370496", 1, 1, 16, "page 4503599627370496 is beyond 64-bit addresses"),
      (
        "1 99999999999999999999", 1, 3, 20,
        "a number in '99999999999999999999' does not fit 64 bits"
      ),
      ("1 1*268435456", 1, 3, 11, "more than 268435456 references up to here"),
    ]
    for row in rows {
      do {
        _ = try ReferenceString(parsing: Array(row.text.utf8))
        Issue.record("accepted: \(row.text)")
      } catch {
        #expect(error.message == row.message)
        #expect(error.line == row.line, "\(row.text)")
        #expect(error.column == row.column, "\(row.text)")
        #expect(error.length == row.length, "\(row.text)")
      }
    }
  }

  @Test func `what a writer writes is read back, in any portions`() throws {
    for seed in 0..<300 as Range<UInt64> {
      var dice = Dice(seed)
      var writer = ReferenceWriter(comment: "two\nlines")
      var expected = ReferenceString()
      var text: [UInt8] = []
      for _ in 0..<dice.below(200) + 1 {
        let process = UInt32(dice.below(4) == 0 ? dice.below(3) : 0)
        let page = dice.next() & (PageName.limit - 1) >> UInt64(dice.below(52))
        let name = PageName(page, process: process)
        let isWrite = dice.below(2) == 0
        let count = dice.below(3) == 0 ? 1 + dice.below(20) : 1
        expected.append(name, isWrite: isWrite, count: count)
        for _ in 0..<count { writer.append(name, isWrite: isWrite) }
        if dice.below(9) == 0 { text += writer.take(isLast: false) }
      }
      text += writer.take(isLast: true)
      let string = try ReferenceString(parsing: text)
      #expect(string.references == expected.references, "seed \(seed)")
      #expect(string.names == expected.names, "seed \(seed)")
    }
  }

  @Test func `a damaged text is read or refused, whatever the damage`() {
    var dice = Dice(5)
    var refused = 0
    let letters = Array("0123456789abcdefxw*@# ,\n".utf8)
    for _ in 0..<2000 {
      var bytes = Array("1 2w 0x3f*4 @2 7\n# x\n 9w*2".utf8)
      for _ in 0...dice.below(3) {
        let i = dice.below(bytes.count)
        switch dice.below(3) {
        case 0: bytes.remove(at: i)
        case 1: bytes.insert(letters[dice.below(letters.count)], at: i)
        default: bytes[i] = UInt8(truncatingIfNeeded: dice.next())
        }
      }
      do {
        let string = try ReferenceString(parsing: bytes)
        #expect(string.count > 0)
      } catch {
        #expect(error.message != "" && error.column >= 1 && error.line >= 1)
        refused += 1
      }
    }
    #expect(refused > 200)
  }

  @Test(.timeLimit(.minutes(10))) func `many pages are numbered in the order of appearance`() {
    // Runs, strides and processes whose hashes must not meet; a table of neighbours took minutes.
    var names: [PageName] = []
    for stride in [1, 3, 1 << 12, 1 << 16, 1 << 20] as [UInt64] {
      for i in 0..<65_536 { names.append(PageName(1 << 40 | UInt64(i) * stride, process: 1)) }
    }
    for process in 2..<65_536 as Range<UInt32> { names.append(PageName(7, process: process)) }
    var seen: Set<PageName> = []
    names = names.filter { seen.insert($0).inserted }
    var string = ReferenceString()
    for name in names { string.append(name) }
    for name in names.reversed() { string.append(name, isWrite: true) }
    #expect(string.names == names)
    #expect(
      string.references.prefix(names.count).elementsEqual((0..<names.count).map { UInt32($0) << 1 })
    )
    #expect(
      string.references.suffix(names.count).elementsEqual(
        (0..<names.count).reversed().map { UInt32($0) << 1 | 1 }))
  }
}
