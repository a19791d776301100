import MMUMemory
import MMUPaging
import MMUTiming

/// What a futex is known by: a word of one address space, or of a shared page.
struct FutexKey: Hashable {
  /// The address space; nil if `place` is a physical address.
  var space: ObjectIdentifier?
  var place: UInt64
}

extension Kernel {
  /// futex: FUTEX_WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAIT_BITSET and WAKE_BITSET.
  func futex(
    _ thread: Thread, _ address: UInt64, _ operation: UInt64, _ value: UInt64, _ timeout: UInt64,
    _ second: UInt64, _ third: UInt64
  ) throws(Errno) -> UInt64 {
    let operation = UInt32(truncatingIfNeeded: operation)
    let command = operation & 0x7f
    if address & 3 != 0 { throw .invalid }
    switch command {
    case 0, 9:
      if command == 9 && UInt32(truncatingIfNeeded: third) != .max {
        throw unsupported("futex FUTEX_WAIT_BITSET with a bit set", .notImplemented)
      }
      let end = try futexEnd(thread, timeout, isAbsolute: command == 9, operation)
      if thread.wasWoken {
        thread.wasWoken = false
        thread.sleepEnd = nil
        return 0
      }
      guard let word = try futexWord(address), word == UInt32(truncatingIfNeeded: value) else {
        thread.sleepEnd = nil
        throw .tryAgain
      }
      if now >= end {
        thread.sleepEnd = nil
        throw .timedOut
      }
      let key = try futexKey(address)
      if thread.hasSignal { throw .restartSystem }
      let queue = futexes[key] ?? WaitQueue()
      futexes[key] = queue
      throw sleep(on: queue, until: end, .futex(address))
    case 1, 10:
      if command == 10 && UInt32(truncatingIfNeeded: third) != .max {
        throw unsupported("futex FUTEX_WAKE_BITSET with a bit set", .notImplemented)
      }
      _ = try futexKey(address)
      return UInt64(wakeFutex(address, max(1, Int32(truncatingIfNeeded: value)), .max))
    case 3, 4:
      if second & 3 != 0 { throw .invalid }
      if command == 4, try futexWord(address) != UInt32(truncatingIfNeeded: third) {
        throw .tryAgain
      }
      let key = try futexKey(address)
      let target = try futexKey(second)
      let woken = wakeFutex(address, Int32(truncatingIfNeeded: value), .max)
      var moved: UInt64 = 0
      let limit = UInt64(UInt32(truncatingIfNeeded: timeout))
      if key != target, let queue = futexes[key] {
        let other = futexes[target] ?? WaitQueue()
        while moved < limit, let waiter = queue.first {
          queue.remove(waiter)
          other.append(waiter)
          waiter.reason = .futex(second)
          moved += 1
        }
        futexes[target] = other.isEmpty ? nil : other
        if queue.isEmpty { futexes[key] = nil }
      }
      return UInt64(woken) + moved
    default: throw unsupported("futex operation \(command)", .notImplemented)
    }
  }

  /// When a wait ends at the latest.
  private func futexEnd(
    _ thread: Thread, _ timeout: UInt64, isAbsolute: Bool, _ operation: UInt32
  ) throws(Errno) -> Cycles {
    if timeout == 0 { return .max }
    if let end = thread.sleepEnd { return end }
    guard copyIn(timeout, 16, to: buffer) == 16 else { throw .badAddress }
    let words = buffer.assumingMemoryBound(to: UInt64.self)
    guard Int64(bitPattern: words[0]) >= 0, words[1] < 1_000_000_000 else { throw .invalid }
    var seconds = words[0]
    // FUTEX_CLOCK_REALTIME.
    if isAbsolute && operation & 256 != 0 {
      seconds = seconds > Self.epoch ? seconds - Self.epoch : 0
    }
    let rate = configuration.cyclesPerSecond
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: rate)
    let (part, rest) = UInt64(1_000_000_000).dividingFullWidth(
      rate.multipliedFullWidth(by: words[1]))
    let cycles = overflow ? UInt64.max / 2 : min(whole, .max / 2) + part + (rest > 0 ? 1 : 0)
    let end = isAbsolute ? cycles : now &+ cycles
    thread.sleepEnd = end
    return end
  }

  private func futexWord(_ address: UInt64) throws(Errno) -> UInt32? {
    var word: UInt32 = 0
    guard copyIn(address, 4, to: &word) == 4 else { throw .badAddress }
    return UInt32(littleEndian: word)
  }

  /// The key of a word, which a page of shared memory has in common with other processes.
  private func futexKey(_ address: UInt64) throws(Errno) -> FutexKey {
    guard isUserRange(address, 4), let space = current?.space else { throw .badAddress }
    // Makes the page present, so that a shared one has its frame.
    _ = try futexWord(address)
    if let area = space.area(at: VirtualAddress(truncating: address)), area.isShared,
      let entry = space.tables.existingEntry(for: address)?.pointee
    {
      return FutexKey(space: nil, place: entry & PageTableEntry.addressMask | address & 4095)
    }
    return FutexKey(space: ObjectIdentifier(space), place: address)
  }

  /// Wakes up to `count` of those that wait at a word; how many that were.
  @discardableResult
  func wakeFutex(_ address: UInt64, _ count: Int32, _ mask: UInt32) -> Int32 {
    guard let key = try? futexKey(address), let queue = futexes[key] else { return 0 }
    var woken: Int32 = 0
    while woken < count, let thread = queue.first {
      thread.wasWoken = true
      wake(thread)
      woken += 1
    }
    if queue.isEmpty { futexes[key] = nil }
    return woken
  }

  /// Forgets the queues of an address space that goes: nobody waits there any more.
  func dropFutexes(of space: AddressSpace) {
    if futexes.isEmpty { return }
    let owner = ObjectIdentifier(space)
    futexes = futexes.filter { $0.key.space != owner }
  }
}
