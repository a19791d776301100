import MMUKernel
import MMUKit

extension TextReport {
  /// The rows of memory pressure; none where there was none.
  static func pressure(
    _ s: Statistics
  ) -> [(value: UInt64, name: String, comment: String)] {
    guard let r = s.memory.reclaim else { return [] }
    var rows: [(value: UInt64, name: String, comment: String)] = []
    rows.append(
      (
        r.freedByDaemon &+ r.freedDirectly, "pages reclaimed",
        list([(r.freedByDaemon, "by kswapd"), (r.freedDirectly, "directly")]) + "; "
          + NumberText.grouped(r.scannedByDaemon &+ r.scannedDirectly) + " looked at"
      ))
    if s.memory.swapOut != nil {
      rows.append((r.swapOut, "pages swapped out", list([(r.diskOut, "to the disk")])))
      rows.append(
        (
          r.swapIn, "pages swapped in",
          list([
            (r.diskIn, "from the disk"), (r.readAhead, "ahead"),
            (r.readAheadHits, "of these wanted"),
          ])
        ))
    }
    let refaults = r.refaultsAnonymous &+ r.refaultsFile
    if refaults > 0 {
      rows.append(
        (
          refaults, "refaults",
          list([(r.activatedAnonymous &+ r.activatedFile, "within the working set")])
        ))
      rows.append(
        (
          r.stalledSome, "cycles stalled",
          "some " + NumberText.percent(r.stalledSome, of: s.cycles) + ", full "
            + NumberText.percent(r.stalledFull, of: s.cycles) + " of cycles"
        ))
    }
    return rows
  }

  /// Says that a run thrashed, with the numbers that show it; nothing if it did not.
  ///
  /// It did if a process waited for memory for half of the time or more, or nothing ran for a fifth of it,
  /// and a hundred pages came back that had been evicted.
  static func thrashing(_ s: Statistics) -> String {
    guard let r = s.memory.reclaim else { return "" }
    let refaults = r.refaultsAnonymous &+ r.refaultsFile
    let near = r.activatedAnonymous &+ r.activatedFile
    // What only MADV_PAGEOUT has sent away is no lack of memory.
    if refaults < 100 || r.freedByDaemon &+ r.freedDirectly == 0
      || r.stalledFull &* 5 < s.cycles && r.stalledSome &* 2 < s.cycles
    {
      return ""
    }
    return
      " thrashing: for \(NumberText.percent(r.stalledSome, of: s.cycles)) of the time a process waited "
      + "for memory; \(NumberText.grouped(refaults)) refaults, \(NumberText.grouped(near)) of them within "
      + "the working set\n"
  }
}
