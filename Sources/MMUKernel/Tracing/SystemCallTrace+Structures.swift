// Structures as strace abbreviates them; layouts are those of riscv64.

extension ArgumentForm {
  /// struct timespec that the call reads.
  static let time = input { $0.time($1, "nsec") }
  /// struct timespec that the call writes.
  static let resultTime = output { $0.time($1, "nsec") }
  /// struct timeval that the call writes.
  static let resultMicroseconds = output { $0.time($1, "usec") }
  /// struct timezone.
  static let resultZone = output { call, address in
    call.words(address, 2, of: Int32.self).map {
      "{tz_minuteswest=\($0[0]), tz_dsttime=\($0[1])}"
    }
  }
  /// struct stat.
  static let resultStatus = output { call, address in
    guard let words = call.words(address, 7, of: UInt64.self) else { return nil }
    let mode = words[2] & 0xffff_ffff
    let kind = mode & 0o170000
    let isDevice = kind == 0o20000 || kind == 0o60000
    let device = words[4]
    let major = device >> 8 & 0xfff
    let minor = device & 0xff | device >> 12 & 0xf_ff00
    return "{st_mode=\(SystemCallTrace.fileMode(mode)), "
      + (isDevice
        ? "st_rdev=makedev(\(hex(major)), \(hex(minor)))" : "st_size=\(words[6])") + ", ...}"
  }
  /// struct statx.
  static let resultExtendedStatus = output { call, address in
    guard let words = call.words(address, 6, of: UInt64.self) else { return nil }
    let mask = NameTable.statusMask.flags(words[0] & 0xffff_ffff)
    let mode = SystemCallTrace.fileMode(words[3] >> 32 & 0xffff)
    return "{stx_mask=\(mask), stx_attributes=\(SystemCallTrace.word(words[1])), "
      + "stx_mode=\(mode), stx_size=\(words[5]), ...}"
  }
  /// struct rusage.
  static let resultUsage = output { $0.usage($1) }
  /// struct tms.
  static let resultTimes = output { call, address in
    call.words(address, 4, of: Int64.self).map {
      "{tms_utime=\($0[0]), tms_stime=\($0[1]), tms_cutime=\($0[2]), tms_cstime=\($0[3])}"
    }
  }
  /// struct sysinfo.
  static let resultSystemInformation = output { call, address in
    guard let w = call.words(address, 14, of: UInt64.self) else { return nil }
    return "{uptime=\(w[0]), loads=[\(w[1]), \(w[2]), \(w[3])], totalram=\(w[4]), freeram=\(w[5]), "
      + "sharedram=\(w[6]), bufferram=\(w[7]), totalswap=\(w[8]), freeswap=\(w[9]), "
      + "procs=\(w[10] & 0xffff), totalhigh=\(w[11]), freehigh=\(w[12]), "
      + "mem_unit=\(w[13] & 0xffff_ffff)}"
  }
  /// struct utsname.
  static let resultSystemName = output { call, address in
    guard let system = call.shortString(address), let node = call.shortString(address &+ 65) else {
      return nil
    }
    return "{sysname=\(system), nodename=\(node), ...}"
  }
  /// struct rlimit64 that the call reads.
  static let limit = input { $0.limit($1) }
  /// struct rlimit64 that the call writes.
  static let resultLimit = output { $0.limit($1) }
  /// struct sigaction that the call reads.
  static let action = input { $0.action($1) }
  /// struct sigaction that the call writes.
  static let resultAction = output { $0.action($1) }
  /// stack_t that the call reads.
  static let stack = input { $0.stack($1) }
  /// stack_t that the call writes.
  static let resultStack = output { $0.stack($1) }
  /// siginfo_t.
  static let resultInformation = output { $0.information($1) }

  /// sigset_t that the call reads; another argument is its size.
  static func signals(size: Int) -> ArgumentForm {
    input { $0.arguments[size] == 8 ? $0.signals($1) : nil }
  }

  /// sigset_t that the call writes.
  static let resultSignals = output { $0.signals($1) }

  /// struct iovec[] of what the call reads; the next argument is their number.
  static let vector = input { call, address in
    call.vector(address) { call.shortBytes($0, $1) }
  }
  /// struct iovec[] of what the call has written.
  static let resultVector = output { call, address in
    var rest = call.result ?? 0
    return call.vector(address) { base, length in
      let part = min(rest, length)
      rest -= part
      return call.shortBytes(base, part)
    }
  }.withAddresses
  /// What mincore has found: `[1, 0]`.
  static let resultResidency = output { call, address in
    let count = call.arguments[1] / 4096 + (call.arguments[1] % 4096 == 0 ? 0 : 1)
    return call.bytes(address, Int(min(count, 32))).map {
      "[" + $0.map { String($0 & 1) }.joined(separator: ", ") + (count > 32 ? ", ...]" : "]")
    }
  }
  /// cpu_set_t: `[0 1]`.
  static let resultCores = output { call, address in
    call.bytes(address, Int(min(call.result ?? 0, 128))).map { bytes in
      let cores = (0..<bytes.count * 8).filter { bytes[$0 / 8] >> UInt8($0 % 8) & 1 != 0 }
      return "[" + cores.map { String($0) }.joined(separator: " ") + "]"
    }
  }
  /// What getdents64 has written.
  static let resultEntries = output { call, address in
    let size = Int(min(call.result ?? 0, 1 << 20))
    guard let bytes = call.bytes(address, size) else { return nil }
    var count = 0
    var at = 0
    while at + 19 <= size {
      let length = Int(bytes[at + 16]) | Int(bytes[at + 17]) << 8
      if length == 0 { break }
      count += 1
      at += length
    }
    return "\(hex(address)) /* \(count) entr\(count == 1 ? "y" : "ies") */"
  }
}

