public import MMUKernel

/// What a run counted: the numbers of a report, as plain integers.
///
/// The machine fills one at the end of a run; the difference of two is a region of interest.
/// Spec/Report.md says what each number counts.
public struct Statistics: Hashable, Sendable {
  /// Lookups of a first-level TLB and how many had to ask the second level.
  public struct Lookups: Hashable, Sendable {
    /// Accesses looked up.
    public var lookups: UInt64 = 0
    /// Lookups that had to ask the next level.
    public var misses: UInt64 = 0

    /// Makes zeros.
    public init() {}

    static func - (a: Self, b: Self) -> Self {
      var r = a
      r.lookups &-= b.lookups
      r.misses &-= b.misses
      return r
    }
  }

  /// Page walks: how many, what they cost, what they read.
  public struct Walks: Hashable, Sendable {
    /// Second-level misses that started a walk.
    public var count: UInt64 = 0
    /// Cycles spent in walks, assists included.
    public var cycles: UInt64 = 0
    /// Entries read, those left after the structure caches, by level.
    public var readsPML4E: UInt64 = 0, readsPDPTE: UInt64 = 0, readsPDE: UInt64 = 0
    /// Page-table entries read.
    public var readsPTE: UInt64 = 0
    /// Walks that began behind a cached entry, by that entry's level.
    public var hitsPML4E: UInt64 = 0, hitsPDPTE: UInt64 = 0, hitsPDE: UInt64 = 0
    /// Accessed flags set in memory.
    public var assistsAccessed: UInt64 = 0
    /// Dirty flags set in memory.
    public var assistsDirty: UInt64 = 0

    /// Makes zeros.
    public init() {}

    static func - (a: Self, b: Self) -> Self {
      var r = a
      r.count &-= b.count
      r.cycles &-= b.cycles
      r.readsPML4E &-= b.readsPML4E
      r.readsPDPTE &-= b.readsPDPTE
      r.readsPDE &-= b.readsPDE
      r.readsPTE &-= b.readsPTE
      r.hitsPML4E &-= b.hitsPML4E
      r.hitsPDPTE &-= b.hitsPDPTE
      r.hitsPDE &-= b.hitsPDE
      r.assistsAccessed &-= b.assistsAccessed
      r.assistsDirty &-= b.assistsDirty
      return r
    }
  }

  /// TLB invalidations by scope.
  public struct Flushes: Hashable, Sendable {
    /// INVLPG and single-address INVPCID.
    public var page: UInt64 = 0
    /// Single-context INVPCID.
    public var pcid: UInt64 = 0
    /// Everything.
    public var all: UInt64 = 0
    /// MOV CR3 that drops a context.
    public var cr3: UInt64 = 0

    /// Makes zeros.
    public init() {}

    static func - (a: Self, b: Self) -> Self {
      var r = a
      r.page &-= b.page
      r.pcid &-= b.pcid
      r.all &-= b.all
      r.cr3 &-= b.cr3
      return r
    }
  }

  /// Page faults by what the kernel made of them.
  public struct Faults: Hashable, Sendable {
    /// Resolved without input or output, as getrusage counts them.
    public var minor: UInt64 = 0
    /// Resolved by reading from a device.
    public var major: UInt64 = 0
    /// Of these, an anonymous page provided: the shared zero page or a zeroed frame.
    public var zero: UInt64 = 0
    /// Of these, a write that copied a shared frame or took it over.
    public var copyOnWrite: UInt64 = 0
    /// Of these, a page of a file or of the program's image.
    public var file: UInt64 = 0
    /// Of these, a page read back from swap.
    public var swap: UInt64 = 0
    /// Faults that became a signal.
    public var signal: UInt64 = 0
    /// Faults whose entry already permitted the access.
    public var spurious: UInt64 = 0

    /// Makes zeros.
    public init() {}

