public import MMUMemory

/// A directory of the host's file system, held by a descriptor.
public final class SystemHostDirectory: HostDirectory {
  /// Which directory it is.
  public let identity: HostIdentity
  private let descriptor: Int32

  /// Opens a directory by a path of the user's own.
  ///
  /// - Throws: why it cannot be had.
  public convenience init(_ path: String) throws(Errno) {
    do throws(HostError) {
      try self.init(descriptor: Platform.openDirectory(path))
    } catch { throw Errno(error) }
  }

  private init(descriptor: Int32) throws(HostError) {
    self.descriptor = descriptor
    do {
      identity = try Platform.status(descriptor).identity
    } catch {
      Platform.closeDescriptor(descriptor)
      throw error
    }
  }

  deinit { Platform.closeDescriptor(descriptor) }

  /// The names in it.
  public func names() throws(Errno) -> [[UInt8]] {
    try call { () throws(HostError) in
      let names = try Platform.names(Platform.openAt(descriptor, ".", .listing))
      return names.filter { !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
    }
  }

  /// What a name stands for.
  public func status(of name: [UInt8]) throws(Errno) -> HostStatus {
    try named(name) { name throws(HostError) in try Platform.status(descriptor, name) }
  }

  /// The target of a symbolic link.
  public func target(of name: [UInt8]) throws(Errno) -> [UInt8] {
    try named(name) { name throws(HostError) in try Platform.linkTarget(descriptor, name) }
  }

  /// A directory in it.
  public func directory(_ name: [UInt8]) throws(Errno) -> any HostDirectory {
    try named(name) { name throws(HostError) in
      try SystemHostDirectory(descriptor: Platform.openAt(descriptor, name, .directory))
    }
  }

  /// A regular file in it.
  public func file(_ name: [UInt8], writing: Bool) throws(Errno) -> any HostFile {
    // Devices are not even opened, which alone may have effects.
    if try status(of: name).kind != .regular { throw .stale }
    let file = try named(name) { name throws(HostError) in
      SystemHostFile(try Platform.openAt(descriptor, name, .file(writing: writing)))
    }
    if try file.status().kind != .regular { throw .stale }
    return file
  }

  /// A new file.
  public func makeFile(_ name: [UInt8], mode: UInt32) throws(Errno) -> any HostFile {
    try named(name) { name throws(HostError) in
      SystemHostFile(try Platform.openAt(descriptor, name, .newFile(mode: mode)))
    }
  }

  /// A new directory.
  public func makeDirectory(_ name: [UInt8], mode: UInt32) throws(Errno) {
    try named(name) { name throws(HostError) in
      try Platform.makeDirectory(descriptor, name, mode: mode)
    }
  }

  /// A new symbolic link.
  public func makeSymbolicLink(_ name: [UInt8], to target: [UInt8]) throws(Errno) {
    if target.contains(0) { throw .invalid }
    try named(name) { name throws(HostError) in
      try cString(target) { target throws(HostError) in
        try Platform.makeSymbolicLink(descriptor, name, to: target)
      }
    }
  }

  /// Another name for a file.
  public func makeLink(
    _ name: [UInt8], in other: any HostDirectory, as new: [UInt8]
  ) throws(Errno) {
    try named(name, other, new) { name, there, new throws(HostError) in
      try Platform.makeLink(descriptor, name, there, new)
    }
  }

  /// Another name instead.
  public func rename(_ name: [UInt8], to other: any HostDirectory, as new: [UInt8]) throws(Errno) {
    try named(name, other, new) { name, there, new throws(HostError) in
      try Platform.rename(descriptor, name, there, new)
    }
  }

  /// Takes a name away.
  public func remove(_ name: [UInt8], isDirectory: Bool) throws(Errno) {
    try named(name) { name throws(HostError) in
      try Platform.remove(descriptor, name, isDirectory: isDirectory)
    }
  }

  /// Sets its permission bits.
  public func setMode(_ mode: UInt32) throws(Errno) {
    try call { () throws(HostError) in
      let own = try Platform.openAt(descriptor, ".", .listing)
      defer { Platform.closeDescriptor(own) }
      try Platform.setMode(own, mode)
    }
  }

  /// Calls with a name as C has it.
  ///
  /// - Throws: EINVAL for what is no single name: the last guard before the host.
  private func named<Result>(
    _ name: [UInt8], _ body: (UnsafePointer<CChar>) throws(HostError) -> Result
  ) throws(Errno) -> Result {
    if name.isEmpty || name.contains(0) || name.contains(UInt8(ascii: "/"))
      || name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8)
    {
      throw .invalid
    }
    return try call { () throws(HostError) in try cString(name, body) }
  }

  private func named(
    _ name: [UInt8], _ other: any HostDirectory, _ new: [UInt8],
    _ body: (UnsafePointer<CChar>, Int32, UnsafePointer<CChar>) throws(HostError) -> Void
  ) throws(Errno) {
    guard let other = other as? SystemHostDirectory else { throw .crossDevice }
    // The second name passes the same guard.
    try other.named(new) { _ in }
    try named(name) { name throws(HostError) in
      try cString(new) { new throws(HostError) in try body(name, other.descriptor, new) }
    }
  }
}

/// A regular file of the host's file system, held by a descriptor.
final class SystemHostFile: HostFile {
  private let descriptor: Int32

  /// Takes over a descriptor.
  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { Platform.closeDescriptor(descriptor) }

  func status() throws(Errno) -> HostStatus {
    try call { () throws(HostError) in try Platform.status(descriptor) }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at position: UInt64) throws(Errno) -> Int {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = try call { () throws(HostError) in
        try Platform.read(descriptor, rest, at: position + UInt64(done))
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  func write(from buffer: UnsafeRawBufferPointer, at position: UInt64) throws(Errno) {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
      let count = try call { () throws(HostError) in
        try Platform.write(descriptor, rest, at: position + UInt64(done))
      }
      if count == 0 { throw .inputOutput }
      done += count
    }
  }

  func setSize(_ size: UInt64) throws(Errno) {
    try call { () throws(HostError) in try Platform.setSize(descriptor, size) }
  }

  func setMode(_ mode: UInt32) throws(Errno) {
    try call { () throws(HostError) in try Platform.setMode(descriptor, mode) }
  }
}

/// Turns the host's errors into the guest's.
private func call<Result>(_ body: () throws(HostError) -> Result) throws(Errno) -> Result {
  do throws(HostError) { return try body() } catch { throw Errno(error) }
}

private func cString<Result>(
  _ bytes: [UInt8], _ body: (UnsafePointer<CChar>) throws(HostError) -> Result
) throws(HostError) -> Result {
  let text = bytes.map { CChar(bitPattern: $0) } + [0]
  var failure = HostError(number: 0)
  let result: Result? = text.withUnsafeBufferPointer { buffer -> Result? in
    do throws(HostError) { return try body(buffer.baseAddress!) } catch {
      failure = error
      return nil
    }
  }
  guard let result else { throw failure }
  return result
}
