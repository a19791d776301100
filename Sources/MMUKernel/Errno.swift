/// The error of a system call, by its Linux number; the guest sees it negated in a0.
public enum Errno: Int64, Error, Sendable, CaseIterable {
  case notPermitted = 1
  case noEntry = 2
  case noProcess = 3
  case interrupted = 4
  case inputOutput = 5
  case argumentsTooLong = 7
  case notExecutable = 8
  case badDescriptor = 9
  case noChild = 10
  case tryAgain = 11
  case noMemory = 12
  case accessDenied = 13
  case badAddress = 14
  case exists = 17
  case noDevice = 19
  case invalid = 22
  case fileTooLarge = 27
  case noSpace = 28
  case illegalSeek = 29
  case brokenPipe = 32
  case notImplemented = 38
  case overflow = 75
  case notSupported = 95

  /// The name in C: `EINVAL`.
  public var name: String {
    switch self {
    case .notPermitted: "EPERM"
    case .noEntry: "ENOENT"
    case .noProcess: "ESRCH"
    case .interrupted: "EINTR"
    case .inputOutput: "EIO"
    case .argumentsTooLong: "E2BIG"
    case .notExecutable: "ENOEXEC"
    case .badDescriptor: "EBADF"
    case .noChild: "ECHILD"
    case .tryAgain: "EAGAIN"
    case .noMemory: "ENOMEM"
    case .accessDenied: "EACCES"
    case .badAddress: "EFAULT"
    case .exists: "EEXIST"
    case .noDevice: "ENODEV"
    case .invalid: "EINVAL"
    case .fileTooLarge: "EFBIG"
    case .noSpace: "ENOSPC"
    case .illegalSeek: "ESPIPE"
    case .brokenPipe: "EPIPE"
    case .notImplemented: "ENOSYS"
    case .overflow: "EOVERFLOW"
    case .notSupported: "EOPNOTSUPP"
    }
  }
}
