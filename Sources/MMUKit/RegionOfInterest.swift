/// The part of a run that is counted: from the first arrival at one label to the next at another,
/// or between a pair of HINT instructions.
///
/// Without either, the whole run.
struct RegionOfInterest {
  private let start: UInt64?
  private let end: UInt64?
  private var before: Statistics?
  private var after: Statistics?

  init(start: UInt64?, end: UInt64?) {
    self.start = start
    self.end = end
  }

  /// Where the core has to stop now.
  var stops: [UInt64] {
    if let start, before == nil { return [start] }
    if let end, after == nil { return [end] }
    return []
  }

  mutating func arrive(at address: UInt64, _ now: Statistics) {
    if before == nil, address == start {
      before = now
    } else if after == nil, address == end {
      after = now
    }
  }

  /// A HINT; labels given by the user take its place, and only the first pair counts.
  mutating func hint(_ begins: Bool, _ now: Statistics) {
    if start != nil || end != nil { return }
    if begins {
      if before == nil { before = now }
    } else if after == nil && before != nil {
      after = now
    }
  }

  /// What was counted inside.
  func result(_ all: Statistics) -> Statistics {
    if before == nil && after == nil { return all }
    var last = after ?? all
    let ends = Statistics.processesByNumber(all)
    for i in last.processes.indices {
      guard let whole = ends[last.processes[i].pid] else { continue }
      last.processes[i].status = whole.status
      last.processes[i].maxResidentPages = whole.maxResidentPages
      last.processes[i].sharedPages = whole.sharedPages
    }
    last.memory = all.memory
    guard let before else { return last }
    return last - before
  }

  /// What to say if the region was never entered.
  var warning: String? {
    guard start != nil && before == nil else { return nil }
    return "the run never arrived at the label of --from: the whole run was counted"
  }
}
