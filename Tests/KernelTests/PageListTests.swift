import Testing

@testable import MMUKernel

@Suite struct PageListTests {
  private static let all = PageKind.allCases.flatMap { kind in
    (0..<PageList.perKind).map { PageList(kind, $0) }
  }

  private func frames(_ lists: PageLists, _ list: PageList) -> [UInt64] {
    var frames: [UInt64] = []
    var frame = lists.first(list)
    while frame != 0 && frames.count < 100 {
      frames.append(frame)
      frame = lists.next(frame)
    }
    return frames
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `lists keep order, counts and marks as arrays do`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    func below(_ n: Int) -> Int { Int(random.next() % UInt64(n)) }
    let lists = PageLists(frames: 41)
    var model: [UInt8: [UInt64]] = [:]
    var marks = [UInt8](repeating: 0, count: 41)
    var newcomers: [PageKind: PageList] = [
      .anonymous: PageList(.anonymous), .file: PageList(.file),
    ]
    func place(_ frame: UInt64) -> UInt8? { model.first { $0.value.contains(frame) }?.key }
    let names = [
      PageLists.Mark.referenced, PageLists.Mark.readAhead, PageLists.Mark.swapCached,
      PageLists.Mark.lazyFree,
    ]
    for _ in 0..<3000 {
      let frame = UInt64(1 + below(40))
      switch below(8) {
      case 0, 1, 2:
        let kind = PageKind.allCases[below(2)]
        lists.enter(frame, kind)
        if place(frame) == nil { model[newcomers[kind]!.rawValue, default: []].append(frame) }
      case 3:
        lists.leave(frame)
        if let old = place(frame) { model[old]!.removeAll { $0 == frame } }
        marks[Int(frame)] = 0
      case 4, 5:
        let list = Self.all[below(14)]
        lists.move(frame, to: list)
        // To another list of its kind only.
        if let old = place(frame), lists.list(of: frame).kind == list.kind {
          model[old]!.removeAll { $0 == frame }
          model[list.rawValue, default: []].append(frame)
        }
      case 6:
        let mark = names[below(4)]
        if below(2) == 0 {
          lists.set(mark, frame)
          marks[Int(frame)] |= mark
        } else {
          lists.clear(mark, frame)
          marks[Int(frame)] &= ~mark
        }
      default:
        let list = Self.all[below(14)]
        lists.sendNewcomers(to: list)
        newcomers[list.kind] = list
      }
    }
    #expect(lists.inconsistency() == nil)
    for list in Self.all {
      let expected = model[list.rawValue] ?? []
      #expect(frames(lists, list) == expected)
      #expect(lists.count(list) == UInt64(expected.count))
      for frame in expected { #expect(lists.list(of: frame) == list) }
    }
    for frame in 1...40 as ClosedRange<UInt64> {
      #expect(names.allSatisfy { lists.has($0, frame) == (marks[Int(frame)] & $0 != 0) })
      if place(frame) == nil { #expect(lists.list(of: frame) == .none) }
    }
    for kind in PageKind.allCases {
      let count = Self.all.filter { $0.kind == kind }.reduce(0) {
        $0 + (model[$1.rawValue]?.count ?? 0)
      }
      #expect(lists.count(kind) == UInt64(count))
    }
    #expect(lists.pages == lists.count(.anonymous) + lists.count(.file))
  }

  @Test func `one page more than the limit is short`() {
    let lists = PageLists(frames: 10)
    lists.limit = 3
    for frame in 1...3 as ClosedRange<UInt64> { lists.enter(frame, .anonymous) }
    #expect(!lists.isShort)
    lists.enter(4, .file)
    #expect(lists.isShort)
  }

  @Test func `a list knows its kind and number`() {
    for kind in PageKind.allCases {
      for number in 0..<PageList.perKind {
        let list = PageList(kind, number)
        #expect(list.kind == kind && list.number == number && list != .none)
      }
    }
  }
}
