import MMUMemory
import MMUTiming

// Stream sockets in pairs: socketpair(AF_UNIX), Linux's net/unix/af_unix.c as far as two ends in one
// machine need it. Each direction is a pipe.

/// One end of a pair of connected stream sockets.
final class Socket {
  /// Bytes on their way in one direction: Linux's default send buffer, without its overhead.
  static var capacity: Int { 212_992 }

  /// What the peer has sent.
  let incoming: Pipe
  /// What goes to the peer.
  let outgoing: Pipe
  /// The other end, until it is closed.
  private unowned(unsafe) var peer: Socket?
  private var receives = true
  private var sends = true
  /// Reported once by the next transfer: the peer went without reading all.
  private var failure: Errno?

  private init(_ incoming: Pipe, _ outgoing: Pipe) {
    self.incoming = incoming
    self.outgoing = outgoing
  }

  /// Two ends that know each other.
  static func pair(_ kernel: Kernel) -> (Socket, Socket) {
    let one = Pipe(kernel, capacity: capacity)
    let other = Pipe(kernel, capacity: capacity)
    let first = Socket(one, other)
    let second = Socket(other, one)
    first.peer = second
    second.peer = first
    return (first, second)
  }

  /// Reports what has happened to the connection.
  ///
  /// - Throws: ECONNRESET once, before anything else is read or written; EPIPE for a write after the
  ///   end of this direction.
  func check(writing: Bool) throws(Errno) {
    if let failure, writing || incoming.count == 0 {
      self.failure = nil
      throw failure
    }
    if writing && !sends { throw .brokenPipe }
  }

  /// shutdown: ends one direction, or both; what has been sent stays.
  func shutDown(receiving: Bool, sending: Bool) {
    if receiving && receives {
      receives = false
      incoming.close(writing: false)
      // The peer cannot send any more; who waits for data here has nothing to wait for.
      peer?.shutDown(receiving: false, sending: true)
    }
    if sending && sends {
      sends = false
      outgoing.close(writing: true)
    }
  }

  /// The last descriptor has gone.
  func close() {
    let isUnread = incoming.count > 0
    shutDown(receiving: true, sending: true)
    if isUnread { peer?.failure = .connectionReset }
    peer?.peer = nil
    peer = nil
  }
}

extension Kernel {
  /// socketpair of stream sockets.
  func makeSocketPair(
    _ process: Process, _ family: UInt64, _ type: UInt64, _ number: UInt64, at address: UInt64
  ) throws(Errno) -> UInt64 {
    let type = UInt32(truncatingIfNeeded: type)
    let flags = type & ~15
    if flags & ~(OpenFlags.closeOnExec | OpenFlags.nonBlocking) != 0 { throw .invalid }
    let table = process.files.descriptors
    if table.count + 2 > table.limit { throw .tooManyFiles }
    if Int32(truncatingIfNeeded: family) != 1 { throw .noAddressFamily }
    if type & 15 > 10 { throw .invalid }
    let number = Int32(truncatingIfNeeded: number)
    if number != 0 && number != 1 { throw .noProtocol }
    guard type & 15 == 1 else {
      if type & 15 == 2 || type & 15 == 3 || type & 15 == 5 {
        throw unsupported("socketpair of type \(type & 15), not SOCK_STREAM", .noSocketType)
      }
      throw .noSocketType
    }
    let (one, other) = Socket.pair(self)
    let status = flags & OpenFlags.nonBlocking | 2
    let first = OpenFile(system, .socket(one), path: "socket", flags: status)
    let second = OpenFile(system, .socket(other), path: "socket", flags: status)
    return try putPair(
      process, first, second, closesOnExec: flags & OpenFlags.closeOnExec != 0, at: address)
  }

  /// Takes what the peer has sent; waits if there is nothing.
  func receive(
    _ socket: Socket, _ address: UInt64, _ count: UInt64, waits: Bool
  ) throws(Errno) -> UInt64 {
    try check(socket, writing: false)
    return try readPipe(socket.incoming, [(address, count)], waits: waits)
  }

