// The one file that imports the host's C library. Everything else asks here, so a new platform is a
// matter of this page.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the emulator needs of the host: memory, descriptors, files, signals, a clock.
package enum Platform {
  /// Maps zeroed, lazily backed memory; ends the process if the host refuses.
  package static func map(bytes: UInt64, hugePages: Bool) -> UnsafeMutableRawPointer {
    guard let pointer = reserve(bytes) else {
      preconditionFailure("the host cannot map \(bytes) bytes")
    }
    #if os(Linux)
      if hugePages { _ = madvise(pointer, Int(bytes), 14 /* MADV_HUGEPAGE */) }
    #endif
    return pointer
  }

  /// Tells whether the host would map so much, lazily backed.
  package static func canMap(bytes: UInt64) -> Bool {
    guard let pointer = reserve(bytes) else { return false }
    unmap(pointer, bytes: bytes)
    return true
  }

  private static func reserve(_ bytes: UInt64) -> UnsafeMutableRawPointer? {
    #if canImport(Darwin)
      let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
    #else
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #endif
    let pointer = mmap(nil, Int(bytes), PROT_READ | PROT_WRITE, flags, -1, 0)
    return pointer == MAP_FAILED ? nil : pointer
  }

  /// Returns memory of `map`.
  package static func unmap(_ pointer: UnsafeMutableRawPointer, bytes: UInt64) {
    _ = munmap(pointer, Int(bytes))
  }

  /// Reads at most `count` bytes from a host descriptor: the number read, or minus errno.
  package static func read(
    _ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int
  ) -> Int {
    let n = Foreign.read(descriptor, target, count)
    return n < 0 ? -Int(errno) : n
  }

  /// Writes at most `count` bytes to a host descriptor: the number written, or minus errno.
  package static func write(
    _ descriptor: Int32, _ source: UnsafeRawPointer, _ count: Int
  ) -> Int {
    let n = Foreign.write(descriptor, source, count)
    return n < 0 ? -Int(errno) : n
  }

  /// Makes a write to a closed pipe an error instead of the end of the process.
  package static func ignoreBrokenPipe() { _ = signal(SIGPIPE, SIG_IGN) }

  /// Tells whether a descriptor is a terminal.
  package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Monotonic host time in nanoseconds: for `--host` and benchmarks only, never for the guest.
  package static func nanoseconds() -> UInt64 {
    var time = timespec()
    _ = clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// A host call that failed.
package struct HostError: Error, Hashable, Sendable {
  /// The host's errno, or `tooLarge`.
  package let number: Int32
  package init(number: Int32) { self.number = number }

  /// No errno: the file is larger than `Platform.largestFile`.
  package static let tooLarge = HostError(number: -1)

  /// Tells whether there is no such file.
  package var isNotFound: Bool { number == ENOENT || number == ENOTDIR }
  /// The errno of a stream whose other end is gone.
  package static var brokenPipe: Int32 { EPIPE }
  /// Tells whether the other end is gone.
  package var isBrokenPipe: Bool { number == EPIPE }

  /// The reason in words.
  package var text: String {
    if self == .tooLarge { return "larger than \(Platform.largestFile >> 20) MiB" }
    guard let words = strerror(number) else { return "host error \(number)" }
    let text = String(cString: words)
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}

extension Platform {
  /// The largest file `readFile` takes, in bytes.
  package static let largestFile = 1 << 30

  /// Reads a whole file, device or pipe.
  ///
  /// - Throws: why it cannot be read; a directory is EISDIR.
  package static func readFile(_ path: String) throws(HostError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw HostError(number: errno) }
    defer { _ = Foreign.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw HostError(number: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw HostError(number: EISDIR) }
    guard status.st_size <= largestFile else { throw .tooLarge }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.st_size) + 1)
    let size = max(1 << 16, min(Int(status.st_size) + 1, 1 << 24))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
    defer { buffer.deallocate() }
    while true {
      let count = read(descriptor, buffer.baseAddress!, size)
      if count == -Int(EINTR) { continue }
      if count < 0 { throw HostError(number: Int32(-count)) }
      if count == 0 { return bytes }
      if bytes.count + count > largestFile { throw .tooLarge }
      bytes += buffer[..<count]
    }
  }

  /// Writes a whole file, replacing what was there.
  package static func writeFile(
    _ path: String, _ bytes: [UInt8], isExecutable: Bool = false
  ) throws(HostError) {
    let descriptor = try create(path, isExecutable: isExecutable)
    var failure: HostError?
    do { try write(descriptor, bytes) } catch { failure = error }
    do { try close(descriptor) } catch { failure = failure ?? error }
    if let failure { throw failure }
  }

  /// Opens a file for writing that is new or emptied.
  package static func create(
    _ path: String, isExecutable: Bool = false
  ) throws(HostError) -> Int32 {
    let descriptor = open(
      path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, isExecutable ? 0o777 : 0o666)
    guard descriptor >= 0 else { throw HostError(number: errno) }
    return descriptor
  }

  /// Writes all of some bytes to a host descriptor.
  package static func write(_ descriptor: Int32, _ bytes: [UInt8]) throws(HostError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        write(descriptor, $0.baseAddress! + written, bytes.count - written)
      }
      if count == -Int(EINTR) { continue }
      if count < 0 { throw HostError(number: Int32(-count)) }
      written += count
    }
  }

  /// Closes a host descriptor; what could not be written before may show only here.
  package static func close(_ descriptor: Int32) throws(HostError) {
    if Foreign.close(descriptor) != 0 { throw HostError(number: errno) }
  }

  /// Ends the process.
  package static func end(_ status: Int32) -> Never { exit(status) }

  /// Tells whether two paths lead to one file.
  package static func isSameFile(_ a: String, _ b: String) -> Bool {
    var first = stat()
    var second = stat()
    guard stat(a, &first) == 0, stat(b, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// The value of a variable of the host's environment.
  package static func environmentVariable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Makes SIGINT, SIGTERM and SIGHUP store their number in a flag, now 0, instead of ending the
  /// process.
  ///
  /// A second signal ends it after all. A SIGHUP that is ignored (nohup) stays so.
  package static func interruptFlag() -> UnsafeMutablePointer<Int32> {
    let flag = interrupted  // made before a signal can ask for it
    flag.pointee = 0
    for number in [SIGINT, SIGTERM] { setHandler(number, interruptedByHost) }
    if !isIgnored(SIGHUP) { setHandler(SIGHUP, interruptedByHost) }
    return flag
  }

  /// Tells whether a signal is ignored.
  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    #if canImport(Glibc)
      let handler = action.__sigaction_handler.sa_handler
    #elseif canImport(Musl)
      let handler = action.__sa_handler.sa_handler
    #else
      let handler = action.__sigaction_u.__sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == 1  // SIG_IGN, which is no function to compare
  }

  /// Makes a crash of ours say so and end the process with status 70.
  package static func reportCrashes() {
    // A stack of its own, for the invariant that broke may be the depth of the other.
    var stack = stack_t()
    stack.ss_size = 1 << 16
    stack.ss_sp = UnsafeMutableRawPointer.allocate(byteCount: 1 << 16, alignment: 64)
    _ = sigaltstack(&stack, nil)
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT] {
      setHandler(number, crashed, flags: Int32(SA_ONSTACK))
    }
  }

  /// Installs a signal handler; without SA_RESTART, so that a read that waits ends with EINTR.
  private static func setHandler(
    _ number: Int32, _ handler: @convention(c) (Int32) -> Void, flags: Int32 = 0
  ) {
    var action = sigaction()
    action.sa_flags = flags
    #if canImport(Glibc)
      action.__sigaction_handler.sa_handler = handler
    #elseif canImport(Musl)
      action.__sa_handler.sa_handler = handler
    #else
      action.__sigaction_u.__sa_handler = handler
    #endif
    _ = sigaction(number, &action, nil)
  }

  /// What the signal handler writes; a handler has no other way to reach anything.
  nonisolated(unsafe) fileprivate static let interrupted: UnsafeMutablePointer<Int32> = {
    let flag = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    flag.initialize(to: 0)
    return flag
  }()
}

