import MMUMemory
import MMUTiming

// System calls on descriptors, whatever is behind them.

extension Kernel {
  /// close.
  func close(_ process: Process, _ descriptor: UInt64) throws(Errno) -> UInt64 {
    try process.files.descriptors.close(descriptor)
    return 0
  }

  /// dup.
  func duplicate(_ process: Process, _ descriptor: UInt64) throws(Errno) -> UInt64 {
    try duplicate(process, descriptor, from: 0, closesOnExec: false)
  }

  private func duplicate(
    _ process: Process, _ descriptor: UInt64, from lowest: UInt64, closesOnExec: Bool
  ) throws(Errno) -> UInt64 {
    let table = process.files.descriptors
    let file = try table.file(descriptor)
    let lowest = UInt32(truncatingIfNeeded: lowest)
    if lowest >= table.limit { throw .invalid }
    file.hold()
    do {
      return try table.add(file, from: Int(lowest), closesOnExec: closesOnExec)
    } catch {
      file.release()
      throw error
    }
  }

  /// dup3.
  func duplicate(
    _ process: Process, _ old: UInt64, to new: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    let flags = UInt32(truncatingIfNeeded: flags)
    if flags & ~OpenFlags.closeOnExec != 0 { throw .invalid }
    let number = UInt32(truncatingIfNeeded: new)
    if UInt32(truncatingIfNeeded: old) == number { throw .invalid }
    let table = process.files.descriptors
    if number >= table.limit { throw .badDescriptor }
    table.replace(Int(number), with: try table.file(old), closesOnExec: flags != 0)
    return UInt64(number)
  }

  /// fcntl: F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_SETPIPE_SZ, F_GETPIPE_SZ,
  /// F_ADD_SEALS, F_GET_SEALS.
  func control(
    _ process: Process, file descriptor: UInt64, _ command: UInt64, _ argument: UInt64
  ) throws(Errno) -> UInt64 {
    let table = process.files.descriptors
    let file = try table.file(descriptor)
    let command = Int32(truncatingIfNeeded: command)
    if file.flags & OpenFlags.path != 0 && ![0, 1, 2, 3, 1030].contains(command) {
      throw .badDescriptor
    }
    switch command {
    case 0, 1030:
      return try duplicate(
        process, descriptor, from: argument, closesOnExec: command == 1030)
    case 1: return try table.closesOnExec(descriptor) ? 1 : 0
    case 2:
      try table.setClosesOnExec(descriptor, argument & 1 != 0)
      return 0
    case 3: return UInt64(file.flags)
    case 4:
      let new = UInt32(truncatingIfNeeded: argument) & OpenFlags.settable
      file.flags = file.flags & ~OpenFlags.settable | new
      return 0
    case 1031, 1032:
      guard case .pipe(let pipe) = file.content else { throw .badDescriptor }
      if command == 1032 { return UInt64(pipe.capacity) }
      return try pipe.resize(UInt32(truncatingIfNeeded: argument))
    case 1034:
      guard let seals = file.inode?.seals else { throw .invalid }
      return UInt64(seals)
    case 1033:
      return try addSeals(file, argument)
    case let other: throw unsupported("fcntl command \(other)", .invalid)
    }
  }

  /// F_ADD_SEALS.
  private func addSeals(_ file: OpenFile, _ argument: UInt64) throws(Errno) -> UInt64 {
    guard let inode = file.inode, let old = inode.seals else { throw .invalid }
    if !file.isWritable { throw .notPermitted }
    var new = UInt32(truncatingIfNeeded: argument)
    // SEAL 1, SHRINK 2, GROW 4, WRITE 8, FUTURE_WRITE 16, EXEC 32.
    if new & ~63 != 0 { throw .invalid }
    if old & 1 != 0 { throw .notPermitted }
    // What can be executed cannot be written any more, either.
    if new & 32 != 0 && inode.mode & 0o111 != 0 { new |= 30 }
    if new & 8 != 0 && old & 8 == 0 && inode.hasWritableMappings { throw .busy }
    inode.seals = old | new
    return 0
  }