extension SystemCallTrace {
  fileprivate func time(_ address: UInt64, _ unit: String) -> String? {
    words(address, 2, of: UInt64.self).map {
      "{tv_sec=\(Self.signed($0[0])), tv_\(unit)=\($0[1])}"
    }
  }

  fileprivate static func fileMode(_ mode: UInt64) -> String {
    NameTable.fileKind.name(mode & 0o170000) + NameTable.fileModeBits.more(mode & 0o7000)
      + "|" + octal(mode & 0o777)
  }

  func usage(_ address: UInt64) -> String? {
    guard let user = time(address, "usec"), let system = time(address &+ 16, "usec") else {
      return nil
    }
    return "{ru_utime=\(user), ru_stime=\(system), ...}"
  }

  fileprivate func limit(_ address: UInt64) -> String? {
    func text(_ value: UInt64) -> String {
      if value == .max { return "RLIM64_INFINITY" }
      return value > 1024 && value % 1024 == 0 ? "\(value / 1024)*1024" : String(value)
    }
    return words(address, 2, of: UInt64.self).map {
      "{rlim_cur=\(text($0[0])), rlim_max=\(text($0[1]))}"
    }
  }

  fileprivate func action(_ address: UInt64) -> String? {
    guard let words = words(address, 3, of: UInt64.self) else { return nil }
    let handlers = ["SIG_DFL", "SIG_IGN"]
    let handler = words[0] < 2 ? handlers[Int(words[0])] : hex(words[0])
    return "{sa_handler=\(handler), sa_mask=\(Self.signals(words[2])), "
      + "sa_flags=\(NameTable.action.flags(words[1]))}"
  }

  fileprivate func stack(_ address: UInt64) -> String? {
    words(address, 3, of: UInt64.self).map {
      "{ss_sp=\(Self.pointer($0[0])), "
        + "ss_flags=\(NameTable.alternateStack.flags($0[1] & 0xffff_ffff)), ss_size=\($0[2])}"
    }
  }

  func signals(_ address: UInt64) -> String? {
    words(address, 1, of: UInt64.self).map { Self.signals($0[0]) }
  }

  /// `[INT CHLD]`, or `~[KILL STOP]` where most are in the set.
  static func signals(_ set: UInt64) -> String {
    let isInverted = set.nonzeroBitCount >= 42
    let shown = isInverted ? ~set : set
    let names = (1...64).filter { shown >> UInt64($0 - 1) & 1 != 0 }.map {
      String(signal(Int32($0)).dropFirst(3))
    }
    return (isInverted ? "~" : "") + "[" + names.joined(separator: " ") + "]"
  }

  func information(_ address: UInt64) -> String? {
    guard let words = words(address, 8, of: Int32.self) else { return nil }
    // waitid found none.
    guard let signal = Signal(rawValue: words[0]) else { return "{}" }
    let codes: [SignalInformation.Code] = [.user, .thread, .exited, .killed]
    guard let code = codes.first(where: { $0.number == words[2] }) else { return nil }
    var information = SignalInformation(signal, code)
    information.sender = words[4]
    information.status = words[6]
    return Self.text(of: information)
  }

  /// `{si_signo=SIGINT, si_code=SI_USER, si_pid=2, si_uid=0}`.
  static func text(of information: SignalInformation) -> String {
    let signal = information.signal.rawValue
    var text = "{si_signo=\(Self.signal(signal)), si_code=\(information.code.name)"
    if let address = information.address {
      text += ", si_addr=\(pointer(address))"
    } else {
      switch information.code {
      case .user, .thread: text += ", si_pid=\(information.sender), si_uid=0"
      case .exited, .killed:
        let status =
          information.code == .exited
          ? String(information.status) : Self.signal(information.status)
        text += ", si_pid=\(information.sender), si_uid=0, si_status=\(status)"
        text += ", si_utime=0, si_stime=0"
      // SIGILL, SIGTRAP, SIGBUS, SIGFPE and SIGSEGV have an address, if only none.
      default: text += [4, 5, 7, 8, 11].contains(signal) ? ", si_addr=NULL" : ""
      }
    }
    return text + "}"
  }

  fileprivate func vector(
    _ address: UInt64, _ content: (UInt64, UInt64) -> String?
  ) -> String? {
    let count = arguments[2]
    if count == 0 { return "[]" }
    // As many as Linux takes.
    guard count <= 1024, let words = words(address, Int(count) * 2, of: UInt64.self) else {
      return nil
    }
    let parts = (0..<Int(min(count, 32))).map {
      let (base, length) = (words[2 * $0], words[2 * $0 + 1])
      let shown = base == 0 ? "NULL" : content(base, length) ?? hex(base)
      return "{iov_base=\(shown), iov_len=\(length)}"
    }
    return "[" + parts.joined(separator: ", ") + (count > 32 ? ", ...]" : "]")
  }

  /// The ranges of an iovec[] whose content is of no use.
  fileprivate func emptyVector(_ address: UInt64) -> String? {
    vector(address) { base, _ in Self.pointer(base) }
  }
}

extension ArgumentForm {
  /// An iovec[] that shows its addresses if the call failed.
  fileprivate var withAddresses: ArgumentForm {
    let text = text
    return ArgumentForm(
      { call, address in
        (call.isError ? call.emptyVector(address) : nil) ?? text(call, address)
      }, isResult: true)
  }
}
