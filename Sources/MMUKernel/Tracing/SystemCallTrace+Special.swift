// Arguments that only one call has, or that depend on another one.

extension ArgumentForm {
  /// O_RDWR|O_CREAT.
  static let opening = ArgumentForm { _, value in
    let value = value & 0xffff_ffff
    return NameTable.accessMode.name(value & 3) + NameTable.opening.more(value & ~3)
  }
  /// openat's mode, where something may be created.
  static let creationMode = ArgumentForm(
    { call, value in
      call.arguments[2] & 0x40_0040 == 0 ? nil : SystemCallTrace.octal(value & 0xffff)
    }, isOptional: true)
  /// MAP_PRIVATE|MAP_ANONYMOUS.
  static let mapping = ArgumentForm { _, value in
    NameTable.mappingKind.name(value & 15) + NameTable.mapping.more(value & ~15)
  }
  /// mremap's new address, if it has one.
  static let remapTarget = ArgumentForm(
    { call, value in call.arguments[3] & 2 == 0 ? nil : SystemCallTrace.pointer(value) },
    isOptional: true)
  /// statx's flags: how, then what.
  static let extendedStatusFlags = ArgumentForm { _, value in
    let value = value & 0xffff_ffff
    return NameTable.statusSynchronization.name(value & 0x6000)
      + NameTable.place.more(value & ~0x6000)
  }
  /// SOCK_STREAM|SOCK_CLOEXEC.
  static let socketKind = ArgumentForm { _, value in
    let value = value & 0xffff_ffff
    return NameTable.socketKind.name(value & 15) + NameTable.socketFlags.more(value & ~15)
  }

  // MARK: System V shared memory

  static let segmentKey = ArgumentForm { _, value in
    let key = value & 0xffff_ffff
    return key == 0 ? "IPC_PRIVATE" : hex(key)
  }
  /// IPC_CREAT|0600.
  static let segmentFlags = ArgumentForm { _, value in
    let value = value & 0xffff_ffff
    let mode = SystemCallTrace.octal(value & 0o777)
    let flags = value & ~0o777
    return flags == 0 ? mode : NameTable.segment.flags(flags) + "|" + mode
  }
  static let segmentCommand = ArgumentForm { _, value in
    let value = value & 0xffff_ffff
    return value < 4
      ? NameTable.segmentControl.name(value) : NameTable.segmentControlMore.name(value)
  }
  /// struct shmid64_ds, after IPC_STAT.
  static let segmentStatus = output { call, address in
    guard call.arguments[1] & 0xffff_ffff == 2,
      let w = call.words(address, 12, of: UInt64.self)
    else { return nil }
    func low(_ word: UInt64) -> UInt64 { word & 0xffff_ffff }
    return "{shm_perm={uid=\(w[0] >> 32), gid=\(low(w[1])), "
      + "mode=\(SystemCallTrace.octal(w[2] >> 32)), key=\(SystemCallTrace.word(low(w[0]))), "
      + "cuid=\(w[1] >> 32), cgid=\(low(w[2]))}, shm_segsz=\(w[6]), shm_cpid=\(low(w[10])), "
      + "shm_lpid=\(w[10] >> 32), shm_nattch=\(w[11]), shm_atime=\(w[7]), shm_dtime=\(w[8]), "
      + "shm_ctime=\(w[9])}"
  }

  // MARK: Waiting, signals

  /// wait4's status: `[{WIFEXITED(s) && WEXITSTATUS(s) == 3}]`.
  static let waitStatus = output { call, address in
    guard call.result != 0, let status = call.words(address, 1, of: Int32.self)?[0] else {
      return nil
    }
    return status & 127 == 0
      ? "[{WIFEXITED(s) && WEXITSTATUS(s) == \(status >> 8 & 255)}]"
      : "[{WIFSIGNALED(s) && WTERMSIG(s) == \(SystemCallTrace.signal(status & 127))}]"
  }
  /// wait4's struct rusage, if it found a child.
  static let waitUsage = output { $0.result == 0 ? nil : $0.usage($1) }
  /// The mask in rt_sigreturn's frame.
  static let savedMask = ArgumentForm { call, _ in
    "{mask=\(call.signals(call.stackPointer &+ UInt64(Kernel.FrameLayout.mask)) ?? "?")}"
  }
}