    static func - (a: Self, b: Self) -> Self {
      var r = a
      r.minor &-= b.minor
      r.major &-= b.major
      r.zero &-= b.zero
      r.copyOnWrite &-= b.copyOnWrite
      r.file &-= b.file
      r.swap &-= b.swap
      r.signal &-= b.signal
      r.spurious &-= b.spurious
      return r
    }
  }

  /// Memory in pages of 4 KiB; peaks and free memory are of the whole run and are not
  /// subtracted.
  public struct Memory: Hashable, Sendable {
    /// Most resident pages a process had at once.
    public var peakResidentPages: UInt64 = 0
    /// Most frames that held paging structures at once.
    public var pageTablePages: UInt64 = 0
    /// Most frames in use at once, for whatever purpose.
    public var framesUsedPeak: UInt64 = 0
    /// What memory pressure came to; nil if there was none and the machine has no swap.
    public var reclaim: ReclaimCounters?
    /// Bytes by which lengths asked of mmap were rounded up to whole pages: internal fragmentation.
    public var roundedBytes: UInt64 = 0
    /// Free frames at the program's end, before its own were given back.
    public var freePages: UInt64 = 0
    /// Of these, by order, the free blocks of 2^order frames.
    public var freeBlocks: [UInt64] = []
    /// Of the frames in free blocks those in blocks too small for a huge page, in thousandths.
    public var unusableFreeIndexOrder9: UInt64 = 0
    /// Pages written to swap; nil where the machine has none.
    public var swapOut: UInt64?
    /// Pages read back from swap; nil where the machine has none.
    public var swapIn: UInt64?
    /// Processes chosen by the OOM killer.
    public var oomKills: UInt64 = 0

    /// Makes zeros.
    public init() {}
  }

  /// The account of one process.
  public struct Process: Hashable, Sendable {
    /// Its number; the program is 2.
    public var pid: UInt64 = 0
    /// The last part of the program's path.
    public var name = ""
    /// Retired instructions.
    public var instructions: UInt64 = 0
    /// User and system cycles together.
    public var cycles: UInt64 = 0
    /// Cycles in user mode, its TLB misses and walks included.
    public var userCycles: UInt64 = 0
    /// Cycles in the kernel on its behalf.
    public var systemCycles: UInt64 = 0
    /// Faults resolved without input or output.
    public var minorFaults: UInt64 = 0
    /// Faults that waited for a device.
    public var majorFaults: UInt64 = 0
    /// Most resident pages at once.
    public var maxResidentPages: UInt64 = 0
    /// Pages of files that other processes mapped too at its end: text, shared memory.
    public var sharedPages: UInt64 = 0
    /// Pages present at its end that it had used lately; nil if memory had not been short by then.
    public var workingSetPages: UInt64?
    /// Exit status, or 128 + n for signal n.
    public var status: Int32 = 0

    /// Makes zeros.
    public init() {}
  }

  /// Why a run ended.
  public enum Reason: String, Sendable, CaseIterable {
    /// The program ended by itself.
    case exit
    /// A signal killed it.
    case signal
    /// An instruction or cycle limit was reached.
    case limit
    /// Every process waited and no event was left.
    case deadlock
    /// There was no memory left, and no process that could be killed for it.
    case outOfMemory
    /// The host asked for the end.
    case interrupt
    /// `checksInvariants` found something of ours broken.
    case invariant
  }

  /// How a run ended.
  public struct Exit: Hashable, Sendable {
    /// The exit status of `mmuemu`: the guest's own, 128 + signal, 70, 75,
    /// or 128 + the host's signal.
    public var status: Int32 = 0
    /// The number of the signal that killed the program.
    public var signal: Int32?
    /// Why.
    public var reason = Reason.exit

    /// Makes an ending.
    public init(status: Int32 = 0, signal: Int32? = nil, reason: Reason = .exit) {
      self.status = status
      self.signal = signal
      self.reason = reason
    }
  }

