import MMUMemory
import MMUTiming

extension Kernel {
  /// The most bytes one transfer moves: Linux's MAX_RW_COUNT.
  static var maximumTransfer: UInt64 { 0x7fff_f000 }

  /// The stream of a descriptor that is open for the direction asked for.
  private func stream(
    _ process: Process, _ descriptor: UInt64, writing: Bool
  ) throws(Errno) -> HostStream {
    guard let stream = HostStream(rawValue: Int32(truncatingIfNeeded: descriptor)),
      process.openStreams & (1 << UInt8(stream.rawValue)) != 0, (stream != .input) == writing
    else { throw .badDescriptor }
    return stream
  }

  /// read.
  func read(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    let stream = try stream(process, descriptor, writing: false)
    if !isUserRange(address, count) { throw .badAddress }
    return try receive(stream, address, min(count, Self.maximumTransfer))
  }

  /// One read of the host, delivered as far as the program's buffer can be written.
  ///
  /// What cannot be delivered is kept for the next read.
  private func receive(
    _ stream: HostStream, _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    if count == 0 { return 0 }
    let wanted = Int(min(count, UInt64(Self.bufferBytes)))
    let got: Int
    if undelivered.isEmpty {
      got = host.read(stream, into: UnsafeMutableRawBufferPointer(start: buffer, count: wanted))
      if got < 0 { throw Errno(rawValue: -Int64(got)) ?? .inputOutput }
    } else {
      got = min(wanted, undelivered.count)
      undelivered.withUnsafeBytes { buffer.copyMemory(from: $0.baseAddress!, byteCount: got) }
      undelivered.removeFirst(got)
    }
    if got == 0 { return 0 }
    let done = copyOut(buffer, got, to: address)
    if done < got {
      undelivered =
        Array(UnsafeRawBufferPointer(start: buffer + done, count: got - done)) + undelivered
      if done == 0 { throw .badAddress }
    }
    return UInt64(done)
  }

  /// write.
  func write(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    let stream = try stream(process, descriptor, writing: true)
    if !isUserRange(address, count) { throw .badAddress }
    let (sent, error) = send(stream, address, min(count, Self.maximumTransfer))
    if sent == 0, let error { throw error }
    return sent
  }

  /// Writes a part of the program's memory to the host: how much of it, and what stopped it.
  private func send(
    _ stream: HostStream, _ address: UInt64, _ count: UInt64
  ) -> (UInt64, Errno?) {
    var sent: UInt64 = 0
    while sent < count {
      let wanted = Int(min(count - sent, UInt64(Self.bufferBytes)))
      let got = copyIn(address + sent, wanted, to: buffer)
      if got == 0 { return (sent, .badAddress) }
      var written = 0
      while written < got {
        if outputBytes + UInt64(got - written) > configuration.outputLimit {
          pending = SignalInformation(.fileSizeLimit, .kernel)
          say(.limit, "the program wrote more than \(configuration.outputLimit) bytes of output")
          return (sent, .fileTooLarge)
        }
        let n = host.write(
          stream, from: UnsafeRawBufferPointer(start: buffer + written, count: got - written))
        if n < 0 {
          let error = Errno(rawValue: -Int64(n)) ?? .inputOutput
          if error == .brokenPipe { pending = SignalInformation(.brokenPipe, .kernel) }
          return (sent, error)
        }
        written += n
        sent += UInt64(n)
        outputBytes += UInt64(n)
        if n == 0 { return (sent, sent == 0 ? .inputOutput : nil) }
      }
      if got < wanted { return (sent, .badAddress) }
    }
    return (sent, nil)
  }

  /// readv and writev.
  func vector(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64, writing: Bool
  ) throws(Errno) -> UInt64 {
    let stream = try stream(process, descriptor, writing: writing)
    if count > 1024 { throw .invalid }
    if count == 0 { return 0 }
    let bytes = Int(count) * 16
    if !isUserRange(address, UInt64(bytes)) || copyIn(address, bytes, to: buffer) != bytes {
      throw .badAddress
    }
    let words = Array(
      UnsafeBufferPointer(
        start: buffer.assumingMemoryBound(to: UInt64.self), count: Int(count) * 2))
    var parts: [(UInt64, UInt64)] = []
    var total: UInt64 = 0
    for i in 0..<Int(count) {
      let length = words[2 * i + 1]
      if Int64(bitPattern: length) < 0 { throw .invalid }
      if !isUserRange(words[2 * i], length) { throw .badAddress }
      let part = min(length, Self.maximumTransfer - total)
      parts.append((words[2 * i], part))
      total += part
    }
    var done: UInt64 = 0
    for (base, length) in parts where length > 0 {
      if writing {
        let (sent, error) = send(stream, base, length)
        done += sent
        if let error {
          if done == 0 { throw error }
          return done
        }
        if sent < length { return done }
      } else {
        do {
          let got = try receive(stream, base, length)
          done += got
          // A short read is what there was: no second read, which might wait.
          if got < length { return done }
        } catch {
          if done == 0 { throw error }
          return done
        }
      }
    }
    return done
  }

  /// close.
  func close(_ process: Process, _ descriptor: UInt64) throws(Errno) -> UInt64 {
    let number = UInt32(truncatingIfNeeded: descriptor)
    guard number < 3, process.openStreams & (1 << UInt8(number)) != 0 else { throw .badDescriptor }
    process.openStreams &= ~(1 << UInt8(number))
    return 0
  }

  /// lseek: the streams cannot seek.
  func seek(_ process: Process, _ descriptor: UInt64, _ whence: UInt64) throws(Errno) -> UInt64 {
    let number = UInt32(truncatingIfNeeded: descriptor)
    guard number < 3, process.openStreams & (1 << UInt8(number)) != 0 else { throw .badDescriptor }
    if UInt32(truncatingIfNeeded: whence) > 4 { throw .invalid }
    throw .illegalSeek
  }
}