extension SystemCallTrace {
  // MARK: clone

  /// clone(child_stack=NULL, flags=SIGCHLD); what the call stores follows.
  var cloneForms: [ArgumentForm] {
    let flags = CloneFlags(rawValue: arguments[0])
    var forms = [
      ArgumentForm { call, flags in
        let bits = flags & 0xffff_ff00
        var shown = bits == 0 ? [] : [NameTable.cloning.flags(bits)]
        if flags & 255 != 0 { shown.append(Self.signal(Int32(flags & 255))) }
        return "child_stack=\(Self.pointer(call.arguments[1])), flags="
          + (shown.isEmpty ? "0" : shown.joined(separator: "|"))
      }
    ]
    if flags.contains(.parentSetTID) {
      forms.append(
        ArgumentForm(
          { call, _ in
            let address = call.arguments[2]
            let number = call.isError ? nil : call.words(address, 1, of: Int32.self)?[0]
            return "parent_tid=" + (number.map { "[\($0)]" } ?? Self.pointer(address))
          }, isResult: true, isOptional: true))
    }
    if flags.contains(.setTLS) {
      forms.append(
        ArgumentForm(
          { call, _ in "tls=\(Self.word(call.arguments[3]))" }, isResult: true, isOptional: true))
    }
    if !flags.isDisjoint(with: [.childSetTID, .childClearTID]) {
      forms.append(
        ArgumentForm(
          { call, _ in "child_tidptr=\(Self.pointer(call.arguments[4]))" }, isResult: true,
          isOptional: true))
    }
    return forms
  }

  // MARK: futex

  /// The operation says which arguments there are.
  var futexForms: [ArgumentForm] {
    let command = arguments[1] & 127
    let head: [ArgumentForm] = [.pointer, Self.futexOperation]
    let isKnown = command <= 13 && arguments[1] & 0xffff_fe00 == 0
    if !isKnown { return head + [.unsignedInt, .word, .word, .word] }
    switch command {
    case 0: return head + [.unsignedInt, .time]
    case 1, 2: return head + [.unsignedInt]
    case 3: return head + [.unsignedInt, .unsignedInt, .pointer]
    case 4, 12: return head + [.unsignedInt, .unsignedInt, .pointer, .unsignedInt]
    case 5: return head + [.unsignedInt, .unsignedInt, .pointer, Self.futexChange]
    case 6, 13:
      return head + [ArgumentForm { call, _ in ArgumentForm.time.text(call, call.arguments[3]) }]
    case 7, 8: return head
    case 9, 11:
      return head + [
        .unsignedInt, .time,
        ArgumentForm { call, address in
          command == 11 ? Self.pointer(address) : Self.futexBits(call.arguments[5])
        },
      ]
    default:
      return head + [
        .unsignedInt, ArgumentForm { call, _ in Self.futexBits(call.arguments[5]) },
      ]
    }
  }

  private static func futexBits(_ value: UInt64) -> String {
    let bits = value & 0xffff_ffff
    return bits == 0xffff_ffff ? "FUTEX_BITSET_MATCH_ANY" : word(bits)
  }

  private static let futexOperation = ArgumentForm { _, value in
    let value = value & 0xffff_ffff
    let command = value & ~384
    // The clock can be chosen only where a time is absolute.
    if command > 13 || value & 256 != 0 && ![9, 11, 13].contains(command) {
      return NameTable("FUTEX_", []).name(value)
    }
    // No private form of it has a name.
    let separator = command == 2 ? "|FUTEX_PRIVATE_FLAG" : "_PRIVATE"
    return NameTable.futex.name(command) + (value & 128 != 0 ? separator : "")
      + (value & 256 != 0 ? "|FUTEX_CLOCK_REALTIME" : "")
  }

