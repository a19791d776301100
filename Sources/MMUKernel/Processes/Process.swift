public import MMUTiming

/// A process: an address space, and the account of what was done with it.
public final class Process {
  /// Whether it still runs.
  public enum State: Hashable, Sendable {
    /// It runs or could run.
    case running
    /// It has ended.
    case ended(TerminationStatus)
  }

  /// Its number.
  public let pid: Int32
  /// Its parent's number; 1 is init, which the kernel plays.
  public var parent: Int32 { parentProcess?.pid ?? 1 }
  /// Its parent; nil is init.
  ///
  /// The kernel keeps every process there has been.
  unowned(unsafe) var parentProcess: Process?
  /// Children not yet reaped, the oldest first.
  var children: [Process] = []
  /// Threads that have not ended, the first first.
  var threads: [Thread] = []
  /// What the first thread gave to exit, if others still run: what is left of it is a zombie that
  /// counts, and its code is that of the process.
  var leaderCode: UInt8?
  /// Where its threads wait for children.
  let childQueue = WaitQueue()
  /// getpgid and getsid.
  var processGroup: Int32
  var session: Int32
  /// PR_SET_CHILD_SUBREAPER.
  var isSubreaper = false
  /// PR_SET_PDEATHSIG: sent to it when its parent ends; nil is none.
  var parentDeathSignal: Signal?
  /// Sent to the parent at the end; nil is none.
  var exitSignal: Signal? = .child
  /// A thread of the parent that waits for this process to leave its memory: vfork.
  var vforkWaiter: Thread?
  /// What each signal does.
  var actions: [SignalAction]
  /// Signals sent to the process as a whole.
  var pending = PendingSignals()
  /// Instructions retired, filled in by the machine.
  package(set) public var instructions: UInt64 = 0
  /// prlimit64's.
  var limits: ResourceLimits
  /// RUSAGE_CHILDREN: of those waited for, and theirs.
  var childUsage = ChildUsage()
  /// The program's file name without directories, at most 15 bytes, as /proc/PID/comm.
  public internal(set) var name: String
  /// The path it was started under.
  public internal(set) var path: String
  /// Whether it runs.
  public internal(set) var state = State.running
  /// Its memory; nil once it has ended.
  public internal(set) var space: AddressSpace?
  /// Names for its addresses.
  var symbolizer: Symbolizer

  /// The clock when it came to be.
  var startedAt: Cycles = 0
  /// Cycles in user mode.
  public internal(set) var userCycles: Cycles = 0
  /// Cycles in the kernel on its behalf, the MMU's share included.
  public internal(set) var systemCycles: Cycles = 0
  /// ru_majflt.
  public internal(set) var majorFaults: UInt64 = 0
  /// ru_minflt.
  public internal(set) var minorFaults: UInt64 = 0
  /// Resolved faults by `FaultResolution`.
  let resolutions: UnsafeMutablePointer<UInt64>
  /// Faults that ended in a signal.
  public internal(set) var signalFaults: UInt64 = 0
  /// The most pages resident at once, kept beyond the end.
  var finalPeakResident: UInt64 = 0
  /// Pages of files that other processes mapped too when this one gave up its memory.
  public internal(set) var sharedPages: UInt64 = 0
  /// Pages it had used lately when it gave up its memory; nil if memory had not been short by then.
  public internal(set) var workingSetPages: UInt64?
  /// ECALLs that were completed.
  public internal(set) var systemCalls: UInt64 = 0

  /// The file of the program it runs.
  private(set) var program: OpenFile?
  /// Descriptors, current directory, umask.
  var files: FileContext
  /// PR_SET_THP_DISABLE.
  var isHugePageDisabled: Bool { space?.forbidsHugePages ?? false }
  /// It is giving up what it has.
  var isEnding = false
  /// oom_score_adj, from -1000 (never killed for memory) to 1000 (first of all).
  var outOfMemoryAdjustment: Int64 = 0

  init(
    pid: Int32, path: String, space: AddressSpace, files: FileContext, symbolizer: Symbolizer
  ) {
    self.pid = pid
    self.path = path
    limits = ResourceLimits(stack: space.stackLimit)
    processGroup = pid
    session = pid
    name = Self.name(path)
    actions = [SignalAction](repeating: SignalAction(), count: 65)
    self.space = space
    self.files = files
    self.symbolizer = symbolizer
    resolutions = .allocate(capacity: 16)
    resolutions.initialize(repeating: 0, count: 16)
  }

