/// The error of a system call, by its Linux number; the guest sees it negated in a0.
public enum Errno: Int64, Error, Sendable, CaseIterable {
  case notPermitted = 1
  case noEntry = 2
  case noProcess = 3
  case interrupted = 4
  case inputOutput = 5
  case noDeviceOrAddress = 6
  case argumentsTooLong = 7
  case notExecutable = 8
  case badDescriptor = 9
  case noChild = 10
  case tryAgain = 11
  case noMemory = 12
  case accessDenied = 13
  case badAddress = 14
  case busy = 16
  case exists = 17
  case crossDevice = 18
  case noDevice = 19
  case notDirectory = 20
  case isDirectory = 21
  case invalid = 22
  case fileTableFull = 23
  case tooManyFiles = 24
  case notTerminal = 25
  case textBusy = 26
  case fileTooLarge = 27
  case noSpace = 28
  case illegalSeek = 29
  case readOnlyFileSystem = 30
  case linkLimit = 31
  case brokenPipe = 32
  case outOfRange = 34
  case nameTooLong = 36
  case notImplemented = 38
  case notEmpty = 39
  case tooManyLinks = 40
  case overflow = 75
  case notSocket = 88
  case noProtocol = 93
  case noSocketType = 94
  case notSupported = 95
  case noAddressFamily = 97
  case connectionReset = 104
  case isConnected = 106
  case timedOut = 110
  case stale = 116
  case quotaExceeded = 122
  /// Inside the kernel: the call waits, or was interrupted and starts again unless a handler without
  /// SA_RESTART runs.
  case restartSystem = 512
  /// Inside the kernel: the call waits, or was interrupted and fails if any handler runs.
  case restartNoHandler = 514

  /// The name in C: `EINVAL`.
  public var name: String {
    switch self {
    case .notPermitted: "EPERM"
    case .noEntry: "ENOENT"
    case .noProcess: "ESRCH"
    case .interrupted: "EINTR"
    case .inputOutput: "EIO"
    case .noDeviceOrAddress: "ENXIO"
    case .argumentsTooLong: "E2BIG"
    case .notExecutable: "ENOEXEC"
    case .badDescriptor: "EBADF"
    case .noChild: "ECHILD"
    case .tryAgain: "EAGAIN"
    case .noMemory: "ENOMEM"
    case .accessDenied: "EACCES"
    case .badAddress: "EFAULT"
    case .busy: "EBUSY"
    case .exists: "EEXIST"
    case .crossDevice: "EXDEV"
    case .noDevice: "ENODEV"
    case .notDirectory: "ENOTDIR"
    case .isDirectory: "EISDIR"
    case .invalid: "EINVAL"
    case .fileTableFull: "ENFILE"
    case .tooManyFiles: "EMFILE"
    case .notTerminal: "ENOTTY"
    case .textBusy: "ETXTBSY"
    case .fileTooLarge: "EFBIG"
    case .noSpace: "ENOSPC"
    case .illegalSeek: "ESPIPE"
    case .readOnlyFileSystem: "EROFS"
    case .linkLimit: "EMLINK"
    case .brokenPipe: "EPIPE"
    case .outOfRange: "ERANGE"
    case .nameTooLong: "ENAMETOOLONG"
    case .notImplemented: "ENOSYS"
    case .notEmpty: "ENOTEMPTY"
    case .tooManyLinks: "ELOOP"
    case .overflow: "EOVERFLOW"
    case .notSocket: "ENOTSOCK"
    case .noProtocol: "EPROTONOSUPPORT"
    case .noSocketType: "ESOCKTNOSUPPORT"
    case .notSupported: "EOPNOTSUPP"
    case .noAddressFamily: "EAFNOSUPPORT"
    case .connectionReset: "ECONNRESET"
    case .isConnected: "EISCONN"
    case .timedOut: "ETIMEDOUT"
    case .stale: "ESTALE"
    case .quotaExceeded: "EDQUOT"
    case .restartSystem: "ERESTARTSYS"
    case .restartNoHandler: "ERESTARTNOHAND"
    }
  }
}
