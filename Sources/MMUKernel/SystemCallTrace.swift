import MMUMemory
import MMUPaging

/// Writes a system call as strace does: `write(1, "hello\n", 6) = 6`.
///
/// One table says how each argument is shown; a call without a row shows six words in hex. User
/// memory is read through the page tables beside the MMU, so that tracing counts nothing and makes
/// nothing resident; what is not there is shown as its address.
struct SystemCallTrace {
  /// How an argument is shown.
  private enum Form {
    /// A signed number.
    case number
    /// An unsigned number.
    case count
    /// An address; NULL for zero.
    case pointer
    /// A directory descriptor: AT_FDCWD or a number.
    case directory
    /// A string that ends with a zero byte.
    case string
    /// Bytes the call reads; the next argument is their number.
    case input
    /// Bytes the call has written; its result is their number.
    case output
    /// Or-ed bits with names.
    case flags([(UInt64, String)], zero: String)
    /// One of some names.
    case choice([(UInt64, String)])
    /// An octal mode.
    case mode
  }

  private static let protection: Form = .flags(
    [(1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC"), (1 << 24, "PROT_GROWSDOWN")],
    zero: "PROT_NONE")
  private static let mapping: Form = .flags(
    [
      (3, "MAP_SHARED_VALIDATE"), (1, "MAP_SHARED"), (2, "MAP_PRIVATE"), (0x10, "MAP_FIXED"),
      (0x20, "MAP_ANONYMOUS"), (0x100, "MAP_GROWSDOWN"), (0x800, "MAP_DENYWRITE"),
      (0x2000, "MAP_LOCKED"), (0x4000, "MAP_NORESERVE"), (0x8000, "MAP_POPULATE"),
      (0x1_0000, "MAP_NONBLOCK"), (0x2_0000, "MAP_STACK"), (0x4_0000, "MAP_HUGETLB"),
      (0x10_0000, "MAP_FIXED_NOREPLACE"),
    ], zero: "MAP_FILE")
  private static let advice: Form = .choice([
    (0, "MADV_NORMAL"), (1, "MADV_RANDOM"), (2, "MADV_SEQUENTIAL"), (3, "MADV_WILLNEED"),
    (4, "MADV_DONTNEED"), (8, "MADV_FREE"), (9, "MADV_REMOVE"), (10, "MADV_DONTFORK"),
    (11, "MADV_DOFORK"), (14, "MADV_HUGEPAGE"), (15, "MADV_NOHUGEPAGE"), (18, "MADV_WIPEONFORK"),
    (19, "MADV_KEEPONFORK"), (20, "MADV_COLD"), (21, "MADV_PAGEOUT"),
    (22, "MADV_POPULATE_READ"), (23, "MADV_POPULATE_WRITE"),
  ])
  private static let opening: Form = .flags(
    [
      (2, "O_RDWR"), (1, "O_WRONLY"), (0x40, "O_CREAT"), (0x80, "O_EXCL"), (0x200, "O_TRUNC"),
      (0x400, "O_APPEND"), (0x800, "O_NONBLOCK"), (0x1_0000, "O_DIRECTORY"),
      (0x8_0000, "O_CLOEXEC"),
    ], zero: "O_RDONLY")
  private static let clock: Form = .choice([
    (0, "CLOCK_REALTIME"), (1, "CLOCK_MONOTONIC"), (2, "CLOCK_PROCESS_CPUTIME_ID"),
    (3, "CLOCK_THREAD_CPUTIME_ID"), (4, "CLOCK_MONOTONIC_RAW"), (7, "CLOCK_BOOTTIME"),
  ])
  private static let usage: Form = .choice([
    (0, "RUSAGE_SELF"), (UInt64(bitPattern: -1), "RUSAGE_CHILDREN"), (1, "RUSAGE_THREAD"),
  ])
  private static let cloning: Form = .flags(
    [
      (0x100, "CLONE_VM"), (0x200, "CLONE_FS"), (0x400, "CLONE_FILES"), (0x800, "CLONE_SIGHAND"),
      (0x4000, "CLONE_VFORK"), (0x8000, "CLONE_PARENT"), (0x1_0000, "CLONE_THREAD"),
      (0x4_0000, "CLONE_SYSVSEM"), (0x8_0000, "CLONE_SETTLS"), (0x10_0000, "CLONE_PARENT_SETTID"),
      (0x20_0000, "CLONE_CHILD_CLEARTID"), (0x100_0000, "CLONE_CHILD_SETTID"), (17, "SIGCHLD"),
    ], zero: "0")

  /// The arguments of the calls by name.
  private static let forms: [String: [Form]] = [
    "brk": [.pointer], "close": [.number], "dup": [.number], "dup3": [.number, .number, opening],
    "clone": [cloning, .pointer, .pointer, .pointer, .pointer],
    "clock_getres": [clock, .pointer], "clock_gettime": [clock, .pointer],
    "execve": [.string, .pointer, .pointer], "exit": [.number], "exit_group": [.number],
    "fsync": [.number], "fdatasync": [.number], "fstat": [.number, .pointer],
    "ftruncate": [.number, .count], "futex": [.pointer, .number, .count, .pointer],
    "getcwd": [.pointer, .count], "getegid": [], "geteuid": [], "getgid": [], "getpid": [],
    "getppid": [], "gettid": [], "getuid": [], "getrandom": [.pointer, .count, .count],
    "getdents64": [.number, .pointer, .count], "getrusage": [usage, .pointer],
    "gettimeofday": [.pointer, .pointer], "kill": [.number, .number],
    "lseek": [.number, .number, .choice([(0, "SEEK_SET"), (1, "SEEK_CUR"), (2, "SEEK_END")])],
    "madvise": [.pointer, .count, advice], "memfd_create": [.string, .count],
    "mincore": [.pointer, .count, .pointer], "mkdirat": [.directory, .string, .mode],
    "mlock": [.pointer, .count], "munlock": [.pointer, .count],
    "mmap": [.pointer, .count, protection, mapping, .number, .count],
    "mprotect": [.pointer, .count, protection],
    "mremap": [
      .pointer, .count, .count,
      .flags([(1, "MREMAP_MAYMOVE"), (2, "MREMAP_FIXED"), (4, "MREMAP_DONTUNMAP")], zero: "0"),
      .pointer,
    ],
    "msync": [
      .pointer, .count,
      .flags([(1, "MS_ASYNC"), (2, "MS_INVALIDATE"), (4, "MS_SYNC")], zero: "0"),
    ],
    "munmap": [.pointer, .count], "nanosleep": [.pointer, .pointer],
    "newfstatat": [.directory, .string, .pointer, .number],
    "openat": [.directory, .string, opening, .mode], "pipe2": [.pointer, opening],
    "prctl": [.number, .count, .count, .count, .count],
    "pread64": [.number, .output, .count, .count], "pwrite64": [.number, .input, .count, .count],
    "prlimit64": [.number, .number, .pointer, .pointer], "read": [.number, .output, .count],
    "readv": [.number, .pointer, .count], "rt_sigaction": [.number, .pointer, .pointer, .count],
    "rt_sigprocmask": [.number, .pointer, .pointer, .count], "rt_sigreturn": [],
    "sched_yield": [], "set_tid_address": [.pointer], "sigaltstack": [.pointer, .pointer],
    "uname": [.pointer], "unlinkat": [.directory, .string, .number],
    "wait4": [.number, .pointer, .number, .pointer], "write": [.number, .input, .count],
    "writev": [.number, .pointer, .count],
  ]

  /// Calls whose result is an address.
  private static let returnsAddress: Set<String> = ["brk", "mmap", "mremap", "shmat"]

  /// The call as it was made, before it is carried out; `write(1, "hello\n", 6)`.
  ///
  /// - Parameters:
  ///   - result: what it returned, if it has; bytes it wrote are shown then.
  ///   - space: where its pointers lead.
  static func call(
    _ number: UInt64, _ arguments: [UInt64], result: UInt64?, in space: AddressSpace?
  ) -> String {
    let name = SystemCallTable.name(number)
    let forms = Self.forms[name] ?? Array(repeating: .pointer, count: 6)
    var shown: [String] = []
    for (i, form) in forms.enumerated() {
      let value = arguments[i]
      switch form {
      case .number: shown.append(String(Int32(truncatingIfNeeded: value)))
      case .count: shown.append(String(value))
      case .pointer: shown.append(value == 0 ? "NULL" : hex(value))
      case .directory:
        let number = Int32(truncatingIfNeeded: value)
        shown.append(number == -100 ? "AT_FDCWD" : String(number))
      case .string: shown.append(string(value, in: space))
      case .input: shown.append(bytes(value, arguments[i + 1], in: space))
      case .output:
        let count = result.flatMap { Int64(bitPattern: $0) >= 0 ? $0 : nil }
        shown.append(count.map { bytes(value, $0, in: space) } ?? hex(value))
      case .flags(let names, let zero): shown.append(flags(value, names, zero))
      case .choice(let names):
        let name = names.first { $0.0 == value || UInt32(truncatingIfNeeded: $0.0) == value }
        shown.append(name?.1 ?? hex(value))
      case .mode:
        // A mode counts only where something is created.
        if name == "openat" && arguments[2] & 0x40 == 0 { continue }
        shown.append("0" + String(value & 0o7777, radix: 8))
      }
    }
    return name + "(" + shown.joined(separator: ", ") + ")"
  }

  /// The result as strace shows it: `= 6`, `= -1 ENOENT`, `= 0x7fff00001000`.
  static func result(_ value: UInt64, of number: UInt64) -> String {
    let signed = Int64(bitPattern: value)
    if signed < 0 && signed >= -4095 {
      let name = Errno(rawValue: -signed)?.name ?? "errno \(-signed)"
      return "= -1 \(name)"
    }
    let isAddress = returnsAddress.contains(SystemCallTable.name(number))
    return "= " + (isAddress ? hex(value) : String(signed))
  }

  private static func flags(
    _ value: UInt64, _ names: [(UInt64, String)], _ zero: String
  ) -> String {
    var rest = value
    var shown: [String] = []
    for (bits, name) in names where bits != 0 && rest & bits == bits {
      shown.append(name)
      rest &= ~bits
    }
    if rest != 0 { shown.append(hex(rest)) }
    if shown.isEmpty { return zero }
    // Access modes are no bits: O_RDONLY is shown before other flags.
    let needsMode = zero == "O_RDONLY" && value & 3 == 0
    return ((needsMode ? [zero] : []) + shown).joined(separator: "|")
  }

  /// At most 32 bytes, quoted.
  private static func bytes(_ address: UInt64, _ count: UInt64, in space: AddressSpace?) -> String {
    guard let read = space?.peek(address, Int(min(count, 32))) else { return hex(address) }
    return quoted(read) + (count > 32 ? "..." : "")
  }

  private static func string(_ address: UInt64, in space: AddressSpace?) -> String {
    guard let space else { return hex(address) }
    var text: [UInt8] = []
    while text.count < 256 {
      guard let byte = space.peek(address &+ UInt64(text.count), 1) else { return hex(address) }
      if byte[0] == 0 { return quoted(text) }
      text += byte
    }
    return quoted(text) + "..."
  }

  private static func quoted(_ bytes: [UInt8]) -> String {
    var text = "\""
    for (i, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "\n"): text += "\\n"
      case UInt8(ascii: "\t"): text += "\\t"
      case UInt8(ascii: "\r"): text += "\\r"
      case UInt8(ascii: "\""): text += "\\\""
      case UInt8(ascii: "\\"): text += "\\\\"
      case 32..<127: text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        // Three digits where the next byte is a digit too.
        let next = i + 1 < bytes.count ? bytes[i + 1] : 0
        let digits = String(byte, radix: 8)
        let isDigit = next >= UInt8(ascii: "0") && next <= UInt8(ascii: "9")
        text += "\\" + (isDigit ? String(repeating: "0", count: 3 - digits.count) : "") + digits
      }
    }
    return text + "\""
  }
}

