public import MMUMemory
public import MMUPaging
public import MMUTiming

/// The kernel of a machine: processes and everything done for them.
///
///     let kernel = Kernel(memory: memory, host: MemoryHostIO())
///     kernel.attach(mmu)
///     try kernel.start(image, arguments: ["prog"])
///     kernel.enter(&frame, on: mmu)
///     let result = kernel.handle(.environmentCall, frame: &frame, mmu: mmu, now: cycles)
///
/// A machine calls `handle` for each trap of a core and does what the result says. The cycles of the
/// kernel's own work stand in `chargedCycles`; what its accesses cost in the MMU, the MMU counts.
public final class Kernel {
  /// Frames, the kernel's half, invalidations.
  public let system: SystemMemory
  /// What it was built as.
  public let configuration: KernelConfiguration
  /// The guest's input and output.
  public let host: any HostIO
  /// Takes what the kernel has to say.
  public var messages: (KernelMessage) -> Void = { _ in }
  /// Takes a line for each system call and signal, in strace's format; nil traces nothing.
  public var trace: ((String) -> Void)?
  /// Lines that are not complete.
  let tracing = TraceState()
  /// Takes each process that ends, just before its memory and descriptors go.
  public var onExit: ((Process) -> Void)?
  /// How the free memory lay when the program ended, before its own was given back; nil until then.
  var freeMemoryAtEnd: FreeMemory?
  /// All processes there have been, by start; those that ended keep their account.
  public private(set) var processes: [Process] = []
  /// The process that runs.
  public internal(set) var current: Process?
  /// Its thread that runs.
  var currentThread: Thread?
  /// Times the core went from one thread to another.
  public internal(set) var contextSwitches: UInt64 = 0
  /// Cycles that passed while every process waited.
  public internal(set) var idleCycles: Cycles = 0
  /// Who waits for what, if the run ended because everybody waits.
  public internal(set) var deadlock: String?
  /// Why the kernel gave up, if it did: no memory, and nobody to kill for it.
  public internal(set) var panic: String?
  /// Processes the OOM killer has chosen so far.
  public internal(set) var memoryKills: UInt64 = 0

  /// Processes that have not been reaped, and threads that have not ended, by number.
  var processTable: [Int32: Process] = [:] { didSet { processTableChanges &+= 1 } }
  /// How often it has changed.
  private(set) var processTableChanges: UInt64 = 0
  var threadTable: [Int32: Thread] = [:]
  var lastNumber: Int32 = 1
  /// Processes that have ended and that nobody has waited for.
  var zombies = 0
  /// There have been processes that share memory or descriptors, which obey the limits of the one
  /// that runs.
  var processesShare = false
  /// Signals with their information that wait to be delivered, which RLIMIT_SIGPENDING bounds.
  var queuedSignals = 0
  /// Threads that could run.
  let ready = WaitQueue()
  /// Threads that wait for a moment, the latest first.
  var sleepers: [Thread] = []
  var quantumEnd: Cycles = 0
  var nextDeadline: Cycles = .max
  /// When the flusher has something to do, and until when it has the disk.
  var flusherTime: Cycles = .max
  var diskBusyUntil: Cycles = 0
  /// kswapd has something to do.
  var isReclaimDaemonWoken = false
  /// When khugepaged has something to do, and where.
  var collapser = Collapser()
  /// Something is to be done before the program goes on: a signal, a switch.
  var needsAttention = false
  /// The running thread gives way.
  var mustYield = false
  /// The first process has ended.
  var isRunOver = false
  /// The clock up to which the current process has been charged.
  var accountedFrom: Cycles = 0
  /// Waiters at futexes.
  var futexes: [FutexKey: WaitQueue] = [:]
  /// The page with the way back from signal handlers.
  var trampoline: OpenFile?
  var storyCount = 0

