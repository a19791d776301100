import MMUMemory
import MMUPaging

// /proc: texts about processes, in Linux's formats. A text is made when its file is opened, and stays
// as it was then for the whole opening.

/// What a file of /proc shows.
struct ProcessReport {
  enum Kind: String, CaseIterable {
    case maps, smaps, stat, statm, status, comm
    case meminfo
  }

  let kind: Kind
  /// The process; 0 for the machine.
  let pid: Int32
}

extension Kernel {
  /// Makes /proc show the processes there are now, and `self` the current one.
  func refreshProcessDirectories() {
    let proc = tree.processes
    for entry in proc.entries where entry.inode.isDirectory {
      let pid = Int32(String(decoding: entry.name, as: UTF8.self)) ?? 0
      if reportedProcess(pid) == nil { proc.remove(entry.name) }
    }
    for process in processes where reportedProcess(process.pid) != nil {
      let name = Array(String(process.pid).utf8)
      if proc[name] != nil { continue }
      let directory = Inode(proc.volume, .directory, mode: 0o555)
      for kind in ProcessReport.Kind.allCases where kind != .meminfo {
        let report = ProcessReport(kind: kind, pid: process.pid)
        directory.add(Array(kind.rawValue.utf8), Inode(proc.volume, .report(report), mode: 0o444))
      }
      proc.add(name, directory)
    }
    let own = Array("self".utf8)
    proc.remove(own)
    if let pid = current?.pid {
      proc.add(own, Inode(proc.volume, .symbolicLink(Array(String(pid).utf8)), mode: 0o777))
    }
  }

  /// A process that /proc shows: one that runs, or is a zombie its parent has yet to reap.
  private func reportedProcess(_ pid: Int32) -> Process? {
    processes.last { $0.pid == pid && ($0.exitStatus == nil || isZombie($0)) }
  }

  private func isZombie(_ process: Process) -> Bool {
    process.parentProcess?.children.contains { $0 === process } ?? false
  }

  /// The text of a report.
  ///
  /// - Throws: ESRCH if the process is gone.
  func text(of report: ProcessReport) throws(Errno) -> [UInt8] {
    if report.kind == .meminfo { return Array(memoryText.utf8) }
    guard let process = reportedProcess(report.pid) else { throw .noProcess }
    let text =
      switch report.kind {
      case .maps: process.space?.mapsText() ?? ""
      case .smaps: process.space?.smapsText() ?? ""
      case .comm: process.name + "\n"
      case .statm: statmText(process)
      case .stat: statText(process)
      case .status: statusText(process)
      case .meminfo: ""
      }
    return Array(text.utf8)
  }

