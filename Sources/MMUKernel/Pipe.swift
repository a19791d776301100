import MMUMemory
import MMUTiming

/// A pipe: some KiB that are written at one end and read at the other.
///
/// Each end is one open file; when the last descriptor of an end goes, those who wait at the other end
/// are woken.
final class Pipe {
  /// Bytes a pipe of pipe2 holds: Linux's 16 pages.
  static var defaultCapacity: Int { 65536 }
  /// PIPE_BUF: writes of at most so many bytes are never taken apart.
  static var atomic: UInt64 { 4096 }

  /// Bytes it holds.
  let capacity: Int
  private let bytes: UnsafeMutableRawPointer
  private var start = 0
  /// Bytes that wait to be read.
  private(set) var count = 0
  /// Open files for each end.
  private(set) var readers = 1
  private(set) var writers = 1
  let readQueue = WaitQueue()
  let writeQueue = WaitQueue()
  unowned let kernel: Kernel

  init(_ kernel: Kernel, capacity: Int = Pipe.defaultCapacity) {
    self.kernel = kernel
    self.capacity = capacity
    bytes = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { bytes.deallocate() }

  var room: Int { capacity - count }

  /// Adds bytes.
  ///
  /// - Precondition: there is room for them.
  func put(_ source: UnsafeRawPointer, _ length: Int) {
    let end = (start + count) % capacity
    let first = min(length, capacity - end)
    (bytes + end).copyMemory(from: source, byteCount: first)
    if first < length { bytes.copyMemory(from: source + first, byteCount: length - first) }
    count += length
  }

  /// The bytes that come next and stand together.
  var head: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes + start, count: min(count, capacity - start))
  }

  /// Takes bytes away.
  func drop(_ length: Int) {
    start = (start + length) % capacity
    count -= length
  }

  /// The last descriptor of an end has gone.
  func close(writing: Bool) {
    if writing {
      writers -= 1
      if writers == 0 { kernel.wakeAll(readQueue) }
    } else {
      readers -= 1
      if readers == 0 { kernel.wakeAll(writeQueue) }
    }
  }
}

extension Kernel {
  /// pipe2.
  func makePipe(_ process: Process, _ address: UInt64, _ flags: UInt64) throws(Errno) -> UInt64 {
    let flags = UInt32(truncatingIfNeeded: flags)
    if flags & 0x4000 != 0 { throw unsupported("pipe2 with O_DIRECT", .invalid) }
    if flags & ~(OpenFlags.closeOnExec | OpenFlags.nonBlocking) != 0 { throw .invalid }
    let pipe = Pipe(self)
    let status = flags & OpenFlags.nonBlocking
    let reading = OpenFile(system, .pipe(pipe), path: "pipe", flags: status)
    let writing = OpenFile(system, .pipe(pipe), path: "pipe", flags: status | 1)
    return try putPair(
      process, reading, writing, closesOnExec: flags & OpenFlags.closeOnExec != 0, at: address)
  }

  /// Gives two open files descriptors and tells the program their numbers.
  ///
  /// - Throws: EMFILE, EFAULT; both files have been closed then.
  func putPair(
    _ process: Process, _ one: OpenFile, _ other: OpenFile, closesOnExec closes: Bool,
    at address: UInt64
  ) throws(Errno) -> UInt64 {
    let table = process.files.descriptors
    let first: UInt64
    do {
      first = try table.add(one, closesOnExec: closes)
    } catch {
      one.release()
      other.release()
      throw error
    }
    let second: UInt64
    do {
      second = try table.add(other, closesOnExec: closes)
    } catch {
      try table.close(first)
      other.release()
      throw error
    }
    var numbers = (UInt32(first).littleEndian, UInt32(second).littleEndian)
    if copyOut(&numbers, 8, to: address) != 8 {
      try table.close(first)
      try table.close(second)
      throw .badAddress
    }
    return 0
  }

  /// Reads what there is; waits if there is nothing.
  func readPipe(
    _ pipe: Pipe, _ address: UInt64, _ count: UInt64, waits: Bool
  ) throws(Errno) -> UInt64 {
    if count == 0 { return 0 }
    if pipe.count == 0 {
      if pipe.writers == 0 { return 0 }
      if !waits { throw .tryAgain }
      throw sleep(on: pipe.readQueue, .pipeData)
    }
    var done: UInt64 = 0
    while done < count && pipe.count > 0 {
      let head = pipe.head
      let part = min(head.count, Int(min(count - done, UInt64(head.count))))
      guard let base = head.baseAddress else { break }
      let copied = copyOut(base, part, to: address + done)
      pipe.drop(copied)
      done += UInt64(copied)
      if copied < part { break }
    }
    if done == 0 { throw .badAddress }
    wakeAll(pipe.writeQueue)
    return done
  }

  /// Writes all of it, waiting for room as often as it takes; how much, and what stopped it.
  ///
  /// A wait is the call executed again: what has been written stands in the thread.
  func writePipe(
    _ pipe: Pipe, _ address: UInt64, _ count: UInt64, waits: Bool
  ) -> (UInt64, Errno?) {
    guard let thread = currentThread else { return (0, .noProcess) }
    if count == 0 { return (0, nil) }
    var done = thread.transferred
    thread.transferred = 0
    while done < count {
      if pipe.readers == 0 {
        pending = SignalInformation(.brokenPipe, .user)
        return (done, .brokenPipe)
      }
      let left = count - done
      let needed = count <= Pipe.atomic ? Int(left) : 1
      if pipe.room < needed {
        if !waits || thread.hasSignal && done > 0 { return (done, .tryAgain) }
        let error = sleep(on: pipe.writeQueue, .pipeSpace)
        thread.transferred = thread.state == .blocked ? done : 0
        return (0, error)
      }
      let part = Int(min(left, UInt64(pipe.room), UInt64(Self.bufferBytes)))
      let got = copyIn(address + done, part, to: buffer)
      if got == 0 { return (done, .badAddress) }
      pipe.put(buffer, got)
      done += UInt64(got)
      wakeAll(pipe.readQueue)
      // The bytes before a bad page are written, and no more.
      if got < part { return (done, .badAddress) }
    }
    return (done, nil)
  }

  /// readv and writev on a pipe: one transfer of all parts.
  func vectorPipe(
    _ pipe: Pipe, _ parts: [(UInt64, UInt64)], writing: Bool, waits: Bool
  ) throws(Errno) -> UInt64 {
    var moved: UInt64 = 0
    let resumed = currentThread?.transferred ?? 0
    var skip = writing ? resumed : 0
    currentThread?.transferred = 0
    for (base, length) in parts where length > 0 {
      if skip >= length {
        skip -= length
        moved += length
        continue
      }
      var done: UInt64 = 0
      var failure: Errno?
      if writing {
        (done, failure) = writePipe(pipe, base + skip, length - skip, waits: waits)
        if failure == .restartSystem, let thread = currentThread, thread.state == .blocked {
          // `moved` is what earlier parts have moved; the wait goes on behind it.
          thread.transferred += moved + skip
          throw .restartSystem
        }
      } else {
        if moved > 0 && pipe.count == 0 { return moved }
        do { done = try readPipe(pipe, base, length, waits: waits) } catch { failure = error }
      }
      moved += done + skip
      skip = 0
      if let failure {
        if moved == 0 { throw failure }
        return moved
      }
      if !writing && done < length { return moved }
    }
    return moved
  }
}
