import MMUMemory
import MMUTiming

/// A pipe: some KiB that are written at one end and read at the other.
///
/// A pipe of pipe2 counts in pages, as Linux's: each write begins a page of its own unless its odd bytes
/// fit behind the last one, and a page is free again when all of it has been read.
/// Each end is one open file; when the last descriptor of an end goes, those who wait at the other end
/// are woken.
final class Pipe {
  /// Bytes a pipe of pipe2 holds: Linux's 16 pages.
  static var defaultCapacity: Int { 65536 }
  /// PIPE_BUF: writes of at most so many bytes are never taken apart.
  static var atomic: UInt64 { 4096 }

  /// Bytes it holds at most.
  private(set) var capacity: Int
  private var bytes: UnsafeMutableRawPointer
  private var start = 0
  /// Bytes that wait to be read.
  private(set) var count = 0
  /// The part of each page in use that waits to be read; nil if it does not count in pages.
  private var pages: [Range<Int>]?
  /// Open files for each end.
  private(set) var readers = 1
  private(set) var writers = 1
  let readQueue = WaitQueue()
  let writeQueue = WaitQueue()
  unowned let kernel: Kernel

  /// Makes one that counts in bytes, or without a capacity one of pipe2.
  init(_ kernel: Kernel, capacity: Int? = nil) {
    self.kernel = kernel
    self.capacity = capacity ?? Pipe.defaultCapacity
    if capacity == nil { pages = [] }
    bytes = .allocate(byteCount: self.capacity, alignment: 64)
  }

  deinit { bytes.deallocate() }

  /// Bytes left.
  private var room: Int { capacity - count }

  /// Whether bytes go in and out by pages, of which a bad address spoils all.
  var isPaged: Bool { pages != nil }

  /// The bytes one step of a write of `total` takes, `left` of which are to be written; 0 if it has to
  /// wait.
  func step(total: UInt64, left: UInt64) -> Int {
    guard let pages else {
      let needed = total <= Pipe.atomic ? Int(left) : 1
      return room < needed ? 0 : Int(min(left, UInt64(room)))
    }
    let odd = Int(total & 4095)
    if left == total && odd != 0, let last = pages.last, last.upperBound + odd <= 4096 {
      return odd
    }
    return pages.count * 4096 < capacity ? Int(min(left, 4096)) : 0
  }

  /// Adds the bytes of a step, the first of a write of `total` or a later one.
  func put(_ source: UnsafeRawPointer, _ length: Int, total: UInt64, isFirst: Bool) {
    let end = (start + count) % capacity
    let first = min(length, capacity - end)
    (bytes + end).copyMemory(from: source, byteCount: first)
    if first < length { bytes.copyMemory(from: source + first, byteCount: length - first) }
    count += length
    guard let pages else { return }
    if isFirst && length == Int(total & 4095), let last = pages.last,
      last.upperBound + length <= 4096
    {
      self.pages?[pages.count - 1] = last.lowerBound..<last.upperBound + length
    } else {
      self.pages?.append(0..<length)
    }
  }

  /// Bytes from the `skipped`th on, up to the `end`th, as far as they stand together.
  func part(_ skipped: Int, _ end: Int) -> UnsafeRawBufferPointer {
    let from = (start + skipped) % capacity
    return UnsafeRawBufferPointer(
      start: bytes + from, count: min(end - skipped, capacity - from))
  }

  /// The bytes of the next page.
  var pageCount: Int { pages?.first?.count ?? count }

  /// Takes bytes away.
  func drop(_ length: Int) {
    start = (start + length) % capacity
    count -= length
    guard let first = pages?.first else { return }
    if first.count == length {
      pages?.removeFirst()
    } else {
      pages?[0] = first.lowerBound + length..<first.upperBound
    }
  }

