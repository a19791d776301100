public import MMUKit

/// The report for people: at most 20 lines, in the manner of `perf stat`, and a line for each
/// process if there were several.
public enum TextReport {
  /// Renders a run.
  ///
  /// - Parameter hostNanoseconds: how long the host took; nil leaves the line out.
  public static func render(
    _ statistics: Statistics, of run: RunDescription, hostNanoseconds: UInt64? = nil
  ) -> String {
    let s = statistics
    var rows: [(value: UInt64, name: String, comment: String)] = []
    func share(_ part: UInt64) -> String { NumberText.percent(part, of: s.cycles) }
    rows.append((s.instructions, "instructions", ""))
    rows.append(
      (
        s.cycles, "cycles",
        NumberText.ratio(s.cycles, s.instructions) + " cycles per instruction"
      ))
    rows.append((s.userCycles, "  user", share(s.userCycles) + " of cycles"))
    rows.append(
      (
        s.systemCycles, "  kernel",
        share(s.systemCycles) + " of cycles, " + count(s.systemCalls, "system call")
      ))
    rows.append((s.itlb.lookups, "iTLB lookups", misses(s.itlb)))
    rows.append((s.dtlb.lookups, "dTLB lookups", misses(s.dtlb)))
    rows.append(
      (s.supervisorDTLB.lookups, "  by the kernel", misses(s.supervisorDTLB)))
    rows.append((s.stlb.lookups, "STLB lookups", misses(s.stlb)))
    let walks = s.walks
    rows.append(
      (
        walks.count, "page walks",
        NumberText.grouped(walks.cycles) + " cycles (" + share(walks.cycles) + " of cycles, "
          + NumberText.ratio(walks.cycles, walks.count, decimals: 1) + " per walk)"
      ))
    rows.append(
      (
        walks.readsPML4E &+ walks.readsPDPTE &+ walks.readsPDE &+ walks.readsPTE, "entry reads",
        list([
          (walks.readsPML4E, "PML4E"), (walks.readsPDPTE, "PDPTE"), (walks.readsPDE, "PDE"),
          (walks.readsPTE, "PTE"),
        ])
      ))
    rows.append(
      (
        walks.assistsAccessed &+ walks.assistsDirty, "A/D assists",
        list([(walks.assistsAccessed, "accessed"), (walks.assistsDirty, "dirty")])
      ))
    let f = s.faults
    rows.append(
      (
        f.minor &+ f.major &+ f.signal &+ f.spurious, "page faults",
        list([
          (f.minor, "minor"), (f.major, "major"), (f.signal, "to signals"),
          (f.spurious, "spurious"),
        ])
      ))
    rows.append(
      (
        f.minor &+ f.major, "  resolved",
        list(
          [
            (f.zero, "zero"), (f.copyOnWrite, "copy on write"), (f.file, "file"),
          ] + (s.memory.swapIn == nil ? [] : [(f.swap, "swap")]))
      ))
    rows.append(
      (
        s.memory.peakResidentPages, "resident pages",
        "at most, " + NumberText.grouped(s.memory.peakResidentPages &* 4) + " KiB"
      ))
    rows.append((s.memory.pageTablePages, "page-table pages", "at most"))
    if s.memory.oomKills > 0 {
      rows.append((s.memory.oomKills, "killed for memory", "by the OOM killer"))
    }
    if let huge = s.hugePages { rows.append(row(huge)) }
    if s.memory.unusableFreeIndexOrder9 >= fragmentationShown {
      rows.append(
        (
          s.memory.freePages, "free pages",
          "at the end, " + NumberText.percent(s.memory.unusableFreeIndexOrder9, of: 1000)
            + " in blocks below 2 MiB"
        ))
    }
    rows += pressure(s)

    let width = rows.map { NumberText.grouped($0.value).utf8.count }.max() ?? 0
    let nameWidth = rows.map(\.name.utf8.count).max() ?? 0
    var text = "\n \(run.program): \(ending(s.exit)), preset \(run.configuration.preset)\n"
    for row in rows {
      var line =
        "  " + NumberText.padded(NumberText.grouped(row.value), max(width, 12)) + "  "
        + NumberText.filled(row.name, nameWidth)
      if row.comment.isEmpty {
        while line.last == " " { line.removeLast() }
      } else {
        line += "  # " + row.comment
      }
      text += line + "\n"
    }
    text += thrashing(s)
    if s.processes.count > 1 { text += table(s.processes) }
    if let nanoseconds = hostNanoseconds {
      text +=
        " host: " + NumberText.ratio(nanoseconds, 1_000_000_000, decimals: 3) + " s, "
        + NumberText.ratio(s.instructions &* 1000, nanoseconds, decimals: 1) + " MIPS\n"
    }
    return text + " rerun: \(run.rerunCommand)\n"
  }