  /// How the run ended.
  public var exit = Exit()
  /// Retired instructions.
  public var instructions: UInt64 = 0
  /// Cycles of the whole machine.
  public var cycles: UInt64 = 0
  /// Of these, in user mode.
  public var userCycles: UInt64 = 0
  /// Of these, in the kernel.
  public var systemCycles: UInt64 = 0
  /// System calls completed.
  public var systemCalls: UInt64 = 0
  /// Load instructions retired.
  public var loads: UInt64 = 0
  /// Store instructions retired.
  public var stores: UInt64 = 0
  /// Atomic instructions retired: AMO, LR and SC.
  public var atomics: UInt64 = 0
  /// First-level instruction TLB.
  public var itlb = Lookups()
  /// First-level data TLB, user accesses.
  public var dtlb = Lookups()
  /// First-level data TLB, the kernel's copies to and from user memory.
  public var supervisorDTLB = Lookups()
  /// Second-level TLB.
  public var stlb = Lookups()
  /// Page walks.
  public var walks = Walks()
  /// Invalidations.
  public var flushes = Flushes()
  /// Page faults.
  public var faults = Faults()
  /// Pages.
  public var memory = Memory()
  /// Huge pages over the whole run; nil if they were neither used nor asked for.
  public var hugePages: HugePageCounts?
  /// Every process, in order of pid.
  public var processes: [Process] = []

  /// Makes zeros.
  public init() {}

  /// What was counted between two moments; endings, peaks and names are those of the later one.
  public static func - (a: Self, b: Self) -> Self {
    var r = a
    r.instructions &-= b.instructions
    r.cycles &-= b.cycles
    r.userCycles &-= b.userCycles
    r.systemCycles &-= b.systemCycles
    r.systemCalls &-= b.systemCalls
    r.loads &-= b.loads
    r.stores &-= b.stores
    r.atomics &-= b.atomics
    r.itlb = a.itlb - b.itlb
    r.dtlb = a.dtlb - b.dtlb
    r.supervisorDTLB = a.supervisorDTLB - b.supervisorDTLB
    r.stlb = a.stlb - b.stlb
    r.walks = a.walks - b.walks
    r.flushes = a.flushes - b.flushes
    r.faults = a.faults - b.faults
    r.memory.oomKills &-= b.memory.oomKills
    if let before = b.memory.swapOut { r.memory.swapOut? &-= before }
    if let before = b.memory.swapIn { r.memory.swapIn? &-= before }
    if let before = b.memory.reclaim { r.memory.reclaim = r.memory.reclaim.map { $0 - before } }
    let earlier = processesByNumber(b)
    for i in r.processes.indices {
      guard let before = earlier[r.processes[i].pid] else { continue }
      r.processes[i].instructions &-= before.instructions
      r.processes[i].cycles &-= before.cycles
      r.processes[i].userCycles &-= before.userCycles
      r.processes[i].systemCycles &-= before.systemCycles
      r.processes[i].minorFaults &-= before.minorFaults
      r.processes[i].majorFaults &-= before.majorFaults
    }
    return r
  }

  /// The processes by pid: a run may have a hundred thousand of them.
  static func processesByNumber(_ statistics: Self) -> [UInt64: Process] {
    Dictionary(statistics.processes.map { ($0.pid, $0) }, uniquingKeysWith: { first, _ in first })
  }
}

/// Everything there is to say after a run.
public struct RunResult: Hashable, Sendable {
  /// The numbers, of the region of interest if one was given.
  public var statistics = Statistics()
  /// For each killing signal its story, in lines: the access, the place, the area, the entry bits.
  public var stories: [String] = []
  /// Warnings in the order they arose: unknown system calls, killed children, a region never entered.
  public var messages: [String] = []
  /// Instructions retired by the whole run, whatever the region of interest.
  public var retiredInstructions: UInt64 = 0
  /// What `checksInvariants` found broken.
  public var brokenInvariant: String?

  /// Makes an empty result.
  public init() {}

  /// How the run ended.
  public var exit: Statistics.Exit { statistics.exit }
}
