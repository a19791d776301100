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

  /// What the C library calls it: `Invalid argument`.
  var message: String {
    switch self {
    case .notPermitted: "Operation not permitted"
    case .noEntry: "No such file or directory"
    case .noProcess: "No such process"
    case .interrupted: "Interrupted system call"
    case .inputOutput: "Input/output error"
    case .noDeviceOrAddress: "No such device or address"
    case .argumentsTooLong: "Argument list too long"
    case .notExecutable: "Exec format error"
    case .badDescriptor: "Bad file descriptor"
    case .noChild: "No child processes"
    case .tryAgain: "Resource temporarily unavailable"
    case .noMemory: "Cannot allocate memory"
    case .accessDenied: "Permission denied"
    case .badAddress: "Bad address"
    case .busy: "Device or resource busy"
    case .exists: "File exists"
    case .crossDevice: "Invalid cross-device link"
    case .noDevice: "No such device"
    case .notDirectory: "Not a directory"
    case .isDirectory: "Is a directory"
    case .invalid: "Invalid argument"
    case .fileTableFull: "Too many open files in system"
    case .tooManyFiles: "Too many open files"
    case .notTerminal: "Inappropriate ioctl for device"
    case .textBusy: "Text file busy"
    case .fileTooLarge: "File too large"
    case .noSpace: "No space left on device"
    case .illegalSeek: "Illegal seek"
    case .readOnlyFileSystem: "Read-only file system"
    case .linkLimit: "Too many links"
    case .brokenPipe: "Broken pipe"
    case .outOfRange: "Numerical result out of range"
    case .nameTooLong: "File name too long"
    case .notImplemented: "Function not implemented"
    case .notEmpty: "Directory not empty"
    case .tooManyLinks: "Too many levels of symbolic links"
    case .overflow: "Value too large for defined data type"
    case .notSocket: "Socket operation on non-socket"
    case .noProtocol: "Protocol not supported"
    case .noSocketType: "Socket type not supported"
    case .notSupported: "Operation not supported"
    case .noAddressFamily: "Address family not supported by protocol"
    case .connectionReset: "Connection reset by peer"
    case .isConnected: "Transport endpoint is already connected"
    case .timedOut: "Connection timed out"
    case .stale: "Stale file handle"
    case .quotaExceeded: "Disk quota exceeded"
    case .restartSystem, .restartNoHandler: "Interrupted system call should be restarted"
    }
  }
}