  /// F_SETPIPE_SZ: changes the capacity to a power of two of pages, which it returns.
  ///
  /// - Throws: EBUSY if more is in use, EINVAL for more than 2 GiB, EBADF if it is no pipe of pipe2.
  func resize(_ wanted: UInt32) throws(Errno) -> UInt64 {
    guard let pages else { throw .badDescriptor }
    if wanted > 1 << 31 { throw .invalid }
    var size = 4096
    while size < Int(wanted) { size *= 2 }
    if pages.count * 4096 > size { throw .busy }
    // One that nobody can fill need not be had.
    if size > 1 << 24 { throw .noMemory }
    let new = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    let first = part(0, count)
    let rest = part(first.count, count)
    if let base = first.baseAddress { new.copyMemory(from: base, byteCount: first.count) }
    if let base = rest.baseAddress {
      (new + first.count).copyMemory(from: base, byteCount: rest.count)
    }
    bytes.deallocate()
    bytes = new
    start = 0
    capacity = size
    kernel.wakeAll(writeQueue)
    return UInt64(size)
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

  /// Reads what there is into some ranges; waits if there is nothing.
  ///
  /// It stays there if it is not to be taken (MSG_PEEK).
  ///
  /// - Precondition: what stays does not count in pages.
  func readPipe(
    _ pipe: Pipe, _ parts: [(UInt64, UInt64)], waits: Bool, takes: Bool = true
  ) throws(Errno) -> UInt64 {
    let total = parts.reduce(0) { $0 + $1.1 }
    if total == 0 { return 0 }
    if pipe.count == 0 {
      if pipe.writers == 0 { return 0 }
      if !waits { throw .tryAgain }
      throw sleep(on: pipe.readQueue, .pipeData)
    }
    var done: UInt64 = 0
    while done < total && pipe.count > 0 {
      let wanted = Int(min(total - done, UInt64(pipe.pageCount)))
      let copied = scatter(pipe, wanted, to: parts, from: done)
      // A page that could not be delivered stays.
      if pipe.isPaged && copied < wanted { break }
      if takes { pipe.drop(copied) }
      done += UInt64(copied)
      if copied < wanted || !takes { break }
    }
    if done == 0 { throw .badAddress }
    wakeAll(pipe.writeQueue)
    return done
  }

  /// Copies the next bytes of a pipe to some ranges, from their `start`th byte on; how many.
  private func scatter(
    _ pipe: Pipe, _ count: Int, to parts: [(UInt64, UInt64)], from start: UInt64
  ) -> Int {
    var skip = start
    var done = 0
    for (base, length) in parts where done < count {
      if skip >= length {
        skip -= length
        continue
      }
      let end = min(count, done + Int(length - skip))
      var address = base + skip
      while done < end {
        let piece = pipe.part(done, end)
        guard let bytes = piece.baseAddress else { return done }
        let copied = copyOut(bytes, piece.count, to: address)
        done += copied
        address += UInt64(copied)
        if copied < piece.count { return done }
      }
      skip = 0
    }
    return done
  }

  /// Writes all of some ranges, waiting for room as often as it takes; how much, and what stopped it.
  ///
  /// A wait is the call executed again: what has been written stands in the thread.
  func writePipe(
    _ pipe: Pipe, _ parts: [(UInt64, UInt64)], waits: Bool
  ) -> (UInt64, Errno?) {
    guard let thread = currentThread else { return (0, .noProcess) }
    let total = parts.reduce(0) { $0 + $1.1 }
    if total == 0 { return (0, nil) }
    var done = thread.progress.transferred
    while done < total {
      if pipe.readers == 0 {
        pending = SignalInformation(.brokenPipe, .user)
        return (done, .brokenPipe)
      }
      let part = min(pipe.step(total: total, left: total - done), Self.bufferBytes)
      if part == 0 {
        if !waits || thread.hasSignal && done > 0 { return (done, .tryAgain) }
        let error = sleep(on: pipe.writeQueue, .pipeSpace)
        thread.progress.transferred = done
        return (0, error)
      }
      let got = gather(parts, from: done, part)
      // A page with a bad part is not written at all.
      if got == 0 || pipe.isPaged && got < part { return (done, .badAddress) }
      pipe.put(buffer, got, total: total, isFirst: done == 0)
      done += UInt64(got)
      wakeAll(pipe.readQueue)
      if got < part { return (done, .badAddress) }
    }
    return (done, nil)
  }

  /// Copies bytes of some ranges, from the `start`th on, to the buffer; how many.
  private func gather(_ parts: [(UInt64, UInt64)], from start: UInt64, _ count: Int) -> Int {
    var skip = start
    var got = 0
    for (base, length) in parts where got < count {
      if skip >= length {
        skip -= length
        continue
      }
      let wanted = min(count - got, Int(length - skip))
      let copied = copyIn(base + skip, wanted, to: buffer + got)
      got += copied
      if copied < wanted { return got }
      skip = 0
    }
    return got
  }

  /// readv and writev on a pipe: one transfer of all parts.
  func vectorPipe(
    _ pipe: Pipe, _ parts: [(UInt64, UInt64)], writing: Bool, waits: Bool
  ) throws(Errno) -> UInt64 {
    if writing {
      let (done, failure) = writePipe(pipe, parts, waits: waits)
      if done == 0, let failure { throw failure }
      return done
    }
    return try readPipe(pipe, parts, waits: waits)
  }
}
