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
  /// Of the private memory, what leaves of 2 MiB map.
  var huge: UInt64 = 0
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
    // A block that several processes share counts once.
    var blocks: Set<UInt64> = []
    for space in spaces {
      space.tables.forEachHugeLeaf(in: 0, AddressSpace.userLimit) { _, leaf, _ in
        guard let first = block(of: leaf)?.lowerBound else { return }
        if frames.use(of: FrameNumber(first)) == .anonymous { blocks.insert(first) }
      }
    }
    use.huge = UInt64(blocks.count) * HugePages.frames
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
    case .swaps: swapsText
    case .memoryPressure: pressureText
    case .overcommitMode: "\(system.promises.mode.rawValue)\n"
    case .overcommitRatio: "\(system.promises.ratio)\n"
    case .swappiness: "\(system.swappiness)\n"
    case .pageCluster: "\(system.pageCluster)\n"
    case .dropCaches: ""
    default: nil
    }
  }

  /// /proc/meminfo.
  var memoryText: String {
    let use = system.memoryUse
    let free = system.frames.available
    let lists = system.frames.lists
    let inactive = PageKind.allCases.map { system.policy.inactive($0, lists) }
    let active = PageKind.allCases.map { lists.count($0) - inactive[$0.rawValue] }
    let marks = system.frames.watermarks
    let files = use.cached - use.inMemory
    // Linux's si_mem_available.
    let available = (free > marks.high ? free - marks.high : 0) + files - min(files / 2, marks.low)
    let swap = swapRows
    var rows: [(String, UInt64)] = [
      ("MemTotal", system.memory.frameCount), ("MemFree", free),
      ("MemAvailable", available), ("Buffers", 0), ("Cached", use.cached),
      swap[0], ("Active", active[0] + active[1]), ("Inactive", inactive[0] + inactive[1]),
      ("Active(anon)", active[0]), ("Inactive(anon)", inactive[0]), ("Active(file)", active[1]),
      ("Inactive(file)", inactive[1]),
    ]
    rows += swap[1...]
    rows += [
      ("Dirty", system.writeback.dirtyPages), ("Writeback", 0), ("AnonPages", use.anonymous),
      ("Mapped", use.mapped), ("Shmem", use.inMemory), ("PageTables", UInt64(system.tablePages)),
      ("CommitLimit", system.commitLimit), ("Committed_AS", system.committedPages),
      ("AnonHugePages", use.huge),
    ]
    let small = system.pool(.size2M)
    let pooled = system.pools.reduce(0) { $0 + UInt64($1.pages.count) * $1.framesPerPage }
    let counts: [(String, UInt64)] = [
      ("HugePages_Total", UInt64(small.pages.count)), ("HugePages_Free", small.free),
      ("HugePages_Rsvd", small.promised), ("HugePages_Surp", 0),
    ]
    func line(_ name: String, _ number: UInt64) -> String {
      (name + ":").padded(to: 16) + String(number).padded(before: 8)
    }
    return rows.map { line($0, $1 * 4) + " kB\n" }.joined()
      + counts.map { line($0, $1) + "\n" }.joined()
      + line("Hugepagesize", HugePages.bytes / 1024) + " kB\n" + line("Hugetlb", pooled * 4)
      + " kB\n"
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
      ("nr_anon_transparent_hugepages", use.huge / HugePages.frames),
      ("thp_fault_alloc", system.huge.faultAllocations),
      ("thp_fault_fallback", system.huge.faultFallbacks),
      ("thp_collapse_alloc", system.huge.collapses),
      ("thp_collapse_alloc_failed", system.huge.failedCollapses),
      ("thp_split_pmd", system.huge.splits), ("thp_zero_page_alloc", system.huge.zeroAllocations),
    ]
    return (rows + reclaimRows).map { "\($0) \($1)\n" }.joined()
  }
}
