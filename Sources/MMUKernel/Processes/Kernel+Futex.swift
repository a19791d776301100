import MMUMemory
import MMUPaging
import MMUTiming

/// What a futex is known by: a word of one address space, or of a shared page.
struct FutexKey: Hashable {
  /// The address space; nil if `place` is a physical address.
  var space: ObjectIdentifier?
  var place: UInt64
  /// FUTEX_PRIVATE_FLAG: such a waiter is not found by those who wake without it.
  var isPrivate: Bool
}

extension Kernel {
  /// futex: FUTEX_WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAIT_BITSET and WAKE_BITSET.
  func futex(
    _ thread: Thread, _ address: UInt64, _ operation: UInt64, _ value: UInt64, _ timeout: UInt64,
    _ second: UInt64, _ third: UInt64
  ) throws(Errno) -> UInt64 {
    let operation = UInt32(truncatingIfNeeded: operation)
    let command = operation & 0x7f
    let isPrivate = operation & 128 != 0
    // FUTEX_CLOCK_REALTIME goes with absolute times only.
    if operation & 256 != 0 && command != 9 { throw .notImplemented }
    let bits = command == 9 || command == 10 ? UInt32(truncatingIfNeeded: third) : .max
    switch command {
    case 0, 9:
      if bits == 0 { throw .invalid }
      if thread.progress.wasWoken { return 0 }
      // Whoever has waited to the end does not look at the word again.
      if let end = thread.progress.end, now >= end { throw .timedOut }
      let end = try waitEnd(
        thread, timeout, isAbsolute: command == 9, isRealTime: operation & 256 != 0)
      let key = try futexKey(address, isPrivate)
      guard let word = try futexWord(address), word == UInt32(truncatingIfNeeded: value) else {
        throw .tryAgain
      }
      if now >= end { throw .timedOut }
      let interrupted: Errno = timeout == 0 ? .restartSystem : .restartNoHandler
      if thread.hasSignal { throw interrupted }
      thread.futexBits = bits
      let queue = futexes[key] ?? WaitQueue()
      futexes[key] = queue
      throw sleep(on: queue, until: end, .futex(address), otherwise: interrupted)
    case 1, 10:
      if bits == 0 { throw .invalid }
      let key = try futexKey(address, isPrivate)
      return UInt64(wakeFutex(key, max(1, Int32(truncatingIfNeeded: value)), bits))
    case 5:
      let key = try futexKey(address, isPrivate)
      let target = try futexKey(second, isPrivate)
      let isMet = try operate(on: second, UInt32(truncatingIfNeeded: third))
      var woken = wakeFutex(key, max(1, Int32(truncatingIfNeeded: value)), .max)
      if isMet { woken += wakeFutex(target, max(1, Int32(truncatingIfNeeded: timeout)), .max) }
      return UInt64(woken)
    case 3, 4:
      let counts = (Int32(truncatingIfNeeded: value), Int32(truncatingIfNeeded: timeout))
      if counts.0 < 0 || counts.1 < 0 { throw .invalid }
      let key = try futexKey(address, isPrivate)
      let target = try futexKey(second, isPrivate)
      if command == 4, try futexWord(address) != UInt32(truncatingIfNeeded: third) {
        throw .tryAgain
      }
      let woken = wakeFutex(key, counts.0, .max)
      var moved: UInt64 = 0
      let limit = UInt64(counts.1)
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

  private func futexWord(_ address: UInt64) throws(Errno) -> UInt32? {
    var word: UInt32 = 0
    guard copyIn(address, 4, to: &word) == 4 else { throw .badAddress }
    return UInt32(littleEndian: word)
  }

  /// The key of a word, which a page of shared memory has in common with other processes.
  private func futexKey(_ address: UInt64, _ isPrivate: Bool) throws(Errno) -> FutexKey {
    if address & 3 != 0 { throw .invalid }
    guard isUserRange(address, 4), let space = current?.space else { throw .badAddress }
    let own = FutexKey(
      space: ObjectIdentifier(space), place: address, isPrivate: isPrivate)
    if isPrivate { return own }
    // Makes the page present, so that a shared one has its frame.
    _ = try futexWord(address)
    if let area = space.area(at: VirtualAddress(truncating: address)), area.isShared,
      let entry = space.tables.view(of: address)
    {
      let place = entry & PageTableEntry.addressMask | address & 4095
      return FutexKey(space: nil, place: place, isPrivate: false)
    }
    return own
  }

  /// FUTEX_WAKE_OP's operation: changes a word and tells whether its old value passes the comparison.
  private func operate(on address: UInt64, _ code: UInt32) throws(Errno) -> Bool {
    func signed(_ field: UInt32) -> Int32 { Int32(bitPattern: field << 20) >> 20 }
    var argument = signed(code >> 12 & 0xfff)
    let comparand = signed(code & 0xfff)
    let kind = code >> 28
    // FUTEX_OP_OPARG_SHIFT.
    if kind & 8 != 0 { argument = 1 << (argument & 31) }
    guard kind & 7 <= 4, code >> 24 & 15 <= 5 else { throw .notImplemented }
    guard let word = try futexWord(address) else { throw .badAddress }
    let old = Int32(bitPattern: word)
    var new: Int32
    switch kind & 7 {
    case 0: new = argument
    case 1: new = old &+ argument
    case 2: new = old | argument
    case 3: new = old & ~argument
    default: new = old ^ argument
    }
    new = new.littleEndian
    guard copyOut(&new, 4, to: address) == 4 else { throw .badAddress }
    switch code >> 24 & 15 {
    case 0: return old == comparand
    case 1: return old != comparand
    case 2: return old < comparand
    case 3: return old <= comparand
    case 4: return old > comparand
    default: return old >= comparand
    }
  }

  /// Wakes one of those that wait at a word without FUTEX_PRIVATE_FLAG: the end of a thread.
  func wakeFutex(_ address: UInt64) {
    guard let key = try? futexKey(address, false) else { return }
    wakeFutex(key, 1, .max)
  }

  /// Wakes up to `count` of those that wait for any of some bits; how many that were.
  @discardableResult
  private func wakeFutex(_ key: FutexKey, _ count: Int32, _ bits: UInt32) -> Int32 {
    guard let queue = futexes[key] else { return 0 }
    var woken: Int32 = 0
    var waiter = queue.first
    while woken < count, let thread = waiter {
      waiter = thread.next
      if thread.futexBits & bits == 0 { continue }
      thread.progress.wasWoken = true
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
