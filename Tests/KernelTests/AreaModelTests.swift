@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

/// What a page of the model is: its permissions, and what it holds.
private struct ModelPage: Equatable {
  var permissions: UInt64
  var value: UInt8
}

// Random mmap, munmap, mprotect, madvise, stores and loads against a dictionary of pages.

@Suite struct AreaModelTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func `random operations agree with a dictionary of pages`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let bench = try Bench(ram: 8 << 20)
    let pages: UInt64 = 96
    let base = bench.map(pages)
    bench.call(Number.munmap, base, pages * 4096)
    var model: [UInt64: ModelPage] = [:]
    var problem: String?
    func fail(_ text: String, _ step: Int) {
      if problem == nil { problem = "seed \(seed), step \(step): \(text)" }
    }
    for step in 0..<1500 where problem == nil {
      let first = random.next() % pages
      let count = min(1 + random.next() % 9, pages - first)
      let address = base + first * 4096
      let protection = [0, 1, 3, 3, 3, 5, 7][Int(random.next() % 7)] as UInt64
      let range = first..<first + count
      switch random.next() % 10 {
      case 0, 1, 2:
        if bench.map(count, protection, at: address, flags: 0x10) != address {
          fail("mmap", step)
        }
        for i in range { model[i] = ModelPage(permissions: protection, value: 0) }
      case 3:
        if bench.call(Number.munmap, address, count * 4096) != 0 { fail("munmap", step) }
        for i in range { model[i] = nil }
      case 4, 5:
        let result = bench.call(Number.mprotect, address, count * 4096, protection)
        let hole = range.first { model[$0] == nil }
        for i in first..<(hole ?? range.upperBound) { model[i]!.permissions = protection }
        if result != (hole == nil ? 0 : negative(.noMemory)) { fail("mprotect: \(result)", step) }
      case 6:
        let result = bench.call(Number.madvise, address, count * 4096, 4)
        for i in range where model[i] != nil { model[i]!.value = 0 }
        let isWhole = range.allSatisfy { model[$0] != nil }
        if result != (isWhole ? 0 : negative(.noMemory)) { fail("madvise: \(result)", step) }
      default:
        for i in range {
          let at = base + i * 4096 + 100
          let permissions = model[i]?.permissions ?? 0
          if permissions & 2 != 0 {
            let value = UInt8(truncatingIfNeeded: random.next())
            bench.store(value, at: at)
            model[i]!.value = value
          }
          if permissions != 0, bench.load(at) != model[i]!.value {
            fail("page \(i) holds another value", step)
          }
        }
      }
      for i in 0..<pages {
        let area = bench.space.area(at: VirtualAddress(base + i * 4096))
        if (area?.permissions).map({ UInt64($0.rawValue) }) != model[i]?.permissions {
          fail("page \(i) is in the wrong area", step)
        }
      }
      if let broken = bench.kernel.system.checkInvariants() { fail(broken, step) }
      for pair in zip(bench.space.allAreas, bench.space.allAreas.dropFirst())
      where pair.0.continues(into: pair.1) {
        let (a, b) = (pair.0.anonymousIdentity, pair.1.anonymousIdentity)
        if a == b || a == 0 || b == 0 { fail("neighbours that are alike did not join", step) }
      }
    }
    #expect(problem == nil)
    #expect(bench.finish() == nil)
  }

  @Test func `an ordered set of areas agrees with a sorted array`() {
    var random = SeededGenerator(seed: 7)
    let promises = MemoryPromises()
    var set = AreaSet(guardGap: 256 * 4096, promises: promises)
    var list: [VirtualMemoryArea] = []
    var problem: String?
    for step in 0..<12_000 where problem == nil {
      let page = 16 + random.next() % 60_000
      let index = list.firstIndex { $0.upper > page << 12 } ?? list.count
      let position = set.firstEnding(after: page << 12)
      if set.area(position) != (index < list.count ? list[index] : nil) {
        problem = "step \(step): lookup of page \(page)"
      }
      let isTaken = index < list.count && list[index].lower <= page << 12
      if random.next() % 40 == 0 {
        let more = min(list.count - index, Int(random.next() % [3, 20, 200][step % 3]))
        let end = index + more < list.count ? list[index + more].lower : 1 << 40
        var released: [VirtualMemoryArea] = []
        set.remove(from: position, below: end) { released.append($0) }
        if released != list[index..<index + more].filter({ $0.source != 0 }) {
          problem = "step \(step): other files were released"
        }
        list.removeSubrange(index..<index + more)
        if let found = set.inconsistency() { problem = "step \(step): \(found)" }
        continue
      }
      if isTaken && random.next() % 2 == 0 {
        set.remove(at: position)
        list.remove(at: index)
      } else if !isTaken {
        let top = index < list.count ? list[index].lower >> 12 : 65_536
        let pages = 1 + random.next() % min(top - page, 12)
        let area = VirtualMemoryArea(
          lower: page << 12, upper: (page + pages) << 12, permissions: .read,
          flags: [[.growsDown], [.accounted], [], []][Int(random.next() % 4)],
          source: random.next() % 100 == 0 ? 5 : 0)
        set.insert(area, at: position)
        list.insert(area, at: index)
      } else {
        var area = list[index]
        area.upper = area.lower + 4096
        set.replace(at: position, with: area)
        list[index] = area
      }
      if step % 20 == 0 {
        if let found = set.inconsistency() { problem = "step \(step): \(found)" }
        let length = (1 + random.next() % 200) << 12
        let found = set.highestGap(length: length, low: 1 << 16, high: 60_000 << 12)
        if found != highestGap(list, length, 1 << 16, 60_000 << 12) {
          problem = "step \(step): gap of \(length >> 12) pages"
        }
      }
      if set.count != list.count { problem = "step \(step): count" }
      if step % 20 == 0, promises.pages != list.reduce(0, { $0 + $1.accountedPages }) {
        problem = "step \(step): accounted pages"
      }
    }
    #expect(problem == nil)
    #expect(list.count > 500)
  }

  private func highestGap(
    _ list: [VirtualMemoryArea], _ length: UInt64, _ low: UInt64, _ high: UInt64
  ) -> UInt64? {
    var best: UInt64?
    var bottom = low
    for area in list {
      let top = min(area.guardedLower(gap: 256 * 4096), high)
      if top > bottom && top - bottom >= length { best = top - length }
      bottom = max(bottom, area.upper)
    }
    return high > bottom && high - bottom >= length ? high - length : best
  }

  @Test func `separately written neighbours stay apart, others join`() throws {
    let bench = try Bench()
    // Two areas with different permissions, both written, then made alike.
    let p = bench.map(2)
    bench.call(Number.mprotect, p, 4096, 1)
    #expect(bench.areas(from: p, pages: 2) == "0-1 r--, 1-2 rw-")
    bench.call(Number.mprotect, p, 4096, 3)
    #expect(bench.areas(from: p, pages: 2) == "0-2 rw-")
    // Written with a hole between: each has its own identity, the filler joins the lower one.
    let q = bench.map(8)
    bench.call(Number.munmap, q, 8 * 4096)
    #expect(bench.map(2, at: q, flags: 0x10) == q)
    #expect(bench.map(2, at: q + 5 * 4096, flags: 0x10) == q + 5 * 4096)
    bench.store(1, at: q)
    bench.store(1, at: q + 5 * 4096)
    bench.map(3, at: q + 2 * 4096, flags: 0x10)
    #expect(bench.areas(from: q, pages: 7) == "0-5 rw-, 5-7 rw-")
    #expect(bench.finish() == nil)
  }
}