extension AddressSpace {
  /// Reads memory that is present, through the page tables alone; nil if any of it is not.
  func peek(_ address: UInt64, _ count: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let at = address &+ UInt64(bytes.count)
      guard at < Self.userLimit, let entry = entry(at: VirtualAddress(truncating: at)),
        entry.isPresent
      else { return nil }
      let part = min(count - bytes.count, Int(4096 - at & 4095))
      let place = system.memory.pointer(to: entry.frame) + Int(at & 4095)
      bytes += UnsafeRawBufferPointer(start: place, count: part)
    }
    return bytes
  }
}

extension Kernel {
  /// Carries out a system call and writes it down, once it is complete.
  @inline(never)
  func tracedCall(_ process: Process, _ frame: inout TrapFrame) -> TrapResult {
    let number = frame.registers[17]
    let arguments = (10..<16).map { frame.registers[$0] }
    // What ends or replaces the program takes its memory along.
    let name = SystemCallTable.name(number)
    let isLast = ["exit", "exit_group", "execve", "rt_sigreturn"].contains(name)
    let before =
      isLast
      ? SystemCallTrace.call(number, arguments, result: nil, in: process.space) : ""
    if name == "exit_group" || name == "exit" { traceLine(process, before + " = ?") }
    let result = carryOut(process, &frame)
    switch result {
    case .systemCallCompleted:
      let value = frame.registers[10]
      let call =
        isLast ? before : SystemCallTrace.call(number, arguments, result: value, in: process.space)
      traceLine(process, call + " " + SystemCallTrace.result(value, of: number))
    default: break
    }
    return result
  }

  /// `--- SIGSEGV {si_signo=SIGSEGV, si_code=1, si_addr=0x10} ---`.
  func traceSignal(_ information: SignalInformation, to process: Process) {
    let name = information.signal.name
    var detail = "si_signo=\(name), si_code=\(information.code.name)"
    if let address = information.address {
      detail += ", si_addr=" + (address == 0 ? "NULL" : hex(address))
    } else if information.sender != 0 {
      detail += ", si_pid=\(information.sender), si_uid=0"
      if information.signal == .child { detail += ", si_status=\(information.status)" }
    }
    traceLine(process, "--- \(name) {\(detail)} ---")
  }

  /// `+++ exited with 0 +++`, `+++ killed by SIGSEGV +++`.
  func traceEnd(_ process: Process, _ status: TerminationStatus) {
    switch status {
    case .exited(let code): traceLine(process, "+++ exited with \(code) +++")
    case .killed(let signal): traceLine(process, "+++ killed by \(signal.name) +++")
    }
  }

  /// As strace -f: the process is named once there have been several.
  private func traceLine(_ process: Process, _ text: String) {
    trace?(processes.count > 1 ? "[pid \(process.pid)] " + text : text)
  }
}
