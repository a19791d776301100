import MMUMemory
import Testing

@testable import MMUKernel

@Suite struct SocketTests {
  private static let socketpair: UInt64 = 199
  private static let sendto: UInt64 = 206
  private static let recvfrom: UInt64 = 207
  private static let shutdown: UInt64 = 210

  /// A program with sockets 3 and 4; blocking ones unless `flags` say otherwise.
  private func bench(_ flags: UInt64 = 0x800) throws -> Bench {
    let bench = try Bench()
    bench.prepareFiles()
    #expect(bench.call(Self.socketpair, 1, 1 | flags, 0, Bench.data) == 0)
    #expect(bench.loadWord(Bench.data) == 3 | 4 << 32)
    return bench
  }

  private func write(_ bench: Bench, _ fd: UInt64, _ text: String) -> Int64 {
    bench.put(Array(text.utf8), at: Bench.bufferPages)
    return bench.call(Number.write, fd, Bench.bufferPages, UInt64(text.utf8.count))
  }

  private func read(_ bench: Bench, _ fd: UInt64, _ count: UInt64) -> String {
    let got = bench.call(Number.read, fd, Bench.bufferPages + 4096, count)
    if got < 0 { return "error \(-got)" }
    return String(
      decoding: (0..<UInt64(got)).map { bench.load(Bench.bufferPages + 4096 + $0)! }, as: UTF8.self)
  }

  @Test func `what one end writes the other end reads, both ways at once`() throws {
    let bench = try bench()
    #expect(write(bench, 3, "to the right") == 12)
    #expect(write(bench, 4, "to the left") == 11)
    #expect(read(bench, 4, 6) == "to the")
    #expect(read(bench, 3, 100) == "to the left")
    #expect(read(bench, 4, 100) == " right")
    #expect(read(bench, 3, 1) == "error 11")
    #expect(bench.call(FileNumber.lseek, 3, 0, 0) == negative(.illegalSeek))
    #expect(bench.call(FileNumber.fstat, 3, Bench.bufferPages) == 0)
    #expect(bench.loadWord(Bench.bufferPages + 16)! & 0xffff_ffff == 0o140777)
    #expect(bench.finish() == nil)
    #expect(bench.kernel.system.openFiles == 0)
  }

  @Test func `arguments are checked as Linux does`() throws {
    let bench = try bench()
    let pair = Self.socketpair
    #expect(bench.call(pair, 2, 1, 0, Bench.data) == negative(.noAddressFamily))
    #expect(bench.call(pair, 1, 1 | 0x100, 0, Bench.data) == negative(.invalid))
    #expect(bench.call(pair, 1, 11, 0, Bench.data) == negative(.invalid))
    #expect(bench.call(pair, 1, 4, 0, Bench.data) == negative(.noSocketType))
    #expect(bench.call(pair, 1, 1, 17, Bench.data) == negative(.noProtocol))
    #expect(bench.call(pair, 1, 1, 0, 8) == negative(.badAddress))
    #expect(bench.call(Self.sendto, 1, Bench.data, 1, 0, 0, 0) == negative(.notSocket))
    #expect(bench.call(Self.sendto, 3, Bench.data, 1, 0, Bench.data, 8) == negative(.isConnected))
    #expect(bench.call(Self.recvfrom, 9, Bench.data, 1, 0, 0, 0) == negative(.badDescriptor))
    #expect(bench.call(Self.shutdown, 3, 3) == negative(.invalid))
    #expect(bench.process.files.descriptors.count == 5)
    #expect(bench.messages.isEmpty)
    #expect(bench.finish() == nil)
  }

  @Test func `a closed peer is the end of reading and EPIPE for writing`() throws {
    let bench = try bench()
    // SIGPIPE is ignored.
    bench.put([1, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 16), at: Bench.bufferPages)
    #expect(bench.call(134, 13, Bench.bufferPages, 0, 8) == 0)
    #expect(write(bench, 4, "last") == 4)
    #expect(bench.call(FileNumber.close, 4) == 0)
    #expect(read(bench, 3, 100) == "last")
    #expect(read(bench, 3, 100) == "")
    #expect(write(bench, 3, "x") == negative(.brokenPipe))
    #expect(bench.finish() == nil)
  }

