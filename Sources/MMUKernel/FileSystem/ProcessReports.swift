import MMUMemory
import MMUPaging

// /proc: texts about processes, in Linux's formats. A text is made when its file is opened, and stays
// as it was then for the whole opening.

/// What a file of /proc shows.
struct ProcessReport {
  enum Kind: String, CaseIterable {
    case maps, smaps, stat, statm, status, comm, cmdline
    case outOfMemoryScore = "oom_score"
    case outOfMemoryAdjustment = "oom_score_adj"
    case meminfo, vmstat, buddyinfo, zoneinfo, slabinfo, swaps
    case memoryPressure = "memory"
    case overcommitMode = "overcommit_memory"
    case overcommitRatio = "overcommit_ratio"
    case swappiness
    case pageCluster = "page-cluster"
    case dropCaches = "drop_caches"

    /// Where it stands: under /proc, /proc/pressure, /proc/sys/vm, or the directory of each process.
    enum Place { case machine, pressure, settings, process }

    var place: Place {
      switch self {
      case .meminfo, .vmstat, .buddyinfo, .zoneinfo, .slabinfo, .swaps: .machine
      case .memoryPressure: .pressure
      case .overcommitMode, .overcommitRatio, .swappiness, .pageCluster, .dropCaches: .settings
      default: .process
      }
    }

    /// It can be changed by writing to it.
    var isWritable: Bool { place == .settings || self == .outOfMemoryAdjustment }

    /// Its permission bits.
    var mode: UInt32 {
      switch self {
      case .slabinfo: 0o400
      case .dropCaches: 0o200
      default: isWritable ? 0o644 : 0o444
      }
    }
  }

  let kind: Kind
  /// The process; 0 for the machine.
  let pid: Int32
}

extension Kernel {
  /// Makes /proc show the processes there are now, and `self` the current one.
  func refreshProcessDirectories() {
    let proc = tree.processes
    if tree.shownProcesses != processTableChanges {
      tree.shownProcesses = processTableChanges
      updateDirectories(proc)
    }
    if let pid = current?.pid, pid != tree.shownCurrent {
      tree.shownCurrent = pid
      let own = Array("self".utf8)
      proc.remove(own)
      proc.add(own, Inode(proc.volume, .symbolicLink(Array(String(pid).utf8)), mode: 0o777))
    }
  }

  /// Gives each process that is not reaped its directory, and takes away those of the others.
  ///
  /// - Complexity: the processes there are, whatever there have been.
  private func updateDirectories(_ proc: Inode) {
    for entry in proc.entries where entry.inode?.isDirectory ?? false {
      guard let pid = Int32(String(decoding: entry.name, as: UTF8.self)) else { continue }
      if processTable[pid] == nil { proc.remove(entry.name) }
    }
    for pid in processTable.keys.sorted() {
      let name = Array(String(pid).utf8)
      if proc[name] != nil { continue }
      let directory = Inode(proc.volume, .directory, mode: 0o555)
      for kind in ProcessReport.Kind.allCases where kind.place == .process {
        directory.add(report: ProcessReport(kind: kind, pid: pid))
      }
      proc.add(name, directory)
    }
  }

  /// The text of a report.
  ///
  /// - Throws: ESRCH if the process is gone.
  func text(of report: ProcessReport) throws(Errno) -> [UInt8] {
    if let text = machineText(report.kind) { return Array(text.utf8) }
    guard let process = processTable[report.pid] else { throw .noProcess }
    if report.kind == .cmdline { return process.space?.commandLine() ?? [] }
    let text =
      switch report.kind {
      case .maps: process.space?.mapsText() ?? ""
      case .smaps: process.space?.smapsText() ?? ""
      case .comm: process.name + "\n"
      case .statm: statmText(process)
      case .stat: statText(process)
      case .status: statusText(process)
      case .outOfMemoryScore: "\(outOfMemoryScore(of: process))\n"
      case .outOfMemoryAdjustment: "\(process.outOfMemoryAdjustment)\n"
      default: ""
      }
    return Array(text.utf8)
  }

  private func statmText(_ process: Process) -> String {
    guard let space = process.space else { return "0 0 0 0 0 0 0\n" }
    let sizes = space.sizes
    let resident = space.residentAnonymous + space.residentFile
    return
      "\(space.totalPages) \(resident) \(space.residentFile) \(sizes.text) 0 "
      + "\(sizes.data + sizes.stack) 0\n"
  }

  /// The state letter: running, sleeping, zombie.
  func state(_ process: Process) -> Character {
    if process.exitStatus != nil { return "Z" }
    return process === current || process.threads.contains { $0.state == .ready } ? "R" : "S"
  }

  private func statText(_ process: Process) -> String {
    let tick = configuration.cyclesPerSecond / 100
    let children = process.childUsage
    let space = process.space
    let faults = process.faults
    let numbers: [UInt64] = [
      faults.minor, children.minorFaults, faults.major, children.majorFaults,
      process.userCycles / tick, process.systemCycles / tick, children.userCycles / tick,
      children.systemCycles / tick, 20, 0, UInt64(process.threadCount), 0,
      process.startedAt / tick,
      (space?.totalPages ?? 0) * 4096,
      (space?.residentAnonymous ?? 0) + (space?.residentFile ?? 0), .max,
    ]
    // What is not kept (addresses, signals, wait channel, ...) is zero, as Linux shows it to others.
    let rest = Array(repeating: "0", count: 27).joined(separator: " ")
    return "\(process.pid) (\(process.name)) \(state(process)) \(process.parent) "
      + "\(process.processGroup) \(process.session) 0 -1 0 "
      + numbers.map { String($0) }.joined(separator: " ") + " " + rest + "\n"
  }

