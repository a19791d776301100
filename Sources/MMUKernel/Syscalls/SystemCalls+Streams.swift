import MMUMemory
import MMUTiming

// Descriptors that are the host's streams: descriptor 0, 1 and 2 at the start of a run.

extension Kernel {
  /// One read of the host, delivered as far as the program's buffer can be written.
  ///
  /// What cannot be delivered is kept for the next read.
  func receive(
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

  /// Writes a part of the program's memory to the host: how much of it, and what stopped it.
  func send(
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
          pending = SignalInformation(.fileSizeLimit, .user)
          say(.limit, "the program wrote more than \(configuration.outputLimit) bytes of output")
          return (sent, .fileTooLarge)
        }
        let n = host.write(
          stream, from: UnsafeRawBufferPointer(start: buffer + written, count: got - written))
        if n < 0 {
          let error = Errno(rawValue: -Int64(n)) ?? .inputOutput
          if error == .brokenPipe { pending = SignalInformation(.brokenPipe, .user) }
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
}