  @Test func `a peer that goes without reading all resets the connection, once`() throws {
    let bench = try bench()
    #expect(write(bench, 3, "unread") == 6)
    #expect(bench.call(FileNumber.close, 4) == 0)
    #expect(read(bench, 3, 100) == "error 104")
    #expect(read(bench, 3, 100) == "")
    // MSG_NOSIGNAL: no SIGPIPE, which would kill.
    #expect(
      bench.call(Self.sendto, 3, Bench.data, 1, 0x4000, 0, 0) == negative(.brokenPipe))
    #expect(bench.process.space != nil)
    #expect(bench.finish() == nil)
  }

  @Test func `shutdown ends one direction`() throws {
    let bench = try bench()
    #expect(write(bench, 3, "before") == 6)
    #expect(bench.call(Self.shutdown, 3, 1) == 0)
    #expect(bench.call(Self.sendto, 3, Bench.data, 1, 0x4000, 0, 0) == negative(.brokenPipe))
    #expect(read(bench, 4, 100) == "before")
    #expect(read(bench, 4, 100) == "")
    #expect(write(bench, 4, "back") == 4)
    #expect(read(bench, 3, 100) == "back")
    #expect(bench.call(Self.shutdown, 3, 0) == 0)
    #expect(bench.call(Self.sendto, 4, Bench.data, 1, 0x4000, 0, 0) == negative(.brokenPipe))
    #expect(bench.finish() == nil)
  }

  @Test func `a reader waits until its peer in another process writes`() throws {
    let bench = try bench(0)
    let child = bench.call(220, 17)
    // The parent waits, the child runs.
    for (i, value) in [3, Bench.bufferPages, 8].enumerated() { bench.registers[10 + i] = value }
    bench.registers[17] = Number.read
    bench.trap(.environmentCall)
    #expect(Int64(bench.kernel.current?.pid ?? 0) == child)
    #expect(write(bench, 4, "hello") == 5)
    bench.call(94, 0)
    #expect(bench.kernel.current === bench.process)
    bench.trap(.environmentCall)
    #expect(bench.registers[10] == 5)
    #expect(bench.load(Bench.bufferPages + 4) == UInt8(ascii: "o"))
    #expect(bench.finish() == nil)
  }

  @Test func `recvfrom can look without taking, and wait for all`() throws {
    let bench = try bench()
    func receive(_ count: UInt64, _ flags: UInt64) -> Int64 {
      bench.call(Self.recvfrom, 3, Bench.bufferPages + 4096, count, flags, 0, 0)
    }
    #expect(receive(0, 0x40) == negative(.tryAgain))
    #expect(receive(4, 0x4000) == negative(.tryAgain))
    #expect(write(bench, 4, "hello") == 5)
    #expect(receive(3, 2) == 3 && receive(3, 0x22) == 3 && receive(0, 0x40) == 0)
    #expect(receive(3, 0x20) == 3)
    #expect(bench.load(Bench.bufferPages + 4096) == UInt8(ascii: "h"))
    #expect(receive(10, 0x102) == 2 && receive(10, 0x100) == 2)
    #expect(receive(10, 0x100) == negative(.tryAgain))
    #expect(bench.call(47, 3, 0, 0, 9) == negative(.noDevice))
    #expect(bench.messages.isEmpty)
    #expect(receive(1, 1) == negative(.invalid))
    #expect(bench.messages.count == 1)
    bench.call(FileNumber.close, 4)
    #expect(receive(0, 0x40) == 0 && receive(3, 2) == 0 && receive(3, 0x100) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `MSG_WAITALL waits until all is there`() throws {
    let bench = try bench(0)
    let child = bench.call(220, 17)
    // The parent waits, the child runs.
    for (i, value) in [3, Bench.bufferPages, 8, 0x100, 0, 0].enumerated() {
      bench.registers[10 + i] = value
    }
    bench.registers[17] = Self.recvfrom
    bench.trap(.environmentCall)
    #expect(Int64(bench.kernel.current?.pid ?? 0) == child)
    #expect(write(bench, 4, "hello") == 5)
    #expect(write(bench, 4, "all") == 3)
    bench.call(94, 0)
    #expect(bench.kernel.current === bench.process)
    bench.trap(.environmentCall)
    #expect(bench.registers[10] == 8)
    #expect(bench.finish() == nil)
  }
}