  /// lseek.
  func seek(
    _ process: Process, _ descriptor: UInt64, _ offset: UInt64, _ whence: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    if file.flags & OpenFlags.path != 0 { throw .badDescriptor }
    let whence = UInt32(truncatingIfNeeded: whence)
    if whence > 4 { throw .invalid }
    guard let inode = file.inode else { throw .illegalSeek }
    if case .device = inode.kind {
      // They have no positions.
      return 0
    }
    // Linux's seq_lseek knows no end; cmdline is not of that kind.
    if case .report(let report) = inode.kind, report.kind != .cmdline, whence > 1 { throw .invalid }
    let offset = Int64(bitPattern: offset)
    let base: UInt64
    switch whence {
    case 0: base = 0
    case 1: base = file.position
    case 2: base = inode.size
    default:
      // SEEK_DATA and SEEK_HOLE see one piece of data: allowed, and what most file systems do.
      if offset < 0 || UInt64(offset) >= inode.size { throw .noDeviceOrAddress }
      file.position = whence == 3 ? UInt64(offset) : inode.size
      return file.position
    }
    let (sum, overflow) = Int64(base).addingReportingOverflow(offset)
    if overflow { throw sum < 0 ? .overflow : .invalid }
    if sum < 0 || sum > Int64(Self.maximumFileSize) && !inode.isDirectory { throw .invalid }
    file.position = UInt64(sum)
    return file.position
  }

  /// fsync and fdatasync.
  func synchronize(_ process: Process, open descriptor: UInt64) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    if file.flags & OpenFlags.path != 0 { throw .badDescriptor }
    guard let inode = file.inode, inode.isRegular || inode.isDirectory else { throw .invalid }
    if let error = inode.sync() { throw error }
    return 0
  }

  /// sync: writes back every file.
  func synchronizeAll() {
    for case let inode? in system.inodes {
      inode.sync()
      inode.evictIfUnused()
    }
  }

  /// fadvise64.
  func advise(
    _ process: Process, open descriptor: UInt64, _ offset: UInt64, _ length: UInt64,
    _ advice: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    if file.flags & OpenFlags.path != 0 { throw .badDescriptor }
    guard let inode = file.inode else { throw .illegalSeek }
    let advice = Int32(truncatingIfNeeded: advice)
    if Int64(bitPattern: length) < 0 || Int64(bitPattern: offset) < 0 { throw .invalid }
    guard 0...5 ~= advice else { throw .invalid }
    if !inode.isRegular || offset >= inode.size { return 0 }
    // A length of 0 means up to the end; partial pages at the ends are kept by DONTNEED.
    let (sum, overflow) = offset.addingReportingOverflow(length)
    let end = length == 0 || overflow ? UInt64(1) << 62 : sum
    switch advice {
    case 0: file.advice = .normal
    case 1: file.advice = .random
    case 2: file.advice = .sequential
    case 3: inode.readAhead(offset / 4096..<(end + 4095) / 4096)
    case 4:
      let first = (offset + 4095) / 4096
      let last = end >= inode.size ? max(first, 1 << 51) : end / 4096
      if first < last { inode.dropClean(first..<last) }
    default: break
    }
    return 0
  }

  /// memfd_create.
  func makeMemoryFile(
    _ process: Process, _ name: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    let flags = UInt32(truncatingIfNeeded: flags)
    // CLOEXEC 1, ALLOW_SEALING 2, HUGETLB 4, NOEXEC_SEAL 8, EXEC 16.
    if flags & 4 != 0 { throw unsupported("memfd_create with MFD_HUGETLB", .noSpace) }
    if flags & ~0x1b != 0 || flags & 0x18 == 0x18 { throw .invalid }
    let path: [UInt8]
    do { path = try copyPath(name) } catch { throw error == .nameTooLong ? .invalid : error }
    if path.count > 249 { throw .invalid }
    let inode = Inode(tree.nameless, .regular, mode: flags & 8 != 0 ? 0o666 : 0o777)
    // F_SEAL_SEAL unless sealing is allowed; F_SEAL_EXEC with NOEXEC_SEAL.
    inode.seals = flags & 8 != 0 ? 0x20 : flags & 2 != 0 ? 0 : 1
    stamp(inode, created: true)
    let file = OpenFile(
      system, .inode(inode), path: "/memfd:\(String(decoding: path, as: UTF8.self)) (deleted)",
      flags: 2 | OpenFlags.large)
    do {
      return try process.files.descriptors.add(file, closesOnExec: flags & 1 != 0)
    } catch {
      file.release()
      throw error
    }
  }
}
