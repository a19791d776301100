import MMUMemory

/// A stream the host gives the guest: descriptor 0, 1 or 2.
public enum HostStream: Int32, Sendable {
  case input = 0
  case output = 1
  case error = 2
}

/// The one door through which the guest's input and output pass, so that a run can be recorded,
/// replayed, or made without a terminal.
public protocol HostIO: AnyObject {
  /// Reads at most the buffer's size: the number of bytes, 0 at the end, or minus errno.
  func read(_ stream: HostStream, into buffer: UnsafeMutableRawBufferPointer) -> Int
  /// Writes at most the buffer's size: the number of bytes, or minus errno.
  func write(_ stream: HostStream, from buffer: UnsafeRawBufferPointer) -> Int
  /// Opens a directory that the guest is to see; asked before the program starts, and for no other.
  func openDirectory(_ path: String) throws(Errno) -> any HostDirectory
  /// Opens a file that is to be the swap area, making it if there is none; asked before the program
  /// starts, and for no other.
  func openSwapFile(_ path: String, pages: UInt64) throws(Errno) -> any SwapStore
}

extension HostIO {
  /// Opens a swap file of the host's own file system.
  public func openSwapFile(_ path: String, pages: UInt64) throws(Errno) -> any SwapStore {
    try HostSwapFile(path, pages: pages)
  }

  /// Opens a directory of the host's own file system.
  public func openDirectory(_ path: String) throws(Errno) -> any HostDirectory {
    try SystemHostDirectory(path)
  }
}

/// The host's own standard streams, unbuffered.
public final class SystemHostIO: HostIO {
  /// Connects to the streams; from now on a closed pipe is an error and no signal to us.
  public init() { Platform.ignoreBrokenPipe() }

  /// Reads once; an interrupted read says so, for the caller may have to stop.
  public func read(_ stream: HostStream, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    return Platform.read(stream.rawValue, base, buffer.count)
  }

  /// Writes once, again if interrupted.
  public func write(_ stream: HostStream, from buffer: UnsafeRawBufferPointer) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    while true {
      let n = Platform.write(stream.rawValue, base, buffer.count)
      if n != -Int(Errno.interrupted.rawValue) { return n }
    }
  }
}

/// Streams in memory: for tests, and for runs inside another program.
public final class MemoryHostIO: HostIO {
  /// What the guest has yet to read.
  public var input: [UInt8]
  /// What it wrote to standard output.
  public private(set) var output: [UInt8] = []
  /// What it wrote to standard error.
  public private(set) var errorOutput: [UInt8] = []
  /// Each write of the guest, in order.
  public private(set) var writeCount = 0
  /// Makes standard output a pipe nobody reads.
  public var isOutputClosed = false
  /// The most bytes one read returns.
  public var readLimit = Int.max

  /// Makes streams with the given input.
  public init(input: [UInt8] = []) { self.input = input }

  /// Takes from `input`.
  public func read(_ stream: HostStream, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, input.count, readLimit)
    for i in 0..<count { buffer[i] = input[i] }
    input.removeFirst(count)
    return count
  }

  /// Adds to `output` or `errorOutput`.
  public func write(_ stream: HostStream, from buffer: UnsafeRawBufferPointer) -> Int {
    if stream == .output && isOutputClosed { return -Int(Errno.brokenPipe.rawValue) }
    writeCount += 1
    if stream == .error { errorOutput += buffer } else { output += buffer }
    return buffer.count
  }

  /// `output` as text.
  public var text: String { String(decoding: output, as: UTF8.self) }
}