// Directories of the host, one name at a time: the calls behind `SystemHostDirectory`.
extension Platform {
  /// How `openAt` opens.
  package enum Opening {
    /// A directory, for further names only.
    case directory
    /// The same directory (the name is `.`), to read its names.
    case listing
    case file(writing: Bool)
    /// A file that does not exist yet, with permissions.
    case newFile(mode: UInt32)
  }

  /// Opens a name of a directory, no symbolic link at its end; a fifo does not make it wait.
  package static func openAt(
    _ directory: Int32, _ name: UnsafePointer<CChar>, _ opening: Opening
  ) throws(HostError) -> Int32 {
    let common = O_CLOEXEC | O_NOFOLLOW
    let file = common | O_NONBLOCK | O_NOCTTY
    return try checked {
      switch opening {
      case .directory: openat(directory, name, common | O_DIRECTORY | searchOnly)
      case .listing: openat(directory, name, common | O_DIRECTORY | O_RDONLY)
      case .file(let writing): openat(directory, name, file | (writing ? O_RDWR : O_RDONLY))
      case .newFile(let mode):
        openat(directory, name, file | O_RDWR | O_CREAT | O_EXCL, mode_t(mode & 0o777))
      }
    }
  }

  /// Opens a directory by a path of the user's own, for further names.
  package static func openDirectory(_ path: String) throws(HostError) -> Int32 {
    try checked { open(path, O_CLOEXEC | O_DIRECTORY | searchOnly) }
  }