  private var memoryText: String {
    var cached = 0
    for inode in system.inodes { cached += inode?.pages.count ?? 0 }
    let frames = system.frames
    let anonymous = system.spaces.reduce(0) { $0 + $1.residentAnonymous }
    let rows: [(String, UInt64)] = [
      ("MemTotal", system.memory.frameCount), ("MemFree", frames.available),
      ("MemAvailable", frames.available + UInt64(cached)), ("Buffers", 0),
      ("Cached", UInt64(cached)), ("SwapCached", 0), ("SwapTotal", 0), ("SwapFree", 0),
      ("AnonPages", anonymous), ("PageTables", UInt64(system.tablePages)),
    ]
    return rows.map { name, pages in
      (name + ":").padded(to: 16) + String(pages * 4).padded(before: 8) + " kB\n"
    }.joined()
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
  private func state(_ process: Process) -> Character {
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
      children.systemCycles / tick, 20, 0, UInt64(process.threadCount), 0, 0,
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
      row("VmSwap", 0)
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

  /// Pages of memory files present: shared anonymous memory, memfds, /dev/shm.
  fileprivate var residentShared: UInt64 {
    var pages: UInt64 = 0
    areas.forEach { area in
      guard area.source != 0, let inode = system.sources[Int(area.source)]?.inode,
        !inode.isOnDisk
      else { return }
      tables.forEachTable(in: area.lower, area.upper) { _, entries, count in
        for i in 0..<count where entries[i] != 0 {
          let frame = PageTableEntry(entries[i]).frame
          if system.frames.use(of: frame) == .cache { pages += 1 }
        }
      }
    }
    return pages
  }

  /// /proc/PID/maps.
  fileprivate func mapsText() -> String {
    var text = ""
    areas.forEach { text += mapsLine($0) }
    return text
  }

  /// A line of maps: range, permissions, offset, device, inode, and from column 74 on the name.
  private func mapsLine(_ area: VirtualMemoryArea) -> String {
    let inode = area.source == 0 ? nil : system.sources[Int(area.source)]?.inode
    let offset = inode == nil ? 0 : area.pageOffset * 4096
    let device = inode?.volume.device ?? 0
    var line = area.lower.hex(8) + "-" + area.upper.hex(8) + " " + area.permissions.description
    line += (area.isShared ? "s " : "p ") + offset.hex(8) + " "
    line += (device >> 8).hex(2) + ":" + (device & 0xff).hex(2) + " \(inode?.number ?? 0) "
    let name = mapsName(area)
    if !name.isEmpty { line = line.padded(to: 73) + name }
    return line + "\n"
  }

  private func mapsName(_ area: VirtualMemoryArea) -> String {
    if area.source != 0, let file = system.sources[Int(area.source)] {
      let path = file.path.split(separator: "\n", omittingEmptySubsequences: false)
        .joined(separator: "\\012")
      // Nameless files say so in their path.
      let isGone = file.inode.map { $0.links <= 0 } ?? false
      return isGone && !path.hasPrefix("[") && !path.hasSuffix(" (deleted)")
        ? path + " (deleted)" : path
    }
    if area.flags.contains(.stack) { return "[stack]" }
    if area.lower < currentBreak && area.upper > startBreak { return "[heap]" }
    return ""
  }

  /// /proc/PID/smaps.
  fileprivate func smapsText() -> String {
    var text = ""
    areas.forEach { area in
      text += mapsLine(area)
      let pages = pageAccount(area)
      func row(_ name: String, _ kibibytes: UInt64) {
        text += (name + ":").padded(to: 16) + String(kibibytes).padded(before: 8) + " kB\n"
      }
      row("Size", area.pages * 4)
      row("KernelPageSize", 4)
      row("MMUPageSize", 4)
      row("Rss", pages.resident * 4)
      row("Pss", pages.share / 1024)
      row("Pss_Dirty", pages.dirtyShare / 1024)
      row("Shared_Clean", pages.sharedClean * 4)
      row("Shared_Dirty", pages.sharedDirty * 4)
      row("Private_Clean", pages.privateClean * 4)
      row("Private_Dirty", pages.privateDirty * 4)
      row("Referenced", pages.referenced * 4)
      row("Anonymous", pages.anonymous * 4)
      for name in [
        "KSM", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb",
        "Private_Hugetlb", "Swap", "SwapPss",
      ] {
        row(name, 0)
      }
      row("Locked", area.flags.contains(.locked) ? pages.share / 1024 : 0)
      text += "THPeligible:".padded(to: 16) + "       0\n"
      text += "VmFlags: \(flagsText(area))\n"
    }
    return text
  }

  /// What smaps counts of one area, in pages; `share` in bytes, each page divided by its mappings.
  private struct PageAccount {
    var resident: UInt64 = 0
    var share: UInt64 = 0
    var dirtyShare: UInt64 = 0
    var sharedClean: UInt64 = 0
    var sharedDirty: UInt64 = 0
    var privateClean: UInt64 = 0
    var privateDirty: UInt64 = 0
    var referenced: UInt64 = 0
    var anonymous: UInt64 = 0
  }

  private func pageAccount(_ area: VirtualMemoryArea) -> PageAccount {
    var account = PageAccount()
    let inode = area.source == 0 ? nil : system.sources[Int(area.source)]?.inode
    tables.forEachTable(in: area.lower, area.upper) { address, entries, count in
      for i in 0..<count where entries[i] != 0 {
        let entry = PageTableEntry(entries[i])
        let frame = entry.frame
        if frame.rawValue == system.zeroFrame { continue }
        let isAnonymous = system.frames.use(of: frame) == .anonymous
        // The cache's own reference is no mapping.
        let references = UInt64(system.frames.references(to: frame))
        let mappings = max(1, isAnonymous ? references : references &- 1)
        let page = area.filePage(of: address &+ UInt64(i) * 4096)
        let isDirty =
          entry.contains(.dirty) || isAnonymous || (inode?.isDirty(page) ?? false)
        account.resident += 1
        account.share += 4096 / mappings
        if isDirty { account.dirtyShare += 4096 / mappings }
        if entry.contains(.accessed) { account.referenced += 1 }
        if isAnonymous { account.anonymous += 1 }
        switch (mappings > 1, isDirty) {
        case (true, true): account.sharedDirty += 1
        case (true, false): account.sharedClean += 1
        case (false, true): account.privateDirty += 1
        case (false, false): account.privateClean += 1
        }
      }
    }
    return account
  }

  /// VmFlags: two letters for each flag, in Linux's order.
  private func flagsText(_ area: VirtualMemoryArea) -> String {
    var letters: [String] = []
    if area.permissions.contains(.read) { letters.append("rd") }
    if area.permissions.contains(.write) { letters.append("wr") }
    if area.permissions.contains(.execute) { letters.append("ex") }
    if area.isShared && !area.flags.contains(.neverWritten) { letters.append("sh") }
    letters += ["mr"]
    if !area.flags.contains(.neverWritten) { letters.append("mw") }
    letters += ["me"]
    if area.isShared { letters.append("ms") }
    if area.flags.contains(.growsDown) { letters.append("gd") }
    if area.flags.contains(.locked) { letters.append("lo") }
    if area.flags.contains(.sequentialReads) { letters.append("sr") }
    if area.flags.contains(.randomReads) { letters.append("rr") }
    if area.flags.contains(.notForked) { letters.append("dc") }
    if area.flags.contains(.lockedOnFault) { letters.append("lf") }
    if area.flags.contains(.accounted) { letters.append("ac") }
    if area.flags.contains(.noReserve) { letters.append("nr") }
    if area.flags.contains(.wipedOnFork) { letters.append("wf") }
    if area.flags.contains(.notDumped) { letters.append("dd") }
    if area.flags.contains(.hugePages) { letters.append("hg") }
    if area.flags.contains(.noHugePages) { letters.append("nh") }
    if area.flags.contains(.mergeable) { letters.append("mg") }
    return letters.joined(separator: " ") + " "
  }
}

extension String {
  /// Blanks behind, up to a width.
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - utf8.count))
  }

  /// Blanks in front, up to a width.
  fileprivate func padded(before width: Int) -> String {
    String(repeating: " ", count: max(0, width - utf8.count)) + self
  }
}

extension UInt64 {
  /// Hex digits, at least so many.
  fileprivate func hex(_ width: Int) -> String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
  }
}
