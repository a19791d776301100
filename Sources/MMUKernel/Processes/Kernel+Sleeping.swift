import MMUTiming

// Waits for a moment of the emulated clock.

extension Kernel {
  /// A duration in cycles, rounded up: never too early.
  func cycles(seconds: UInt64, nanoseconds: UInt64) -> Cycles {
    let rate = configuration.cyclesPerSecond
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: rate)
    let (part, rest) = UInt64(1_000_000_000).dividingFullWidth(
      rate.multipliedFullWidth(by: nanoseconds))
    return overflow ? UInt64.max / 2 : min(whole, .max / 2) + part + (rest > 0 ? 1 : 0)
  }

  /// When a call's wait ends at the latest, by a struct timespec; a call executed again keeps to its
  /// first answer.
  ///
  /// - Parameter address: 0 is a wait without an end.
  /// - Throws: EFAULT, or EINVAL for what is no time.
  func waitEnd(
    _ thread: Thread, _ address: UInt64, isAbsolute: Bool = false, isRealTime: Bool = false
  ) throws(Errno) -> Cycles {
    if address == 0 { return .max }
    if let end = thread.progress.end { return end }
    guard copyIn(address, 16, to: buffer) == 16 else { throw .badAddress }
    let words = buffer.assumingMemoryBound(to: UInt64.self)
    guard Int64(bitPattern: words[0]) >= 0, words[1] < 1_000_000_000 else { throw .invalid }
    var seconds = words[0]
    if isAbsolute && isRealTime { seconds = seconds > Self.epoch ? seconds - Self.epoch : 0 }
    let cycles = cycles(seconds: seconds, nanoseconds: words[1])
    let end = isAbsolute ? cycles : now &+ cycles
    thread.progress.end = end
    return end
  }

  /// nanosleep and clock_nanosleep.
  func nanosleep(
    _ thread: Thread, clock: UInt64, flags: UInt64, _ request: UInt64, _ remainder: UInt64
  ) throws(Errno) -> UInt64 {
    let clock = Int32(truncatingIfNeeded: clock)
    switch clock {
    case 0, 1, 7, 11: break
    case 2: throw unsupported("clock_nanosleep on CPU time", .notSupported)
    // A thread's CPU time, the raw and the coarse ones, and alarms, for which there is no device.
    case 3...6, 8, 9: throw .notSupported
    default: throw .invalid
    }
    let isAbsolute = flags & 1 != 0
    if request == 0 { throw .badAddress }
    let end = try waitEnd(
      thread, request, isAbsolute: isAbsolute, isRealTime: clock == 0 || clock == 11)
    if end <= now { return 0 }
    thread.progress.remainderAddress = isAbsolute ? 0 : remainder
    throw sleep(on: nil, until: end, .sleep, otherwise: .restartNoHandler)
  }
}
