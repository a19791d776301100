import MMUMemory
import MMUTiming

extension Kernel {
  /// Where CLOCK_REALTIME starts: 2025-01-01 00:00:00 UTC, in seconds.
  static var epoch: UInt64 { 1_735_689_600 }

  /// Seconds and nanoseconds of a number of cycles.
  func time(_ cycles: Cycles) -> (seconds: UInt64, nanoseconds: UInt64) {
    let (seconds, rest) = cycles.quotientAndRemainder(dividingBy: configuration.cyclesPerSecond)
    let scaled = rest.multipliedFullWidth(by: 1_000_000_000)
    return (seconds, configuration.cyclesPerSecond.dividingFullWidth(scaled).quotient)
  }

  /// clock_gettime.
  func clockGetTime(
    _ process: Process, _ clock: UInt64, _ address: UInt64
  ) throws(Errno) -> UInt64 {
    var time: (seconds: UInt64, nanoseconds: UInt64)
    switch Int32(truncatingIfNeeded: clock) {
    case 0, 5, 8, 11:
      time = self.time(now)
      time.seconds += Self.epoch
    case 1, 4, 6, 7, 9: time = self.time(now)
    case 2, 3:
      time = self.time(process.userCycles &+ process.systemCycles &+ (now &- trapTime))
    default: throw .invalid
    }
    try copyOut(words: [time.seconds, time.nanoseconds], to: address)
    return 0
  }

  /// clock_getres: a nanosecond, the coarsest the answer can express.
  func clockResolution(_ clock: UInt64, _ address: UInt64) throws(Errno) -> UInt64 {
    guard 0...9 ~= Int32(truncatingIfNeeded: clock) || clock == 11 else { throw .invalid }
    if address != 0 { try copyOut(words: [0, 1], to: address) }
    return 0
  }

  /// gettimeofday; the time zone is UTC.
  func getTimeOfDay(_ time: UInt64, _ zone: UInt64) throws(Errno) -> UInt64 {
    let (seconds, nanoseconds) = self.time(now)
    if time != 0 { try copyOut(words: [seconds + Self.epoch, nanoseconds / 1000], to: time) }
    if zone != 0 { try copyOut(words: [0], to: zone) }
    return 0
  }

  /// getrandom, from the seeded generator.
  func getRandom(_ address: UInt64, _ count: UInt64, _ flags: UInt64) throws(Errno) -> UInt64 {
    let flags = UInt32(truncatingIfNeeded: flags)
    if flags & ~7 != 0 || flags & 6 == 6 { throw .invalid }
    let count = min(count, Self.maximumTransfer)
    if !isUserRange(address, count) { throw .badAddress }
    var done: UInt64 = 0
    while done < count {
      let part = Int(min(count - done, 256))
      var offset = 0
      while offset < part {
        buffer.storeBytes(of: random.next().littleEndian, toByteOffset: offset, as: UInt64.self)
        offset += 8
      }
      let copied = copyOut(buffer, part, to: address + done)
      done += UInt64(copied)
      if copied < part {
        if done == 0 { throw .badAddress }
        break
      }
    }
    return done
  }

  /// getrusage of the process, its thread (as the process), or the children it waited for.
  func getUsage(_ process: Process, _ who: UInt64, _ address: UInt64) throws(Errno) -> UInt64 {
    var words = [UInt64](repeating: 0, count: 18)
    switch Int32(truncatingIfNeeded: who) {
    case 0, 1:
      let user = self.time(process.userCycles)
      let system = self.time(process.systemCycles &+ (now &- trapTime))
      words[0] = user.seconds
      words[1] = user.nanoseconds / 1000
      words[2] = system.seconds
      words[3] = system.nanoseconds / 1000
      words[4] = process.maxResidentPages * 4
      words[8] = process.minorFaults
      words[9] = process.majorFaults
    case -1: words = usageWords(process.childUsage)
    default: throw .invalid
    }
    try copyOut(words: words, to: address)
    return 0
  }

  /// times, in hundredths of a second.
  func times(_ process: Process, _ address: UInt64) throws(Errno) -> UInt64 {
    let tick = configuration.cyclesPerSecond / 100
    let children = process.childUsage
    if address != 0 {
      let words = [
        process.userCycles, process.systemCycles, children.userCycles, children.systemCycles,
      ]
      try copyOut(words: words.map { $0 / tick }, to: address)
    }
    return now / tick
  }

  /// sysinfo: struct sysinfo with mem_unit 1.
  func systemInformation(_ address: UInt64) throws(Errno) -> UInt64 {
    var words = [UInt64](repeating: 0, count: 14)
    words[0] = time(now).seconds
    words[4] = system.memory.frameCount * 4096
    words[5] = system.frames.available * 4096
    if let swap = system.swap, swap.isOn {
      words[8] = swap.capacity * 4096
      words[9] = swap.free * 4096
    }
    words[10] = UInt64(threadTable.count)
    words[13] = 1
    try copyOut(words: words, to: address)
    return 0
  }

  /// uname.
  func uname(_ address: UInt64) throws(Errno) -> UInt64 {
    let fields = ["Linux", "mmuemu", "6.18.0-mmuemu", "#1 SMP", "riscv64", "(none)"]
    let count = 65 * fields.count
    var bytes = [UInt8](repeating: 0, count: count)
    for (i, field) in fields.enumerated() {
      for (j, byte) in field.utf8.enumerated() { bytes[65 * i + j] = byte }
    }
    guard isUserRange(address, UInt64(count)) else { throw .badAddress }
    let done = bytes.withUnsafeBytes { copyOut($0.baseAddress!, count, to: address) }
    if done != count { throw .badAddress }
    return 0
  }

  /// prctl: PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_THP_DISABLE, PR_SET_NAME and their GETs.
  func control(
    _ process: Process, _ option: UInt64, _ a1: UInt64, _ a2: UInt64, _ a3: UInt64, _ a4: UInt64
  ) throws(Errno) -> UInt64 {
    switch Int32(truncatingIfNeeded: option) {
    case 1:
      if a1 > 64 { throw .invalid }
      process.parentDeathSignal = Signal(rawValue: Int32(a1))
      return 0
    case 2:
      var value = (process.parentDeathSignal?.rawValue ?? 0).littleEndian
      guard copyOut(&value, 4, to: a1) == 4 else { throw .badAddress }
      return 0
    case 36:
      process.isSubreaper = a1 != 0
      return 0
    case 37:
      var value: Int32 = process.isSubreaper ? 1 : 0
      guard copyOut(&value, 4, to: a1) == 4 else { throw .badAddress }
      return 0
    case 41:
      if a2 | a3 | a4 != 0 { throw .invalid }
      process.space?.forbidsHugePages = a1 != 0
      return 0
    case 42:
      if a1 | a2 | a3 | a4 != 0 { throw .invalid }
      return process.isHugePageDisabled ? 1 : 0
    case 15:
      var name: [UInt8] = []
      while name.count < 15 {
        guard copyIn(a1 &+ UInt64(name.count), 1, to: buffer) == 1 else { throw .badAddress }
        let byte = buffer.load(as: UInt8.self)
        if byte == 0 { break }
        name.append(byte)
      }
      process.name = String(decoding: name, as: UTF8.self)
      return 0
    case 16:
      var bytes = Array(process.name.utf8.prefix(15))
      bytes += repeatElement(0, count: 16 - bytes.count)
      let done = bytes.withUnsafeBytes { copyOut($0.baseAddress!, 16, to: a1) }
      if done != 16 { throw .badAddress }
      return 0
    case let other: throw unsupported("prctl option \(other)", .invalid)
    }
  }
}
