import MMUMemory
public import MMUPaging
public import MMUTiming

/// What a kernel is built as: everything that can change its results, and its limits.
public struct KernelConfiguration {
  /// Drives address randomisation, AT_RANDOM and getrandom.
  public var seed: UInt64 = 1
  /// Random places for stack, heap and mappings.
  public var isAddressLayoutRandom = true
  /// Refuses segments and mappings that are writable and executable at once.
  public var deniesWritableCode = false
  /// Areas of one process: Linux's `max_map_count`.
  public var maximumAreas = 65530
  /// RLIMIT_STACK in bytes.
  public var stackLimit: UInt64 = 8 << 20
  /// Bytes the guest may write to standard output and error together.
  public var outputLimit: UInt64 = 16 << 30
  /// Cycles of a second of the guest's clocks.
  public var cyclesPerSecond: UInt64 = 3_000_000_000
  /// Bytes of the disk under the guest's root directory.
  public var diskBytes: UInt64 = 4 << 30
  /// Cycles after which a program gives way to the others that can run: 1 ms.
  public var quantum: Cycles = 3_000_000
  /// Processes and threads there may be at once; the next fork fails with EAGAIN.
  public var maximumThreads = 10_000
  /// How often the flusher looks for old dirty pages: 5 s, Linux's dirty_writeback_centisecs.
  public var writebackInterval: Cycles = 15_000_000_000
  /// How old they are then: 30 s, Linux's dirty_expire_centisecs.
  public var dirtyExpiry: Cycles = 90_000_000_000
  /// Per cent of RAM that may be dirty before the flusher begins at once: Linux's
  /// dirty_background_ratio.
  public var dirtyBackgroundPercent: UInt64 = 10
  /// Per cent of RAM that may be dirty before writers wait for the flusher: Linux's dirty_ratio.
  public var dirtyPercent: UInt64 = 20
  /// Pages of the swap area, its header included; 0: there is none.
  public var swapPages: UInt64 = 0
  /// Where it lies; nil is the machine's own disk.
  public var swapStore: (any SwapStore)?
  /// Its name in /proc/swaps.
  public var swapName = "/dev/vdb"
  /// About one in so many transfers to and from swap fails; 0: none.
  public var swapErrorOdds: UInt64 = 0
  /// Per cent of RAM that compressed pages of swap may take; 0: none are kept.
  public var compressedSwapPercent: UInt64 = 0
  /// Linux's vm.swappiness, 0 to 200.
  public var swappiness: UInt64 = 60
  /// What chooses the pages that go.
  public var reclaimPolicy = ReclaimPolicyKind.twoList
  /// Pages that may be resident at once, of all processes and files together; nil: as many as fit.
  public var residentLimit: UInt64?
  /// How much memory programs may be promised: Linux's vm.overcommit_memory.
  public var overcommit = OvercommitMode.heuristic
  /// Per cent of RAM in the commit limit: Linux's vm.overcommit_ratio.
  public var overcommitRatio: UInt64 = 50
  /// Where anonymous memory gets pages of 2 MiB.
  public var hugePages = HugePageMode.madvise
  /// How huge pages are made of small ones.
  public var collapse = CollapseRules()
  /// Pages of 2 MiB set aside at the start for MAP_HUGETLB.
  public var hugePool2M: UInt64 = 0
  /// Pages of 1 GiB set aside.
  public var hugePool1G: UInt64 = 0
  /// Directories of the host that the guest sees.
  public var mounts: [HostMount] = []
  /// Takes the place of the kernel's own handler; nil is the kernel's own.
  public var pageFaultHandler: (any PageFaultHandler)?
  /// Faults in a row at one instruction and address, with nothing between, that make a fault loop.
  public var faultLoopLimit = 100

  /// Makes the default configuration.
  public init() {}
}

/// Why a core handed over to the kernel.
public enum Trap: Hashable, Sendable {
  /// ECALL.
  case environmentCall
  /// EBREAK.
  case breakpoint
  /// No instruction, or one that user mode may not execute.
  case illegalInstruction(UInt32)
  /// A jump to an address that is no multiple of 4.
  case misalignedFetch(target: UInt64)
  /// An atomic at an address that is no multiple of its size.
  case misalignedAtomic(address: UInt64)
  /// An access the MMU refused.
  case fault(TranslationFault)
  /// The clock has reached the kernel's `deadline`.
  case timer
}

/// What the core does after a trap.
public enum TrapResult: Hashable, Sendable {
  /// Goes on at the frame's program counter; nothing retires.
  case resume
  /// Retires the ECALL and goes on behind it.
  case systemCallCompleted
  /// Executes the ECALL again; it does not retire now.
  case systemCallRestarts
  /// Every process waits: the clock may advance to `until`, then the core goes on.
  case idle(until: Cycles)
  /// No process is left to run; the ECALL retires if that is what ended the last one.
  case ended(retiresSystemCall: Bool)
}

/// Something the kernel has to say to the person in front of it; never part of the guest's output.
public struct KernelMessage: Hashable, Sendable {
  /// What kind of message it is.
  public enum Kind: Hashable, Sendable {
    /// Why a process was killed.
    case story
    /// A system call, flag or option that does not exist here.
    case unimplemented
    /// A limit was reached.
    case limit
  }

  /// What kind.
  public var kind: Kind
  /// One or more lines, without a newline at the end.
  public var text: String

  /// Makes a message.
  public init(kind: Kind, text: String) {
    self.kind = kind
    self.text = text
  }
}

/// Why a program could not be started.
public enum StartError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Too little memory.
  case outOfMemory
  /// More memory than overcommit mode 2 promises.
  case commitLimit
  /// All PCIDs or processes are in use.
  case tooManyProcesses
  /// Arguments and environment need more than a quarter of the stack, or one string more than 128 KiB.
  case argumentsTooLong
  /// A segment is where no program may map memory.
  case segmentOutOfRange(index: Int, address: UInt64)
  /// A segment is writable and executable, and the configuration forbids that.
  case writableCode(index: Int)
  /// A directory cannot be shown to the guest: the host's path if that is why, or the guest's.
  case directory(String, Errno)
  /// A file of the host cannot be the swap area.
  case swapFile(String, Errno)

  /// The error in words.
  public var description: String {
    switch self {
    case .outOfMemory: "the program does not fit into the memory; give the machine more with --ram"
    case .commitLimit:
      "the program needs more memory than may be promised; --overcommit-ratio sets the limit"
    case .tooManyProcesses: "all process contexts are in use"
    case .argumentsTooLong:
      "arguments and environment are too long: a quarter of the stack in all, 128 KiB each"
    case .segmentOutOfRange(let index, let address):
      "segment \(index) at \(hex(address)) lies outside \(hex(AddressSpace.lowestMapping)) to "
        + "\(hex(AddressSpace.userLimit)), where a program can be mapped"
    case .writableCode(let index):
      "segment \(index) is both writable and executable, which --wx deny forbids"
    case .swapFile(_, let error):
      error == .invalid
        ? "it is no swap file; name one that mkswap or mmuemu made, or none that exists"
        : error == .noEntry
          ? "there is no directory for that swap file"
          : error == .busy
            ? "another run is using that swap file"
            : "the swap file cannot be opened: \(error.name)"
    case .directory(_, let error):
      error == .noEntry
        ? "there is no such directory"
        : error == .notDirectory ? "it is no directory" : "it cannot be opened: \(error.name)"
    }
  }
}