  /// Opens a directory without the right to read it.
  private static var searchOnly: Int32 {
    #if os(Linux)
      0x20_0000  // O_PATH
    #else
      O_RDONLY
    #endif
  }

  /// Closes what one of these has opened.
  package static func closeDescriptor(_ descriptor: Int32) { try? close(descriptor) }

  /// Calls until it is not interrupted.
  private static func checked<T: BinaryInteger>(_ body: () -> T) throws(HostError) -> T {
    while true {
      let result = body()
      if result >= 0 { return result }
      if errno != EINTR { throw HostError(number: errno) }
    }
  }

  /// What stands behind a name, the link itself if it is a symbolic one.
  package static func status(
    _ directory: Int32, _ name: UnsafePointer<CChar>
  ) throws(HostError) -> HostStatus {
    var status = stat()
    _ = try checked { fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) }
    return hostStatus(status)
  }

  /// What is open.
  package static func status(_ descriptor: Int32) throws(HostError) -> HostStatus {
    var status = stat()
    _ = try checked { fstat(descriptor, &status) }
    return hostStatus(status)
  }

  private static func hostStatus(_ status: stat) -> HostStatus {
    #if canImport(Darwin)
      let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
    #else
      let (modified, changed) = (status.st_mtim, status.st_ctim)
    #endif
    return HostStatus(
      identity: HostIdentity(
        device: UInt64(truncatingIfNeeded: status.st_dev), number: UInt64(status.st_ino)),
      mode: UInt32(status.st_mode), links: UInt64(status.st_nlink),
      size: UInt64(max(0, status.st_size)),
      version: [modified.tv_sec, modified.tv_nsec, changed.tv_sec, changed.tv_nsec].map {
        Int64($0)
      })
  }

  /// The names in a directory opened as `listing`, `.` and `..` among them, in no order.
  ///
  /// Closes the descriptor.
  package static func names(_ descriptor: Int32) throws(HostError) -> [[UInt8]] {
    guard let stream = fdopendir(descriptor) else {
      let error = HostError(number: errno)
      closeDescriptor(descriptor)
      throw error
    }
    defer { _ = closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      // The record may end before the array of its declaration does.
      let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name)!
      let name = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)
      names.append(Array(UnsafeRawBufferPointer(start: name, count: strlen(name))))
    }
    if errno != 0 { throw HostError(number: errno) }
    return names
  }

  /// The target of a symbolic link, at most 4,095 bytes.
  package static func linkTarget(
    _ directory: Int32, _ name: UnsafePointer<CChar>
  ) throws(HostError) -> [UInt8] {
    var bytes = [CChar](repeating: 0, count: 4096)
    let count = try checked { readlinkat(directory, name, &bytes, 4096) }
    if count == 4096 { throw HostError(number: ENAMETOOLONG) }
    return bytes[..<count].map { UInt8(bitPattern: $0) }
  }

  /// Makes a directory; permissions are those asked for less the umask.
  package static func makeDirectory(
    _ directory: Int32, _ name: UnsafePointer<CChar>, mode: UInt32
  ) throws(HostError) {
    _ = try checked { mkdirat(directory, name, mode_t(mode & 0o777)) }
  }

  /// Makes a symbolic link.
  package static func makeSymbolicLink(
    _ directory: Int32, _ name: UnsafePointer<CChar>, to target: UnsafePointer<CChar>
  ) throws(HostError) {
    _ = try checked { symlinkat(target, directory, name) }
  }

  /// Gives a file one more name; of a symbolic link, the link.
  package static func makeLink(
    _ directory: Int32, _ name: UnsafePointer<CChar>, _ newDirectory: Int32,
    _ newName: UnsafePointer<CChar>
  ) throws(HostError) {
    _ = try checked { linkat(directory, name, newDirectory, newName, 0) }
  }

  /// Takes a name away, of an empty directory or of anything else; a link's own.
  package static func remove(
    _ directory: Int32, _ name: UnsafePointer<CChar>, isDirectory: Bool
  ) throws(HostError) {
    _ = try checked { unlinkat(directory, name, isDirectory ? AT_REMOVEDIR : 0) }
  }

  /// Gives a file another name, replacing what stood there.
  package static func rename(
    _ directory: Int32, _ name: UnsafePointer<CChar>, _ newDirectory: Int32,
    _ newName: UnsafePointer<CChar>
  ) throws(HostError) {
    _ = try checked { renameat(directory, name, newDirectory, newName) }
  }

  /// Reads at a position: the number of bytes, 0 at the end.
  package static func read(
    _ descriptor: Int32, _ target: UnsafeMutableRawBufferPointer, at position: UInt64
  ) throws(HostError) -> Int {
    try checked { pread(descriptor, target.baseAddress!, target.count, off_t(position)) }
  }

  /// Writes at a position: the number of bytes.
  package static func write(
    _ descriptor: Int32, _ source: UnsafeRawBufferPointer, at position: UInt64
  ) throws(HostError) -> Int {
    try checked { pwrite(descriptor, source.baseAddress!, source.count, off_t(position)) }
  }

  /// Opens a file for reading and writing, making it if there is none; it is its owner's alone then.
  package static func openForUpdate(_ path: String) throws(HostError) -> Int32 {
    try checked { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
  }

  /// Cuts a file or extends it with zeros.
  package static func setSize(_ descriptor: Int32, _ size: UInt64) throws(HostError) {
    _ = try checked { ftruncate(descriptor, off_t(size)) }
  }

  /// Takes a file for as long as it is open; false if somebody else has it.
  package static func lock(_ descriptor: Int32) -> Bool {
    flock(descriptor, LOCK_EX | LOCK_NB) == 0
  }

  /// Sets the permission bits of what is open, and no others.
  package static func setMode(_ descriptor: Int32, _ mode: UInt32) throws(HostError) {
    _ = try checked { fchmod(descriptor, mode_t(mode & 0o777)) }
  }
}

