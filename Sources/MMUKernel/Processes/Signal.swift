/// A signal, by its Linux number: 1 to 31, and the real-time ones to 64.
public struct Signal: RawRepresentable, Hashable, Sendable {
  /// The number.
  public let rawValue: Int32
  /// Makes a signal; nil for a number that is none.
  public init?(rawValue: Int32) {
    guard 1...64 ~= rawValue else { return nil }
    self.rawValue = rawValue
  }
  private init(_ number: Int32) { rawValue = number }

  /// SIGILL.
  public static let illegalInstruction = Signal(4)
  /// SIGTRAP.
  public static let trap = Signal(5)
  /// SIGBUS.
  public static let busError = Signal(7)
  /// SIGFPE.
  public static let floatingPoint = Signal(8)
  /// SIGKILL.
  public static let kill = Signal(9)
  /// SIGSEGV.
  public static let segmentationFault = Signal(11)
  /// SIGPIPE.
  public static let brokenPipe = Signal(13)
  /// SIGCHLD.
  public static let child = Signal(17)
  /// SIGCONT.
  public static let `continue` = Signal(18)
  /// SIGSTOP.
  public static let stop = Signal(19)
  /// SIGXFSZ.
  public static let fileSizeLimit = Signal(25)

  private static let names = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
    "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
  ]

  /// The name in C: `SIGSEGV`.
  public var name: String {
    rawValue <= 31 ? "SIG" + Self.names[Int(rawValue) - 1] : "SIGRTMIN+\(rawValue - 32)"
  }

  /// Without a handler nothing happens.
  var isIgnoredByDefault: Bool { [17, 18, 23, 28].contains(rawValue) }
  /// Without a handler the process stops.
  var stopsByDefault: Bool { 19...22 ~= rawValue }
  /// It is queued as often as it is sent.
  var isRealTime: Bool { rawValue >= 32 }
  /// Its place in a set.
  var bit: UInt64 { 1 << UInt64(rawValue - 1) }
}

/// Why a signal was raised: siginfo's si_signo, si_code and si_addr, or si_pid and si_status.
public struct SignalInformation: Hashable, Sendable {
  /// The reasons this kernel gives.
  public enum Code: Int32, Sendable {
    /// SEGV_MAPERR: no area there.
    case notMapped
    /// SEGV_ACCERR: the area does not allow the access.
    case accessDenied
    /// BUS_ADRALN: a misaligned jump or atomic.
    case misaligned
    /// BUS_ADRERR: no memory or no part of the file behind the address.
    case noMemoryThere
    /// ILL_ILLOPC.
    case illegalOpcode
    /// TRAP_BRKPT.
    case breakpoint
    /// SI_KERNEL: sent by the kernel for another reason.
    case kernel
    /// SI_USER: kill.
    case user
    /// SI_TKILL: tkill and tgkill.
    case thread
    /// CLD_EXITED: a child has ended.
    case exited
    /// CLD_KILLED: a child was killed.
    case killed

    /// The name in C.
    public var name: String {
      switch self {
      case .notMapped: "SEGV_MAPERR"
      case .accessDenied: "SEGV_ACCERR"
      case .misaligned: "BUS_ADRALN"
      case .noMemoryThere: "BUS_ADRERR"
      case .illegalOpcode: "ILL_ILLOPC"
      case .breakpoint: "TRAP_BRKPT"
      case .kernel: "SI_KERNEL"
      case .user: "SI_USER"
      case .thread: "SI_TKILL"
      case .exited: "CLD_EXITED"
      case .killed: "CLD_KILLED"
      }
    }

    /// The number in C.
    var number: Int32 {
      switch self {
      case .notMapped, .misaligned, .illegalOpcode, .breakpoint, .exited: 1
      case .accessDenied, .noMemoryThere, .killed: 2
      case .kernel: 0x80
      case .user: 0
      case .thread: -6
      }
    }
  }

  /// Which signal.
  public var signal: Signal
  /// Why.
  public var code: Code
  /// The address concerned, if one is.
  public var address: UInt64?
  /// The process that sent it or ended.
  public var sender: Int32 = 0
  /// How the child ended: its code or signal.
  public var status: Int32 = 0

  /// Makes the information.
  public init(_ signal: Signal, _ code: Code, address: UInt64? = nil) {
    self.signal = signal
    self.code = code
    self.address = address
  }
}

/// How a process ended.
public enum TerminationStatus: Hashable, Sendable {
  /// By exit or exit_group, with the low eight bits of the argument.
  case exited(UInt8)
  /// Killed.
  case killed(Signal)

  /// What a shell would show: the code, or 128 plus the signal.
  public var shellStatus: Int32 {
    switch self {
    case .exited(let code): Int32(code)
    case .killed(let signal): 128 + signal.rawValue
    }
  }

  /// What wait4 stores.
  var waitStatus: Int32 {
    switch self {
    case .exited(let code): Int32(code) << 8
    case .killed(let signal): signal.rawValue
    }
  }
}

/// A set of signals, bit n - 1 for signal n: sigset_t.
struct SignalSet: OptionSet {
  var rawValue: UInt64 = 0

  /// Those that nobody can block, catch or ignore.
  static var unstoppable: Self { Self(rawValue: Signal.kill.bit | Signal.stop.bit) }

  func contains(_ signal: Signal) -> Bool { rawValue & signal.bit != 0 }
}

/// Signals sent and not yet delivered; an ordinary one counts once.
struct PendingSignals {
  private(set) var set = SignalSet()
  private var queue: [SignalInformation] = []

  /// Adds one; false if it is pending already.
  mutating func add(_ information: SignalInformation) -> Bool {
    if set.contains(information.signal) && !information.signal.isRealTime { return false }
    set.insert(SignalSet(rawValue: information.signal.bit))
    queue.append(information)
    return true
  }

  /// Those whose information is kept.
  var count: Int { queue.count }

  /// Adds one whose information is lost.
  mutating func mark(_ signal: Signal) { set.insert(SignalSet(rawValue: signal.bit)) }

  /// Takes the first of a signal; if its information is lost, it comes from nobody.
  mutating func take(_ signal: Signal) -> SignalInformation? {
    guard set.contains(signal) else { return nil }
    guard let i = queue.firstIndex(where: { $0.signal == signal }) else {
      set.remove(SignalSet(rawValue: signal.bit))
      return SignalInformation(signal, .user)
    }
    let information = queue.remove(at: i)
    if !queue.contains(where: { $0.signal == signal }) {
      set.remove(SignalSet(rawValue: signal.bit))
    }
    return information
  }
}

/// What a signal does: struct sigaction.
struct SignalAction {
  /// SIG_DFL 0, SIG_IGN 1, or the handler.
  var handler: UInt64 = 0
  var flags: UInt64 = 0
  var mask = SignalSet()

  static var noChildWait: UInt64 { 2 }
  static var onStack: UInt64 { 0x0800_0000 }
  static var restart: UInt64 { 0x1000_0000 }
  static var noDefer: UInt64 { 0x4000_0000 }
  static var resetHandler: UInt64 { 0x8000_0000 }

  var isHandled: Bool { handler > 1 }

  func ignores(_ signal: Signal) -> Bool {
    handler == 1 || handler == 0 && signal.isIgnoredByDefault
  }
}

/// stack_t.
struct AlternateStack {
  var address: UInt64 = 0
  var size: UInt64 = 0
  /// SS_DISABLE 2 while there is none; SS_AUTODISARM.
  var flags: UInt32 = 2

  func contains(_ pointer: UInt64) -> Bool {
    flags & 2 == 0 && pointer > address && pointer &- address <= size
  }
}