  /// Sends all of it, waiting for room as often as it takes; how much, and what stopped it.
  func send(
    _ socket: Socket, _ address: UInt64, _ count: UInt64, waits: Bool
  ) -> (UInt64, Errno?) {
    do throws(Errno) { try check(socket, writing: true) } catch { return (0, error) }
    return writePipe(socket.outgoing, [(address, count)], waits: waits)
  }

  /// Lets a transfer hear what has happened to the connection; EPIPE raises SIGPIPE.
  func check(_ socket: Socket, writing: Bool) throws(Errno) {
    do throws(Errno) {
      try socket.check(writing: writing)
    } catch {
      if error == .brokenPipe { pending = SignalInformation(.brokenPipe, .user) }
      throw error
    }
  }

  private func socket(
    _ process: Process, _ descriptor: UInt64
  ) throws(Errno) -> (OpenFile, Socket) {
    let file = try process.files.descriptors.file(descriptor)
    guard case .socket(let socket) = file.content else { throw .notSocket }
    return (file, socket)
  }

  /// sendto without an address: send.
  func send(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64, flags: UInt64,
    to target: UInt64
  ) throws(Errno) -> UInt64 {
    let (file, socket) = try socket(process, descriptor)
    let flags = UInt32(truncatingIfNeeded: flags)
    if !isUserRange(address, count) { throw .badAddress }
    // MSG_DONTWAIT 0x40, MSG_EOR 0x80, MSG_NOSIGNAL 0x4000, MSG_MORE 0x8000.
    if flags & ~0xc0c0 != 0 {
      throw unsupported("sendto with flags \(hex(UInt64(flags)))", .notSupported)
    }
    if target != 0 { throw .isConnected }
    let (done, error) = send(
      socket, address, min(count, Self.maximumTransfer), waits: file.waits && flags & 0x40 == 0)
    if error == .brokenPipe && flags & 0x4000 != 0 { pending = nil }
    if done == 0, let error { throw error }
    return done
  }

  /// recvfrom: recv; a peer of a pair has no address to tell.
  func receive(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64, flags: UInt64,
    from source: UInt64, _ length: UInt64
  ) throws(Errno) -> UInt64 {
    let (file, socket) = try socket(process, descriptor)
    let flags = UInt32(truncatingIfNeeded: flags)
    if !isUserRange(address, count) { throw .badAddress }
    // MSG_PEEK 2, MSG_TRUNC 0x20, MSG_DONTWAIT 0x40, MSG_WAITALL 0x100, MSG_NOSIGNAL 0x4000.
    if flags & ~0x4162 != 0 {
      throw unsupported("recvfrom with flags \(hex(UInt64(flags)))", .invalid)
    }
    let waits = file.waits && flags & 0x40 == 0
    try check(socket, writing: false)
    let pipe = socket.incoming
    let isAll = flags & 0x100 != 0
    // A writer may keep PIPE_BUF bytes back until they fit as a whole.
    if isAll && waits && count > UInt64(pipe.capacity) - Pipe.atomic {
      throw unsupported("recvfrom with MSG_WAITALL of more than a socket holds", .invalid)
    }
    let wanted = isAll ? max(count, 1) : 1
    if pipe.count < wanted && pipe.writers > 0 && (waits || pipe.count == 0) {
      throw waits ? sleep(on: pipe.readQueue, .pipeData) : .tryAgain
    }
    let done = try readPipe(
      pipe, [(address, min(count, Self.maximumTransfer))], waits: waits, takes: flags & 2 == 0)
    if source != 0 {
      var none: UInt32 = 0
      guard copyOut(&none, 4, to: length) == 4 else { throw .badAddress }
    }
    return done
  }

  /// shutdown: SHUT_RD 0, SHUT_WR 1, SHUT_RDWR 2.
  func shutDown(_ process: Process, _ descriptor: UInt64, _ how: UInt64) throws(Errno) -> UInt64 {
    let (_, socket) = try socket(process, descriptor)
    let how = Int32(truncatingIfNeeded: how)
    guard 0...2 ~= how else { throw .invalid }
    socket.shutDown(receiving: how != 1, sending: how != 0)
    return 0
  }
}
