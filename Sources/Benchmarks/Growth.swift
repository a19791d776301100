import MMUKernel
import MMUMemory
import MMUPaging

// How costs grow with the number of areas and pages: the same work at two sizes, and the ratio of what
// one event costs, which has a bar. The sizes take turns, so that a busy host disturbs both alike.

/// One kind of work at two sizes.
struct GrowthWorkload {
  let name: String
  let event: String
  let small: Int
  let large: Int
  /// The most the large size's cost of an event may be, of the small one's.
  let bar: Double
  /// Bytes of RAM, if it takes so many that it runs only when named.
  var largeRAM: UInt64?
  /// Makes the work of one size: what to do before each measurement, what to measure, and how many
  /// events that are.
  let prepare: (Int) -> (reset: () -> Void, run: () -> Void, events: Int)

  /// Measures and prints.
  func report() {
    let works = [prepare(small), prepare(large)]
    var best = [UInt64.max, UInt64.max]
    for round in 0..<12 {
      for (i, work) in works.enumerated() {
        // As many small ones as take the time of a large one, up to a point.
        for _ in 0..<(i == 0 ? min(50, large / small) : 1) {
          work.reset()
          let start = Platform.nanoseconds()
          work.run()
          let time = Platform.nanoseconds() - start
          if round > 0 { best[i] = min(best[i], time) }
        }
      }
    }
    let costs = zip(best, works).map { Double($0) / Double($1.events) }
    func text(_ value: Double) -> String {
      let hundredths = Int(value * 100 + 0.5)
      let rest = hundredths % 100
      return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
    let ratio = costs[1] / costs[0]
    let padded = name + String(repeating: " ", count: max(1, 20 - name.count))
    print(
      "\(padded)\(text(costs[0])) ns/\(event) at \(small), \(text(costs[1])) at \(large): "
        + "\(text(ratio)) times, at most \(text(bar))\(ratio > bar ? ", MISSED" : "")")
  }
}

/// The bars on growth.
var growthWorkloads: [GrowthWorkload] {
  let pages: UInt64 = 65_000
  return [
    // The same pages, in ten areas or each in one of its own, in an order that jumps.
    GrowthWorkload(
      name: "growth-fault", event: "fault", small: 10, large: Int(pages), bar: 3
    ) { count in
      let trapper = Trapper()
      let area = trapper.mapApart(count, pages: pages)
      trapper.touchAll(area, pages, .write)
      return (
        { trapper.call(233, area, pages * 4096, 4) },
        { trapper.touchScattered(area, pages, .write) }, Int(pages)
      )
    },
    GrowthWorkload(
      name: "growth-lookup", event: "call", small: 10, large: Int(pages), bar: 3
    ) { count in
      let trapper = Trapper()
      let area = trapper.mapApart(count, pages: pages)
      // mincore looks its area up.
      let vector = trapper.map(1)
      return (
        {},
        {
          for i in 0..<20_000 as Range<UInt64> {
            trapper.call(232, area + i &* 7919 % pages * 4096, 4096, vector)
          }
        }, 20_000
      )
    },
    GrowthWorkload(
      name: "growth-fork-areas", event: "area", small: 1000, large: Int(pages), bar: 1.3
    ) { count in
      let trapper = Trapper()
      _ = trapper.mapApart(count, pages: UInt64(count))
      return ({ trapper.endOthersIfAny() }, { trapper.fork() }, count)
    },
    GrowthWorkload(
      name: "growth-fork-pages", event: "page", small: 1000, large: Int(pages), bar: 1.3
    ) { count in
      let trapper = Trapper()
      let area = trapper.map(UInt64(count))
      trapper.touchAll(area, UInt64(count), .write)
      return ({ trapper.endOthersIfAny() }, { trapper.fork() }, count)
    },
    GrowthWorkload(
      name: "growth-unmap-areas", event: "area", small: 1000, large: Int(pages), bar: 1.3
    ) { count in
      let trapper = Trapper()
      var area: UInt64 = 0
      return (
        { area = trapper.mapApart(count, pages: UInt64(count)) },
        { trapper.call(215, area, UInt64(count) * 4096) }, count
      )
    },
    GrowthWorkload(
      name: "growth-unmap-both", event: "area", small: 1000, large: Int(pages), bar: 1.3
    ) { count in
      let trapper = Trapper()
      var area: UInt64 = 0
      return (
        {
          area = trapper.mapApart(count, pages: UInt64(count))
          trapper.touchAll(area, UInt64(count), .write)
        },
        { trapper.call(215, area, UInt64(count) * 4096) }, count
      )
    },
    GrowthWorkload(
      name: "growth-unmap-pages", event: "page", small: 1000, large: Int(pages), bar: 1.3
    ) { count in
      let trapper = Trapper()
      var area: UInt64 = 0
      return (
        {
          area = trapper.map(UInt64(count))
          trapper.touchAll(area, UInt64(count), .write)
        },
        { trapper.call(215, area, UInt64(count) * 4096) }, count
      )
    },
    // 4 GiB resident at once.
    GrowthWorkload(
      name: "growth-resident", event: "fault", small: 65_536, large: 1_048_576, bar: 3,
      largeRAM: 5 << 30
    ) { count in
      let trapper = Trapper(ram: 5 << 30)
      let pages = UInt64(count)
      let area = trapper.map(pages)
      return (
        { trapper.call(233, area, pages * 4096, 4) },
        {
          trapper.touchAll(area, pages, .write)
          precondition(trapper.peakResidentPages >= pages, "pages are missing")
        }, count
      )
    },
  ]
}

extension Trapper {
  /// Maps `count` areas side by side that do not join, of so many pages together.
  func mapApart(_ count: Int, pages: UInt64) -> UInt64 {
    let size = pages / UInt64(count)
    let start: UInt64 = 1 << 40
    for i in 0..<UInt64(count) {
      // Every other one may be executed too.
      let end = i + 1 == UInt64(count) ? pages : (i + 1) * size
      call(222, start + i * size * 4096, (end - i * size) * 4096, i & 1 == 0 ? 3 : 7, 0x32, ~0, 0)
    }
    return start
  }

  /// Touches each page once, never two neighbours in a row.
  func touchScattered(_ area: UInt64, _ pages: UInt64, _ kind: Access.Kind) {
    var page: UInt64 = 0
    for _ in 0..<pages {
      touchAll(area + page * 4096, 1, kind)
      // 7,919 is prime, and no divisor of the number of pages.
      page = (page + 7919) % pages
    }
  }
}
