/// A signal, by its Linux number.
public enum Signal: Int32, Sendable, CaseIterable {
  case illegalInstruction = 4
  case trap = 5
  case busError = 7
  case floatingPoint = 8
  case kill = 9
  case segmentationFault = 11
  case brokenPipe = 13
  case fileSizeLimit = 25

  /// The name in C: `SIGSEGV`.
  public var name: String {
    switch self {
    case .illegalInstruction: "SIGILL"
    case .trap: "SIGTRAP"
    case .busError: "SIGBUS"
    case .floatingPoint: "SIGFPE"
    case .kill: "SIGKILL"
    case .segmentationFault: "SIGSEGV"
    case .brokenPipe: "SIGPIPE"
    case .fileSizeLimit: "SIGXFSZ"
    }
  }
}

/// Why a signal was raised: siginfo's si_signo, si_code and si_addr.
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
      }
    }
  }

  /// Which signal.
  public var signal: Signal
  /// Why.
  public var code: Code
  /// The address concerned, if one is.
  public var address: UInt64?

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
}