  private func statusText(_ process: Process) -> String {
    var text = "Name:\t\(process.name)\nUmask:\t\(octal(process.files.umask))\n"
    let words: [Character: String] = ["R": "running", "S": "sleeping", "Z": "zombie"]
    let letter = state(process)
    text += "State:\t\(letter) (\(words[letter] ?? ""))\nTgid:\t\(process.pid)\nNgid:\t0\n"
    text += "Pid:\t\(process.pid)\nPPid:\t\(process.parent)\nTracerPid:\t0\n"
    text += "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
    if let space = process.space {
      let sizes = space.sizes
      func row(_ name: String, _ pages: UInt64) {
        text += name + ":\t" + String(pages * 4).padded(before: 8) + " kB\n"
      }
      row("VmPeak", space.areas.peakPages)
      row("VmSize", space.totalPages)
      row("VmLck", sizes.locked)
      row("VmPin", 0)
      row("VmHWM", space.peakResident)
      row("VmRSS", space.residentAnonymous + space.residentFile)
      let shared = space.residentShared
      row("RssAnon", space.residentAnonymous)
      row("RssFile", space.residentFile - shared)
      row("RssShmem", shared)
      row("VmData", sizes.data)
      row("VmStk", sizes.stack)
      row("VmExe", sizes.text)
      row("VmLib", sizes.library)
      row("VmPTE", UInt64(space.tablePages))
      row("VmSwap", space.swapEntries)
      row("HugetlbPages", space.poolPages)
    }
    return text + "Threads:\t\(process.threadCount)\n" + signalText(process)
  }

  /// The signal sets of status.
  private func signalText(_ process: Process) -> String {
    var ignored: UInt64 = 0
    var caught: UInt64 = 0
    for number in 1...64 {
      let action = process.actions[number]
      if action.handler == 1 { ignored |= 1 << UInt64(number - 1) }
      if action.isHandled { caught |= 1 << UInt64(number - 1) }
    }
    let first = process.threads.first
    let sets = [
      ("SigPnd", first?.pending.set.rawValue ?? 0), ("ShdPnd", process.pending.set.rawValue),
      ("SigBlk", first?.mask.rawValue ?? 0), ("SigIgn", ignored), ("SigCgt", caught),
    ]
    return sets.map { "\($0.0):\t\($0.1.hex(16))\n" }.joined()
  }

  private func octal(_ value: UInt32) -> String {
    let digits = String(value, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

extension AddressSpace {
  /// Pages by use, as in status and statm.
  fileprivate struct Sizes {
    var text: UInt64 = 0
    var library: UInt64 = 0
    var data: UInt64 = 0
    var stack: UInt64 = 0
    var locked: UInt64 = 0
  }

  fileprivate var sizes: Sizes {
    var result = Sizes()
    areas.forEach { area in
      if area.flags.contains(.growsDown) {
        result.stack += area.pages
      } else if area.permissions.contains(.execute) && !area.permissions.contains(.write) {
        // What lies below the heap is the program.
        if area.upper <= startBreak {
          result.text += area.pages
        } else {
          result.library += area.pages
        }
      } else if area.isData {
        result.data += area.pages
      }
      if area.flags.contains(.locked) { result.locked += area.pages }
    }
    return result
  }

  /// Pages of the pools of huge pages, in pages of 4 KiB.
  fileprivate var poolPages: UInt64 {
    var pages: UInt64 = 0
    areas.forEach { area in
      if area.hugeSize == nil { return }
      tables.forEachHugeLeaf(in: area.lower, area.upper) { _, _, bytes in
        pages += bytes / pageBytes
      }
    }
    return pages
  }

  /// Pages of memory files present: shared anonymous memory, memfds, /dev/shm.
  var residentShared: UInt64 {
    var pages: UInt64 = 0
    areas.forEach { area in
      guard area.source != 0, let inode = system.sources[Int(area.source)]?.inode,
        !inode.isOnDisk
      else { return }
      tables.readTables(in: area.lower, area.upper) { _, entries, count in
        for i in 0..<count where entries[i] != 0 && !SoftwareEntry.hasNoFrame(entries[i]) {
          let frame = PageTableEntry(entries[i]).frame
          if system.frames.use(of: frame) == .cache { pages += 1 }
        }
      }
    }
    return pages
  }

  /// The arguments as they stand in memory now, each with the zero behind it.
  ///
  /// As Linux reads them (get_mm_cmdline): where the program has overwritten the last zero, the text
  /// goes on into the environment up to its first zero, within a page.
  func commandLine() -> [UInt8] {
    let area = argumentArea
    if area.isEmpty { return [] }
    if let last = stored(area.upperBound - 1, 1).first, last != 0 {
      let end = max(area.upperBound, environmentEnd)
      let text = stored(area.lowerBound, min(4096, end - area.lowerBound))
      return Array(text.prefix((text.firstIndex(of: 0) ?? text.count - 1) + 1))
    }
    return stored(area.lowerBound, area.upperBound - area.lowerBound)
  }

  /// Bytes of memory as the program would read them, up to the first that it could not; anonymous
  /// pages that are not present are zeros.
  private func stored(_ address: UInt64, _ count: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    while UInt64(bytes.count) < count {
      let at = address + UInt64(bytes.count)
      let part = min(Int(count) - bytes.count, Int(4096 - at & 4095))
      if let page = peek(at) {
        bytes += UnsafeRawBufferPointer(start: page, count: part)
      } else if area(at: VirtualAddress(truncating: at))?.isAnonymous == true {
        bytes += [UInt8](repeating: 0, count: part)
      } else {
        break
      }
    }
    return bytes
  }
}
