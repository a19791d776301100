extension Machine {
  /// Everything counted so far.
  public var statistics: Statistics {
    let core = core.counters
    let mmu = mmu.counters
    var s = Statistics()
    s.instructions = core.instructions
    s.cycles = self.core.cycles
    s.userCycles = core.baseCycles &+ mmu[.cycles, .user]
    s.systemCycles = s.cycles &- s.userCycles
    s.systemCalls = kernel.processes.reduce(0) { $0 + $1.systemCalls }
    s.loads = core.loads
    s.stores = core.stores
    s.atomics = core.atomics
    s.itlb.lookups = core.instructionLookups
    s.itlb.misses = mmu[.itlbMisses]
    s.dtlb.lookups = core.dataLookups
    s.dtlb.misses = mmu[.dtlbMisses, .user]
    s.supervisorDTLB.lookups = mmu[.dataTranslations, .supervisor]
    s.supervisorDTLB.misses = mmu[.dtlbMisses, .supervisor]
    s.stlb.lookups = mmu[.stlbLookups]
    s.stlb.misses = mmu[.stlbMisses]
    s.walks.count = mmu[.walks]
    s.walks.cycles = mmu[.walkCycles]
    s.walks.readsPML4E = mmu[.readsPML4E]
    s.walks.readsPDPTE = mmu[.readsPDPTE]
    s.walks.readsPDE = mmu[.readsPDE]
    s.walks.readsPTE = mmu[.readsPTE]
    s.walks.hitsPML4E = mmu[.hitsPML4E]
    s.walks.hitsPDPTE = mmu[.hitsPDPTE]
    s.walks.hitsPDE = mmu[.hitsPDE]
    s.walks.assistsAccessed = mmu[.assistsAccessed]
    s.walks.assistsDirty = mmu[.assistsDirty]
    s.flushes.page = mmu[.flushPage]
    s.flushes.pcid = mmu[.flushPCID]
    s.flushes.all = mmu[.flushAll]
    s.flushes.cr3 = mmu[.flushCR3]
    let faults = kernel.faults
    s.faults.minor = faults.minor
    s.faults.major = faults.major
    s.faults.zero = faults.zero
    s.faults.copyOnWrite = faults.copyOnWrite
    s.faults.file = faults.file
    s.faults.swap = faults.swap
    s.faults.signal = faults.signal
    s.faults.spurious = faults.spurious
    s.memory.peakResidentPages = kernel.processes.lazy.map(\.maxResidentPages).max() ?? 0
    s.memory.pageTablePages = UInt64(kernel.system.peakTablePages)
    s.memory.framesUsedPeak = kernel.system.frames.peakUsed
    let reclaim = kernel.pressure
    if kernel.configuration.swapPages > 0 {
      s.memory.swapOut = reclaim.swapOut
      s.memory.swapIn = reclaim.swapIn
      s.memory.reclaim = reclaim
    } else if reclaim.isAny {
      s.memory.reclaim = reclaim
    }
    s.hugePages = kernel.system.hugePageCounts
    s.memory.roundedBytes = kernel.system.roundedBytes
    let free = kernel.freeMemory
    s.memory.freePages = free.pages
    s.memory.freeBlocks = free.blocks
    s.memory.unusableFreeIndexOrder9 = UInt64(free.unusableIndexOrder9)
    s.memory.oomKills = kernel.memoryKills
    s.processes = processes
    return s
  }

  /// The account of each process.
  var processes: [Statistics.Process] {
    let isAlone = kernel.processes.count == 1
    return kernel.processes.map { process in
      var p = Statistics.Process()
      p.pid = UInt64(process.pid)
      p.name = process.name
      if isAlone {
        // All of the core's instructions and time are its own.
        p.instructions = core.counters.instructions
        p.userCycles = core.counters.baseCycles &+ mmu.counters[.cycles, .user]
        p.cycles = core.cycles &- kernel.idleCycles
        p.systemCycles = p.cycles &- p.userCycles
      } else {
        p.instructions = process.instructions
        p.userCycles = process.userCycles
        p.systemCycles = process.systemCycles
        if process === kernel.current { p.userCycles &+= core.cycles &- kernel.resumedAt }
        p.cycles = p.userCycles &+ p.systemCycles
      }
      p.minorFaults = process.faults.minor
      p.majorFaults = process.faults.major
      p.maxResidentPages = process.maxResidentPages
      p.sharedPages = process.sharedPages
      p.workingSetPages = process.workingSetPages
      p.status = process.exitStatus?.shellStatus ?? 0
      return p
    }
  }
}