  deinit { resolutions.deallocate() }

  /// A child by clone.
  convenience init(
    copying parent: Process, pid: Int32, space: AddressSpace, files: FileContext
  ) {
    self.init(
      pid: pid, path: parent.path, space: space, files: files, symbolizer: parent.symbolizer)
    run(parent.program)
    name = parent.name
    processGroup = parent.processGroup
    session = parent.session
    actions = parent.actions
    limits = parent.limits
    outOfMemoryAdjustment = parent.outOfMemoryAdjustment
  }

  /// Notes the file of the program it runs, which nobody may write then; nil is none any more.
  func run(_ file: OpenFile?) {
    file?.hold()
    file?.inode?.executions += 1
    program?.inode?.executions -= 1
    program?.release()
    program = file
  }

  /// comm: the file name without directories, at most 15 bytes.
  static func name(_ path: String) -> String {
    let file = path.utf8.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
    return String(decoding: file.prefix(15), as: UTF8.self)
  }

  /// Threads, a first one that has ended before the others included.
  var threadCount: Int { threads.count + (leaderCode == nil || threads.isEmpty ? 0 : 1) }

  /// The most pages resident at once, the zero page not counted.
  public var maxResidentPages: UInt64 { max(space?.peakResident ?? 0, finalPeakResident) }

  /// How it ended; nil while it runs.
  public var exitStatus: TerminationStatus? {
    if case .ended(let status) = state { return status }
    return nil
  }

  /// Faults by kind.
  public var faults: FaultCounts {
    func count(_ kinds: FaultResolution...) -> UInt64 {
      kinds.reduce(0) { $0 + resolutions[Int($1.rawValue)] }
    }
    return FaultCounts(
      minor: minorFaults, major: majorFaults, zero: count(.zeroPage, .zeroFilled),
      copyOnWrite: count(.copied, .reused), file: count(.fileMapped, .fileCopied, .fileRead),
      swap: count(.swappedIn, .swapCached),
      signal: signalFaults, spurious: count(.spurious))
  }

  @inline(__always)
  func countResolved(_ resolution: FaultResolution) {
    if resolution.isMajor { majorFaults &+= 1 } else { minorFaults &+= 1 }
    resolutions[Int(resolution.rawValue)] &+= 1
  }
}

/// Page faults by kind, as in the report.
///
/// `minor` and `major` are the totals Linux counts; the others say what the resolved ones were.
public struct FaultCounts: Hashable, Sendable {
  /// Resolved without waiting for a device.
  public var minor: UInt64
  /// Resolved after waiting.
  public var major: UInt64
  /// Untouched anonymous memory: zero page or a frame of zeros.
  public var zero: UInt64
  /// Writes to pages shared until then, the zero page included.
  public var copyOnWrite: UInt64
  /// Pages of files.
  public var file: UInt64
  /// Pages from swap.
  public var swap: UInt64
  /// Ended in a signal.
  public var signal: UInt64
  /// The entry allowed the access already.
  public var spurious: UInt64

  /// Adds two counts.
  public static func + (a: Self, b: Self) -> Self {
    FaultCounts(
      minor: a.minor + b.minor, major: a.major + b.major, zero: a.zero + b.zero,
      copyOnWrite: a.copyOnWrite + b.copyOnWrite, file: a.file + b.file, swap: a.swap + b.swap,
      signal: a.signal + b.signal, spurious: a.spurious + b.spurious)
  }
}

/// What getrusage reports of children.
struct ChildUsage {
  var userCycles: Cycles = 0
  var systemCycles: Cycles = 0
  var minorFaults: UInt64 = 0
  var majorFaults: UInt64 = 0
  var maxResidentPages: UInt64 = 0

  /// Adds a reaped child and its own children.
  mutating func add(_ child: Process) {
    let below = child.childUsage
    userCycles &+= child.userCycles &+ below.userCycles
    systemCycles &+= child.systemCycles &+ below.systemCycles
    minorFaults &+= child.minorFaults &+ below.minorFaults
    majorFaults &+= child.majorFaults &+ below.majorFaults
    maxResidentPages = max(maxResidentPages, child.maxResidentPages, below.maxResidentPages)
  }
}