  /// The names of all files.
  let tree: FileTree
  /// System V shared memory.
  let segments = SharedSegments()
  var random: SeededGenerator
  /// The core being served.
  unowned(unsafe) var mmu: MMU?
  let pageFaultHandler: (any PageFaultHandler)?
  /// Clock at the trap, and the two accounts at that moment.
  var trapTime: Cycles = 0
  var chargedAtTrap: Cycles = 0
  var translatedAtTrap: Cycles = 0
  /// The registers at the system call in progress.
  var trapFrame: TrapFrame?
  /// Where the program just started begins.
  var firstContext: FirstContext?
  /// When the current process was last given the core.
  public internal(set) var resumedAt: Cycles = 0
  /// A signal raised inside a system call.
  var pending: SignalInformation?
  /// The last fault and how often it came in a row.
  var loopAddress: UInt64 = .max
  var loopCounter: UInt64 = .max
  var loopCount = 0
  /// Call sites and kinds of messages already given, so that each is given once.
  var named: Set<String> = []
  var outputBytes: UInt64 = 0
  /// Input read from the host that a failed copy could not deliver.
  var undelivered: [UInt8] = []
  /// A page of the host's through which input and output pass.
  let buffer = UnsafeMutableRawPointer.allocate(byteCount: Kernel.bufferBytes, alignment: 64)
  static var bufferBytes: Int { 65536 }

  /// Makes a kernel that owns all of `memory`.
  ///
  /// - Precondition: nobody has written the memory.
  public init(
    memory: PhysicalMemory, configuration: KernelConfiguration = KernelConfiguration(),
    costs: CostModel = CostModel(), host: any HostIO
  ) {
    system = SystemMemory(memory, costs: costs)
    system.huge.mode = configuration.hugePages
    system.setAside(configuration.hugePool2M, configuration.hugePool1G)
    self.configuration = configuration
    tree = FileTree(system, diskBytes: configuration.diskBytes)
    self.host = host
    random = SeededGenerator(seed: configuration.seed)
    pageFaultHandler = configuration.pageFaultHandler
    tree.refreshProcesses = { [unowned self] in refreshProcessDirectories() }
    system.promises.mode = configuration.overcommit
    system.promises.ratio = configuration.overcommitRatio
    system.killForMemory = { [unowned self] in killForMemory($0) }
    prepareWriteback()
    prepareReclaim()
    prepareCollapser()
  }

  deinit { buffer.deallocate() }

  /// Cycles of kernel work so far; never counted by the MMU.
  public var chargedCycles: Cycles { system.chargedCycles }

  /// Makes an MMU hear of invalidations, and loads the kernel's own tables there.
  public func attach(_ mmu: MMU) { system.attach(mmu) }

  /// How the first process ended; nil while it runs.
  public var exitStatus: TerminationStatus? { processes.first?.exitStatus }

  /// How the free memory lies; once the program has ended, how it lay just before.
  public var freeMemory: FreeMemory { freeMemoryAtEnd ?? system.frames.freeMemory }

  /// Faults of all processes.
  public var faults: FaultCounts {
    processes.dropFirst().reduce(processes.first?.faults ?? FaultCounts.none) { $0 + $1.faults }
  }

  /// Enters a new process with its first thread.
  func add(_ process: Process) {
    processes.append(process)
    processTable[process.pid] = process
    for thread in process.threads { threadTable[thread.tid] = thread }
  }

  /// Gives a message.
  func say(_ kind: KernelMessage.Kind, _ text: String) {
    messages(KernelMessage(kind: kind, text: text))
  }

  /// Gives a message once for each `key`.
  func sayOnce(_ kind: KernelMessage.Kind, key: String, _ text: @autoclosure () -> String) {
    if named.count < 10_000, named.insert(key).inserted { say(kind, text()) }
  }

  /// The clock at this moment of a trap.
  public var now: Cycles {
    trapTime &+ (system.chargedCycles &- chargedAtTrap)
      &+ ((mmu?.cycles ?? 0) &- translatedAtTrap)
  }

  /// The same where the core's MMU is at hand: `mmu` costs a reference count.
  @inline(__always)
  func now(_ mmu: MMU) -> Cycles {
    trapTime &+ (system.chargedCycles &- chargedAtTrap) &+ (mmu.cycles &- translatedAtTrap)
  }
}

extension FaultCounts {
  static let none = FaultCounts(
    minor: 0, major: 0, zero: 0, copyOnWrite: 0, file: 0, swap: 0, signal: 0, spurious: 0)
}
