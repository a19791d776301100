import MMUMemory

// What is said when a process is killed for memory, in the form of Linux's log.

extension Kernel {
  /// Who asked, the state of memory, and who could have been chosen.
  func outOfMemoryHead(_ process: Process, _ request: MemoryRequest) -> String {
    let kind = "\(request.kind)"
    var place = "a new program's memory"
    if request.space === process.space {
      place = request.space.areas.area(at: request.address).map { describe($0.pointee) } ?? "?"
    }
    let head =
      "\(process.name) invoked oom-killer: pid \(process.pid), order=0, "
      + "oom_score_adj=\(process.outOfMemoryAdjustment), \(kind) at \(hex(request.address)) "
      + "in \(place)"
    return ([head] + memoryLines + taskLines).joined(separator: "\n")
  }

  /// The state of memory.
  private var memoryLines: [String] {
    let use = system.memoryUse
    func kilobytes(_ pages: UInt64) -> String { "\(pages * 4)kB" }
    return [
      "Mem-Info: total:\(kilobytes(system.memory.frameCount)) "
        + "free:\(kilobytes(system.frames.available)) "
        + "kernel:\(kilobytes(system.frames.count(.kernel)))",
      "anon:\(kilobytes(use.anonymous)) page_cache:\(kilobytes(use.cached)) "
        + "(shmem:\(kilobytes(use.inMemory)) mapped:\(kilobytes(use.mapped)) "
        + "dirty:\(kilobytes(system.writeback.dirtyPages))) "
        + "pagetables:\(kilobytes(UInt64(system.tablePages)))",
      "swap total:\(kilobytes(system.swapPages)) free:\(kilobytes(system.swap?.free ?? 0)) committed:\(kilobytes(system.committedPages)) "
        + "limit:\(kilobytes(system.commitLimit))",
    ]
  }

  /// Linux's dump_tasks: those that could be chosen, at most a hundred.
  private var taskLines: [String] {
    let columns: [(String, Int)] = [
      ("[  pid  ]", 9), ("uid", 5), ("tgid", 5), ("total_vm", 8), ("rss", 8), ("rss_anon", 8),
      ("rss_file", 8), ("rss_shmem", 9), ("pgtables_bytes", 14), ("swapents", 8),
      ("oom_score_adj", 13),
    ]
    func line(_ cells: [String], _ name: String) -> String {
      zip(columns, cells).map { $1.padded(before: $0.1) }.joined(separator: " ") + " " + name
    }
    var lines = ["Tasks state (memory values in pages):", line(columns.map(\.0), "name")]
    let tasks = processes.filter { $0.space?.isSurrendered == false }
    for process in tasks.prefix(100) {
      guard let space = process.space else { continue }
      let shared = space.residentShared
      let numbers: [UInt64] = [
        space.totalPages, space.residentAnonymous + space.residentFile, space.residentAnonymous,
        space.residentFile - shared, shared, UInt64(space.tablePages) * pageBytes,
        space.swapEntries,
      ]
      let pid = String(process.pid)
      let cells =
        ["[" + pid.padded(before: 7) + "]", "0", pid] + numbers.map { String($0) }
        + [String(process.outOfMemoryAdjustment)]
      lines.append(line(cells, process.name))
    }
    if tasks.count > 100 { lines.append("and \(tasks.count - 100) more") }
    return lines
  }

  /// The line by which Linux names the victim.
  func killLine(_ victim: Process, _ space: AddressSpace) -> String {
    let shared = space.residentShared
    func kilobytes(_ pages: UInt64) -> String { "\(pages * 4)kB" }
    return "Out of memory: Killed process \(victim.pid) (\(victim.name)) "
      + "total-vm:\(kilobytes(space.totalPages)), anon-rss:\(kilobytes(space.residentAnonymous)), "
      + "file-rss:\(kilobytes(space.residentFile - shared)), shmem-rss:\(kilobytes(shared)), "
      + "UID:0 pgtables:\(kilobytes(UInt64(space.tablePages))) "
      + "oom_score_adj:\(victim.outOfMemoryAdjustment)"
  }
}