  /// The line about huge pages.
  private static func row(
    _ huge: HugePageCounts
  ) -> (value: UInt64, name: String, comment: String) {
    var parts = [
      (huge.faultAllocations, "by faults"), (huge.collapses, "collapsed"), (huge.splits, "split"),
      (huge.fallbacks, "not to be had"),
    ]
    if huge.pool2M > 0 { parts.append((huge.pool2MPeakUsed, "of \(huge.pool2M) set aside used")) }
    if huge.pool1G > 0 {
      parts.append((huge.pool1GPeakUsed, "of \(huge.pool1G) of 1 GiB set aside used"))
    }
    return (huge.peakMapped, "2 MiB pages", "mapped at most, " + list(parts))
  }

  /// The unusable free space index, in thousandths, from which on the report has a line for it: as
  /// much as lets Linux compact memory (extfrag_threshold).
  static let fragmentationShown: UInt64 = 500

  /// Processes that have a line of their own, at most.
  static let shownProcesses = 20

  /// The account of each process.
  private static func table(_ processes: [Statistics.Process]) -> String {
    let wasShort = processes.contains { $0.workingSetPages != nil }
    let head =
      [
        "pid", "name", "instructions", "user cycles", "kernel cycles", "minor", "major",
        "peak pages",
      ] + (wasShort ? ["in use"] : []) + ["shared", "status"]
    let rows = processes.prefix(shownProcesses).map { p in
      let counts = [
        p.instructions, p.userCycles, p.systemCycles, p.minorFaults, p.majorFaults,
        p.maxResidentPages,
      ]
      let inUse = p.workingSetPages.map { NumberText.grouped($0) } ?? "-"
      return ["\(p.pid)", p.name] + counts.map { NumberText.grouped($0) }
        + (wasShort ? [inUse] : []) + [NumberText.grouped(p.sharedPages), "\(p.status)"]
    }
    let widths = head.indices.map { i in
      rows.reduce(head[i].count) { max($0, $1[i].count) }
    }
    var text = ""
    for row in [head] + rows {
      let cells = row.indices.map { i in
        i == 1
          ? NumberText.filled(row[i], widths[i]) : NumberText.padded(row[i], widths[i])
      }
      text += "  " + cells.joined(separator: "  ") + "\n"
    }
    let more = processes.count - shownProcesses
    if more > 0 { text += "  and \(more) more\n" }
    return text
  }

  /// How a run ended, in words.
  public static func ending(_ exit: Statistics.Exit) -> String {
    switch exit.reason {
    case .exit: "exit \(exit.status)"
    case .signal: "killed by \(exit.signal.map(signalName) ?? "a signal") (\(exit.status))"
    case .limit: "stopped at its limit (\(exit.status))"
    case .deadlock: "deadlock (\(exit.status))"
    case .outOfMemory: "out of memory, with nobody to kill (\(exit.status))"
    case .interrupt: "interrupted (\(exit.status))"
    case .invariant: "stopped at a bug of mmuemu (\(exit.status))"
    }
  }

  private static func count(_ value: UInt64, _ noun: String) -> String {
    NumberText.grouped(value) + " " + noun + (value == 1 ? "" : "s")
  }

  private static func misses(_ lookups: Statistics.Lookups) -> String {
    NumberText.grouped(lookups.misses) + (lookups.misses == 1 ? " miss (" : " misses (")
      + NumberText.percent(lookups.misses, of: lookups.lookups) + ")"
  }

  static func list(_ parts: [(UInt64, String)]) -> String {
    parts.map { NumberText.grouped($0.0) + " " + $0.1 }.joined(separator: ", ")
  }
}

/// The name of a Linux signal: `SIGSEGV`.
public func signalName(_ number: Int32) -> String {
  let names = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
    "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
  ]
  return names.indices.contains(Int(number) - 1)
    ? "SIG" + names[Int(number) - 1] : "signal \(number)"
}
