import MMUMemory

// meminfo and vmstat: the machine's memory as text, in Linux's formats. What does not exist here has
// no line. Free memory by blocks and the kernel's objects: ZoneReports.swift.

/// What the machine's frames are used for, in frames.
struct MemoryUse {
  /// Private anonymous memory; a frame shared by several processes counts once.
  var anonymous: UInt64 = 0
  /// Pages of files that page tables lead to.
  var mapped: UInt64 = 0
  /// The page cache.
  var cached: UInt64 = 0
  /// Of the page cache, what has no disk behind it: /tmp, shared memory.
  var inMemory: UInt64 = 0
}

extension SystemMemory {
  /// Counts.
  ///
  /// - Complexity: all frames ever used, and the page cache.
  var memoryUse: MemoryUse {
    var use = MemoryUse()
    use.anonymous = frames.count(.anonymous)
    for case let inode? in inodes {
      let isOnDisk = inode.isOnDisk
      inode.pages.forEach(in: 0..<1 << 52) { _, word in
        if word & Inode.swappedMark != 0 { return }
        use.cached += 1
        if !isOnDisk { use.inMemory += 1 }
        // The cache's own reference is no mapping.
        if frames.references(to: FrameNumber(word & Inode.frameMask)) > 1 { use.mapped += 1 }
      }
    }
    return use
  }
}

extension Kernel {
  /// What a file of /proc says about the machine; nil if it is about a process.
  func machineText(_ kind: ProcessReport.Kind) -> String? {
    switch kind {
    case .meminfo: memoryText
    case .vmstat: vmstatText
    case .buddyinfo: buddyText
    case .zoneinfo: zoneText
    case .slabinfo: slabText
    default: nil
    }
  }

  /// /proc/meminfo.
  var memoryText: String {
    let use = system.memoryUse
    let free = system.frames.available
    let rows: [(String, UInt64)] = [
      ("MemTotal", system.memory.frameCount), ("MemFree", free),
      ("MemAvailable", free + use.cached - use.inMemory), ("Buffers", 0),
      ("Cached", use.cached), ("SwapCached", 0), ("SwapTotal", 0), ("SwapFree", 0),
      ("Dirty", system.writeback.dirtyPages), ("Writeback", 0), ("AnonPages", use.anonymous),
      ("Mapped", use.mapped), ("Shmem", use.inMemory), ("PageTables", UInt64(system.tablePages)),
      ("CommitLimit", system.commitLimit), ("Committed_AS", system.committedPages),
    ]
    return rows.map { name, pages in
      (name + ":").padded(to: 16) + String(pages * 4).padded(before: 8) + " kB\n"
    }.joined()
  }

  /// /proc/vmstat.
  var vmstatText: String {
    let use = system.memoryUse
    let frames = system.frames
    let faults = faults
    let rows: [(String, UInt64)] = [
      ("nr_free_pages", frames.available), ("nr_anon_pages", use.anonymous),
      ("nr_mapped", use.mapped), ("nr_file_pages", use.cached),
      ("nr_dirty", system.writeback.dirtyPages),
      ("nr_shmem", use.inMemory), ("nr_dirtied", system.dirtiedPages),
      ("nr_written", system.writtenPages), ("nr_page_table_pages", UInt64(system.tablePages)),
      ("pgpgin", system.readPages * 4), ("pgpgout", system.writtenPages * 4),
      ("pgalloc_" + zoneName.lowercased(), frames.allocations), ("pgfree", frames.releases),
      ("pgfault", faults.minor + faults.major), ("pgmajfault", faults.major),
      ("oom_kill", memoryKills),
    ]
    return rows.map { "\($0) \($1)\n" }.joined()
  }
}