extension HostError {
  /// The errno by its Linux number, which guests are given; 5 (EIO) if Linux has none.
  package var linuxNumber: Int64 {
    #if os(Linux)
      return Int64(number)
    #else
      let numbers: [Int32: Int64] = [
        EPERM: 1, ENOENT: 2, EINTR: 4, ENXIO: 6, EBADF: 9, EAGAIN: 11, ENOMEM: 12, EACCES: 13,
        EBUSY: 16, EEXIST: 17, EXDEV: 18, ENODEV: 19, ENOTDIR: 20, EISDIR: 21, EINVAL: 22,
        ENFILE: 23, EMFILE: 24, ETXTBSY: 26, EFBIG: 27, ENOSPC: 28, EROFS: 30, EMLINK: 31,
        ENAMETOOLONG: 36, ENOTEMPTY: 39, ELOOP: 40, EOVERFLOW: 75, EOPNOTSUPP: 95, ENOTSUP: 95,
        ESTALE: 116, EDQUOT: 122,
      ]
      return numbers[number] ?? 5
    #endif
  }
}

/// The C functions whose names `Platform` uses itself.
private enum Foreign {
  static func read(_ d: Int32, _ p: UnsafeMutableRawPointer, _ n: Int) -> Int {
    #if canImport(Glibc)
      return Glibc.read(d, p, n)
    #elseif canImport(Musl)
      return Musl.read(d, p, n)
    #else
      return Darwin.read(d, p, n)
    #endif
  }

  static func close(_ d: Int32) -> Int32 {
    #if canImport(Glibc)
      return Glibc.close(d)
    #elseif canImport(Musl)
      return Musl.close(d)
    #else
      return Darwin.close(d)
    #endif
  }

  static func write(_ d: Int32, _ p: UnsafeRawPointer, _ n: Int) -> Int {
    #if canImport(Glibc)
      return Glibc.write(d, p, n)
    #elseif canImport(Musl)
      return Musl.write(d, p, n)
    #else
      return Darwin.write(d, p, n)
    #endif
  }
}

/// Raises the flag; the next signal ends the process.
private func interruptedByHost(_ number: Int32) {
  Platform.interrupted.pointee = number
  for number in [SIGINT, SIGTERM, SIGHUP] { _ = signal(number, SIG_DFL) }
}

/// A signal that only a broken invariant of ours raises.
private func crashed(_ number: Int32) {
  let text: StaticString = """
    mmuemu: error: an internal invariant broke; this is a bug of mmuemu
    help: please report the command line and the program, and any message above

    """
  _ = Platform.write(2, text.utf8Start, text.utf8CodeUnitCount)
  _exit(70)
}
