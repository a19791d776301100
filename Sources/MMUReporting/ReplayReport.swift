public import MMUPolicy

/// What `mmuemu policy` prints.
public enum ReplayReport {
  /// A replay of one policy with one number of frames.
  public struct Row: Sendable {
    /// The policy, as it was named.
    public var policy: String
    /// Frames of memory.
    public var frames: Int
    /// What came of it.
    public var counts: ReplayCounts

    /// Joins the fields.
    public init(policy: String, frames: Int, counts: ReplayCounts) {
      self.policy = policy
      self.frames = frames
      self.counts = counts
    }
  }

  /// A line about the string itself.
  public static func heading(_ string: ReferenceString, name: String) -> String {
    "\(name): \(number(string.count, "reference")) to \(number(string.names.count, "page")), "
      + "\(number(string.writes, "write"))\n"
  }

  /// A line for each replay, then what is to be said about them.
  public static func table(_ rows: [Row]) -> String {
    var cells = [
      ["policy", "frames", "faults", "hits", "hit rate", "evictions", "writebacks"]
    ]
    for row in rows {
      let counts = row.counts
      cells.append([
        row.policy, grouped(row.frames), grouped(counts.faults), grouped(counts.hits),
        NumberText.percent(UInt64(counts.hits), of: UInt64(counts.references)),
        grouped(counts.evictions), grouped(counts.writebacks),
      ])
    }
    return aligned(cells, textColumns: [0]) + anomalies(rows)
  }

  /// Names the policies that had more faults with more frames.
  private static func anomalies(_ rows: [Row]) -> String {
    var text = ""
    var policies: [String] = []
    for row in rows where !policies.contains(row.policy) { policies.append(row.policy) }
    for policy in policies {
      let sizes = rows.filter { $0.policy == policy }.sorted { $0.frames < $1.frames }
      let worse = zip(sizes, sizes.dropFirst()).filter { $0.counts.faults < $1.counts.faults }
      guard let (smaller, larger) = worse.first else { continue }
      text +=
        "\(policy): Belady's anomaly: \(grouped(larger.counts.faults)) faults with "
        + "\(grouped(larger.frames)) frames, but only \(grouped(smaller.counts.faults)) with "
        + grouped(smaller.frames)
      if worse.count > 1 { text += " (and \(number(worse.count - 1, "more step")) like it)" }
      text += "\n"
    }
    return text
  }

  /// Every step of a replay, as it is done on paper: the page, whether it was there, what had to
  /// leave, and what each frame holds then; `*` marks a page written to since its load.
  public static func trace(
    _ string: ReferenceString, policy: String, frames: Int, steps: [ReplayStep]
  ) -> String {
    var cells = [["step", "page", "", "victim", "frames"]]
    var memory: [(page: Int, isDirty: Bool)] = []
    // Pages of one width, so that each frame is a column.
    let names = names(string)
    let width = names.map(\.count).max() ?? 0
    for (time, step) in steps.enumerated() {
      let isWrite = string.isWrite(at: time)
      if let frame = step.frame {
        if frame == memory.count {
          memory.append((step.page, isWrite))
        } else {
          memory[frame] = (step.page, isWrite)
        }
      } else if isWrite, let frame = memory.firstIndex(where: { $0.page == step.page }) {
        memory[frame].isDirty = true
      }
      cells.append([
        "\(time + 1)", names[step.page] + (isWrite ? "w" : " "),
        step.isFault ? "miss" : "hit", step.victim.map { names[$0] } ?? "",
        memory.map { NumberText.padded(names[$0.page], width) + ($0.isDirty ? "*" : " ") }
          .joined(separator: " "),
      ])
    }
    return "\(policy), \(number(frames, "frame")):\n" + aligned(cells, textColumns: [2, 4])
  }

  /// Faults of LRU and OPT at every memory size; sizes with the same faults share a line.
  public static func curve(lru: MissCurve, optimal: MissCurve) -> String {
    var cells = [["frames", "lru", "opt"]]
    var first = 1
    while first <= lru.pages {
      var last = first
      while last < lru.pages, lru.faults(frames: last + 1) == lru.faults(frames: first),
        optimal.faults(frames: last + 1) == optimal.faults(frames: first)
      {
        last += 1
      }
      let sizes = first == last ? grouped(first) : "\(grouped(first))-\(grouped(last))"
      cells.append([
        last == lru.pages ? "\(grouped(first))+" : sizes, grouped(lru.faults(frames: first)),
        grouped(optimal.faults(frames: first)),
      ])
      first = last + 1
    }
    return "faults at every memory size:\n" + aligned(cells)
  }

  /// What the pages are called; with their processes, if there are several.
  private static func names(_ string: ReferenceString) -> [String] {
    let first = string.names.first?.process
    let isOfOne = string.names.allSatisfy { $0.process == first }
    return string.names.map { name in
      let number =
        string.isHexadecimal ? "0x" + String(name.page, radix: 16) : "\(name.page)"
      return isOfOne ? number : "\(name.process):\(number)"
    }
  }

  private static func grouped(_ value: Int) -> String { NumberText.grouped(UInt64(value)) }

  private static func number(_ value: Int, _ noun: String) -> String {
    grouped(value) + " " + noun + (value == 1 ? "" : "s")
  }

  /// Columns two spaces apart, numbers to the right, text to the left.
  private static func aligned(_ cells: [[String]], textColumns: [Int] = []) -> String {
    let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        if column > 0 { line += "  " }
        line +=
          textColumns.contains(column)
          ? NumberText.filled(cell, widths[column]) : NumberText.padded(cell, widths[column])
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}
