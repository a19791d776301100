/// A script of processes under segmentation and under paging, side by side.
///
///     var lab = SegmentationLab(size: 1 << 20)
///     print(lab.replay(script))
public struct SegmentationLab {
  /// Bytes of memory.
  public var size: UInt64
  /// How segments are placed.
  public var strategy = FitStrategy.first
  /// Whether segments are moved together when a request fails though enough is free.
  public var compacts = false
  /// Bytes of a page.
  public var pageSize: UInt64 = 4096

  /// Makes a lab with first fit, no compaction and pages of 4 KiB.
  public init(size: UInt64) { self.size = size }

  /// How a scheme did.
  private struct Score {
    var failures = 0
    var fragmentationFailures = 0
    var faults = 0
    var references = 0
    var reachedBeyond = 0
    var peakTable: UInt64 = 0

    mutating func note(_ outcome: SegmentationOutcome, isReference: Bool) -> String {
      switch outcome {
      case .done(let what):
        if isReference { references += 1 }
        return what
      case .beyondEnd:
        references += 1
        reachedBeyond += 1
        return "beyond the end, but in the last page"
      case .failed(let why, let isFragmentation):
        failures += 1
        if isFragmentation { fragmentationFailures += 1 }
        return "fails: \(why)" + (isFragmentation ? ", though enough is free" : "")
      case .fault:
        references += 1
        faults += 1
        return "fault"
      case .ignored: return "was refused"
      }
    }
  }

  /// Replays a script under both schemes.
  ///
  /// - Returns: each step under both, and a table of how they did.
  public func replay(_ script: SegmentationScript) -> String {
    var segments = SegmentedMemory(strategy, size: size, compacts: compacts)
    var pages = PagedMemory(size: size, pageSize: pageSize)
    var scores = (segments: Score(), pages: Score())
    var rows: [(step: String, segments: String, pages: String)] = []
    for (text, step) in script.steps {
      let outcomes: (segments: SegmentationOutcome, pages: SegmentationOutcome)
      var isReference = false
      switch step {
      case .start(let name, let requests):
        outcomes = (segments.start(name, requests), pages.start(name, requests))
      case .grow(let name, let index, let size):
        outcomes = (segments.grow(name, index, by: size), pages.grow(name, index, by: size))
      case .reference(let name, let index, let offset):
        isReference = true
        outcomes = (
          segments.reference(name, index, offset), pages.reference(name, index, offset)
        )
      case .exit(let name):
        outcomes = (segments.exit(name), pages.exit(name))
      }
      rows.append(
        (
          text, scores.segments.note(outcomes.segments, isReference: isReference),
          scores.pages.note(outcomes.pages, isReference: isReference)
        ))
      scores.segments.peakTable = max(scores.segments.peakTable, segments.tableBytes)
      scores.pages.peakTable = max(scores.pages.peakTable, pages.tableBytes)
    }
    var text =
      "\(LabNumber.text(size)) bytes: segments by \(strategy.rawValue) fit"
      + (compacts ? " with compaction" : "") + ", pages of \(LabNumber.text(pageSize))\n"
    for row in rows {
      text += "  \(row.step)\n    segments: \(row.segments)\n    pages:    \(row.pages)\n"
    }
    return text + "\n" + table(segments, pages, scores.segments, scores.pages).text
  }

  private func table(
    _ segments: SegmentedMemory, _ pages: PagedMemory, _ left: Score, _ right: Score
  ) -> LabTable {
    var table = LabTable()
    table.add(["", "segments", "pages"])
    table.add(["failed requests", "\(left.failures)", "\(right.failures)"])
    table.add([
      "  though enough was free", "\(left.fragmentationFailures)",
      "\(right.fragmentationFailures)",
    ])
    table.add([
      "processes at the end", "\(segments.processes.count)", "\(pages.processes.count)",
    ])
    table.add([
      "bytes they asked for", "\(segments.usedBytes)", "\(pages.usedBytes)",
    ])
    table.add([
      "bytes they were given", "\(segments.usedBytes)",
      "\(pages.grantedBytes)",
    ])
    table.add([
      "internal fragmentation", "0.0%",
      LabNumber.percent(pages.grantedBytes - pages.usedBytes, of: pages.grantedBytes),
    ])
    table.add([
      "free bytes", "\(segments.freeSize)", "\(pages.freeBytes)",
    ])
    table.add([
      "external fragmentation",
      LabNumber.percent(segments.freeSize - segments.largestFree, of: segments.freeSize), "0.0%",
    ])
    table.add([
      "bytes of tables at the end", "\(segments.tableBytes)", "\(pages.tableBytes)",
    ])
    table.add(["  at most", "\(left.peakTable)", "\(right.peakTable)"])
    table.add(["compactions", "\(segments.compactions)", "0"])
    table.add(["bytes moved", "\(segments.movedBytes)", "0"])
    table.add(["references", "\(left.references)", "\(right.references)"])
    table.add(["  faults", "\(left.faults)", "\(right.faults)"])
    table.add([
      "  beyond the end, unnoticed", "\(left.reachedBeyond)", "\(right.reachedBeyond)",
    ])
    return table
  }
}
