import MMUTiming

/// The share of time lost to a lack of memory over the last 10, 60 and 300 seconds of the clock, as Linux's
/// pressure-stall information reckons it.
///
///     var averages = PressureAverages(period: 6_000_000_000)
///     averages.add(1_500_000_000, until: 4_000_000_000)
///     averages.advance(to: 6_000_000_000)
///     averages.text(0)  // avg10=4.52 ...
///
/// At the end of each period of two seconds the share of it that was lost, in whole per cent, is weighed in
/// with a factor of its own for each average. Numbers have eleven binary places.
struct PressureAverages: Equatable {
  /// Cycles of two seconds.
  private let period: Cycles
  /// Where the current period ends, and what was lost in it so far.
  private var end: Cycles
  private var lost: Cycles = 0
  private var values: [UInt64] = [0, 0, 0]

  private static let one: UInt64 = 2048
  /// e to the power of -2/10, -2/60 and -2/300.
  private static let factors: [UInt64] = [1677, 1981, 2034]

  /// Makes averages of nothing.
  init(period: Cycles) {
    self.period = max(period, 1)
    end = self.period
  }

  /// Closes the periods that are over at a time.
  ///
  /// - Complexity: the periods until every average is 0, at most a few thousand.
  mutating func advance(to time: Cycles) {
    while end <= time {
      if lost == 0 && values == [0, 0, 0] {
        end = (time / period + 1) * period
        return
      }
      let share = min(lost, period) * 100 / period * Self.one
      for i in values.indices {
        var sum = values[i] * Self.factors[i] + share * (Self.one - Self.factors[i])
        if share >= values[i] { sum += Self.one - 1 }
        values[i] = sum / Self.one
      }
      lost = 0
      end += period
    }
  }

  /// So many cycles were lost until a time, without a break.
  ///
  /// - Precondition: nothing that ended later has been added.
  mutating func add(_ cycles: Cycles, until time: Cycles) {
    var from = time - min(cycles, time)
    advance(to: from)
    while end <= time {
      lost += end - from
      from = end
      advance(to: from)
    }
    lost += time - from
  }

  /// The line of /proc/pressure behind its first word.
  ///
  /// - Parameter total: microseconds lost so far.
  func text(_ total: UInt64) -> String {
    zip(["avg10", "avg60", "avg300"], values).map { name, value in
      let hundredths = String((value % Self.one) * 100 / Self.one)
      return "\(name)=\(value / Self.one)." + (hundredths.utf8.count < 2 ? "0" : "") + hundredths
    }.joined(separator: " ") + " total=\(total)"
  }
}

extension Kernel {
  /// /proc/pressure/memory.
  var pressureText: String {
    let stall = system.stall
    let time = now
    var lines = ""
    for (name, cycles, averages) in [
      ("some", stall.some(at: time), stall.someAverages(at: time)),
      ("full", stall.full, stall.fullAverages(at: time)),
    ] {
      let rate = configuration.cyclesPerSecond
      let microseconds = cycles / rate * 1_000_000 + cycles % rate * 1_000_000 / rate
      lines += name + " " + averages.text(microseconds) + "\n"
    }
    return lines
  }
}