  /// FUTEX_WAKE_OP's operation and comparison.
  private static let futexChange = ArgumentForm { _, value in
    let kind = value >> 28 & 7
    let comparison = value >> 24 & 15
    func part(_ table: NameTable, _ value: UInt64, _ count: UInt64, _ shift: Int) -> String {
      value < count
        ? table.name(value) + "<<\(shift)" : "\(hex(value))<<\(shift) /* \(table.prefix)??? */"
    }
    return (value >> 31 & 1 != 0 ? "FUTEX_OP_OPARG_SHIFT<<28|" : "")
      + part(.futexChange, kind, 5, 28) + "|\(word(value >> 12 & 0xfff))<<12|"
      + part(.futexComparison, comparison, 6, 24) + "|\(word(value & 0xfff))"
  }

  // MARK: fcntl, ioctl

  var fileControlForms: [ArgumentForm] {
    let head: [ArgumentForm] = [.int, .name(.fileControl)]
    switch arguments[1] & 0xffff_ffff {
    case 0, 8, 1030, 1031: return head + [.int]
    case 2: return head + [.longFlags(.descriptor)]
    case 4: return head + [.opening]
    case 10: return head + [.signal]
    case 1033: return head + [.longFlags(.seals)]
    case 1, 3, 9, 11, 1025, 1032, 1034: return head
    case let command where [5, 6, 7, 15, 16, 17, 36, 37, 38].contains(command):
      return head + [.pointer]
    default: return head + [.word]
    }
  }

  /// F_GETFD, F_GETFL and F_GET_SEALS return bits, which are named.
  func fileControlResult(_ value: UInt64) -> String {
    switch arguments[1] & 0xffff_ffff {
    case 1: Self.word(value) + (value == 0 ? "" : " (flags \(NameTable.descriptor.flags(value)))")
    case 3:
      Self.word(value) + " (flags \(NameTable.accessMode.name(value & 3))"
        + NameTable.opening.more(value & ~3) + ")"
    case 1034: Self.word(value) + (value == 0 ? "" : " (seals \(NameTable.seals.flags(value)))")
    default: Self.signed(value)
    }
  }

  var deviceForms: [ArgumentForm] {
    let command = ArgumentForm { _, value in
      let value = value & 0xffff_ffff
      if [0x5401, 0x5413, 0x541b, 0x5421].contains(value) { return NameTable.device.name(value) }
      let directions = ["_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"]
      return "_IOC(\(directions[Int(value >> 30)]), \(Self.word(value >> 8 & 255)), "
        + "\(Self.word(value & 255)), \(Self.word(value >> 16 & 0x3fff)))"
    }
    switch arguments[1] & 0xffff_ffff {
    case 0x541b: return [.int, command, .resultInt]
    case 0x5401, 0x5413, 0x5421: return [.int, command, .resultPointer]
    default: return [.int, command, .word]
    }
  }

  // MARK: prctl

  var processControlForms: [ArgumentForm] {
    let option: ArgumentForm = .name(.process)
    switch arguments[0] & 0xffff_ffff {
    case 1: return [option, .signal]
    case 2:
      return [
        option,
        .output { call, address in
          call.words(address, 1, of: Int32.self).map { "[\(Self.signal($0[0]))]" }
        },
      ]
    case 3, 7, 21, 27, 30: return [option]
    case 8, 36: return [option, .unsigned]
    case 15: return [option, Self.taskName]
    case 16: return [option, Self.taskName.afterwards]
    case 37: return [option, .resultInt]
    case 38, 41: return [option, .unsigned, .word, .word, .word]
    default: return [option, .word, .word, .word, .word]
    }
  }

  /// At most 15 bytes.
  private static let taskName = ArgumentForm.input { call, address in
    call.string(address, limit: 15).map { quoted($0.bytes) + ($0.isWhole ? "" : "...") }
  }
}
