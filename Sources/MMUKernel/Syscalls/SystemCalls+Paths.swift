import MMUMemory
import MMUTiming

// System calls that take a path.

extension Kernel {
  /// AT_FDCWD.
  static var currentDirectory: Int32 { -100 }

  /// A path of the program.
  ///
  /// - Throws: EFAULT, ENAMETOOLONG if it has 4,096 bytes or more.
  func copyPath(_ address: UInt64) throws(Errno) -> [UInt8] {
    var path: [UInt8] = []
    while path.count < 4096 {
      let at = address &+ UInt64(path.count)
      guard isUserRange(at, 1) else { throw .badAddress }
      let wanted = min(4096 - path.count, Int(4096 - at & 4095))
      let got = copyIn(at, wanted, to: buffer)
      let bytes = UnsafeRawBufferPointer(start: buffer, count: got)
      if let end = bytes.firstIndex(of: 0) { return path + bytes[..<end] }
      path += bytes
      if got < wanted { throw .badAddress }
    }
    throw .nameTooLong
  }

  /// Where a path that is not absolute begins.
  func start(_ process: Process, _ descriptor: UInt64, _ path: [UInt8]) throws(Errno) -> Inode {
    if path.first == UInt8(ascii: "/") { return tree.root }
    if Int32(truncatingIfNeeded: descriptor) == Self.currentDirectory {
      return process.files.directory
    }
    let file = try process.files.descriptors.file(descriptor)
    guard let inode = file.inode, inode.isDirectory || path.isEmpty else { throw .notDirectory }
    return inode
  }

  /// The place of a path given by descriptor and address.
  func place(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, followsLast: Bool = true,
    isNew: Bool = false
  ) throws(Errno) -> FileTree.Place {
    let path = try copyPath(address)
    if path.isEmpty { throw .noEntry }
    return try tree.place(
      of: path, from: start(process, descriptor, path), followsLast: followsLast, isNew: isNew)
  }

  /// openat.
  func open(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ flags: UInt64, _ mode: UInt64
  ) throws(Errno) -> UInt64 {
    var flags = UInt32(truncatingIfNeeded: flags)
    if flags & OpenFlags.temporary != 0 {
      throw unsupported("openat with O_TMPFILE", .notSupported)
    }
    if flags & (OpenFlags.create | OpenFlags.directory) == OpenFlags.create | OpenFlags.directory {
      throw .invalid
    }
    if flags & OpenFlags.path != 0 {
      flags &= OpenFlags.path | OpenFlags.directory | OpenFlags.noFollow | OpenFlags.closeOnExec
    }
    return try tree.retryingStale { () throws(Errno) in
      try open(process, descriptor, address, flags, UInt32(truncatingIfNeeded: mode))
    }
  }

  private func open(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ flags: UInt32, _ mode: UInt32
  ) throws(Errno) -> UInt64 {
    let creates = flags & OpenFlags.create != 0
    let isExclusive = creates && flags & OpenFlags.exclusive != 0
    if process.files.descriptors.isFull {
      // Linux takes the descriptor before it looks for the file.
      throw try copyPath(address).isEmpty ? .noEntry : .tooManyFiles
    }
    var place = try place(
      process, descriptor, address,
      followsLast: flags & OpenFlags.noFollow == 0 && !isExclusive,
      isNew: creates)
    if creates && place.mustBeDirectory { throw .isDirectory }
    let inode: Inode
    var isNew = false
    if let found = place.inode {
      if isExclusive { throw .exists }
      inode = found
    } else {
      guard creates else { throw .noEntry }
      if place.parent.links <= 0 { throw .noEntry }
      try checkNames(place.parent.volume, isNew: true)
      let mode = mode & 0o7777 & ~process.files.umask
      if let host = place.parent.volume.host {
        do {
          inode = try host.makeFile(place.name, in: place.parent, mode: mode)
        } catch {
          // Somebody on the host was faster.
          throw error == .exists && !isExclusive ? .stale : error
        }
      } else {
        inode = Inode(place.parent.volume, .regular, mode: mode)
        stamp(inode, created: true)
      }
      place.inode = inode
      isNew = true
    }
    let writes = flags & 3 != 0 || flags & OpenFlags.truncate != 0
    if !isNew {
      if case .symbolicLink = inode.kind, flags & OpenFlags.path == 0 { throw .tooManyLinks }
      if flags & OpenFlags.directory != 0 && !inode.isDirectory { throw .notDirectory }
      if inode.isDirectory && (writes || creates) { throw .isDirectory }
      if case .report(let report) = inode.kind, flags & OpenFlags.path == 0 {
        let wanted: UInt32 = (writes ? 0o200 : 0) | (flags & 3 != 1 ? 0o400 : 0)
        if report.kind.mode & wanted != wanted { throw .accessDenied }
      }
      if inode.isRegular && writes {
        try checkWritable(inode.volume)
        if inode.executions > 0 { throw .textBusy }
      }
      if flags & OpenFlags.path == 0 { try inode.volume.host?.open(inode, writing: writes) }
    }
    let file = OpenFile(
      system, .inode(inode), path: tree.path(of: place),
      flags: flags
        & ~(OpenFlags.create | OpenFlags.exclusive | OpenFlags.truncate
        | OpenFlags.closeOnExec | 0x100)
        | (flags & OpenFlags.path == 0 ? OpenFlags.large : 0))
    if case .report(let report) = inode.kind {
      do {
        file.text = try text(of: report)
      } catch {
        file.release()
        throw error
      }
    }
    inode.host?.path = file.path
    let number: UInt64
    do {
      number = try process.files.descriptors.add(
        file, closesOnExec: flags & OpenFlags.closeOnExec != 0)
    } catch {
      if isNew { try? place.parent.volume.host?.remove(place, inode) }
      file.release()
      throw error
    }
    if isNew {
      if place.parent.volume.host == nil { place.parent.add(place.name, inode) }
      stamp(place.parent)
    } else if flags & OpenFlags.truncate != 0 && inode.isRegular {
      do { _ = try setSize(process, inode, 0) } catch {
        try process.files.descriptors.close(number)
        throw error
      }
    }
    return number
  }

  /// Refuses to change a file system that may only be read.
  ///
  /// - Throws: EROFS.
  func checkWritable(_ volume: Volume) throws(Errno) {
    if volume.isReadOnly { throw .readOnlyFileSystem }
  }

  /// Refuses to change the names of a file system that may only be read, or whose names the kernel
  /// makes.
  ///
  /// - Throws: EROFS; ENOENT for a name that is not there, EPERM for one that is.
  func checkNames(_ volume: Volume, isNew: Bool) throws(Errno) {
    try checkWritable(volume)
    if volume.isGenerated { throw isNew ? .noEntry : .notPermitted }
  }

  /// Notes the time of a change.
  func stamp(_ inode: Inode, created: Bool = false) {
    inode.modified = now
    inode.changed = now
    if created { inode.accessed = now }
  }

  /// chdir.
  func changeDirectory(_ process: Process, _ address: UInt64) throws(Errno) -> UInt64 {
    let place = try place(process, UInt64(bitPattern: -100), address)
    guard let inode = place.inode else { throw .noEntry }
    guard inode.isDirectory else { throw .notDirectory }
    process.files.change(to: inode)
    return 0
  }

  /// fchdir.
  func changeDirectory(_ process: Process, toOpen descriptor: UInt64) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    guard let inode = file.inode, inode.isDirectory else { throw .notDirectory }
    process.files.change(to: inode)
    return 0
  }

  /// getcwd: the path with its zero byte; returns how many bytes that is.
  func getDirectory(
    _ process: Process, _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    guard let path = tree.path(of: process.files.directory) else { throw .noEntry }
    let bytes = path + [0]
    if count < bytes.count { throw .outOfRange }
    return try copyOut(bytes: bytes, to: address)
  }

  /// Copies bytes to the program and tells how many.
  ///
  /// - Throws: EFAULT unless all of them could be put.
  func copyOut(bytes: [UInt8], to address: UInt64) throws(Errno) -> UInt64 {
    guard isUserRange(address, UInt64(bytes.count)) else { throw .badAddress }
    if bytes.isEmpty { return 0 }
    let done = bytes.withUnsafeBytes { copyOut($0.baseAddress!, bytes.count, to: address) }
    if done != bytes.count { throw .badAddress }
    return UInt64(done)
  }

  /// readlinkat.
  func readLink(
    _ process: Process, _ descriptor: UInt64, _ path: UInt64, _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    if Int32(truncatingIfNeeded: count) <= 0 { throw .invalid }
    let place = try place(process, descriptor, path, followsLast: false)
    guard let inode = place.inode else { throw .noEntry }
    guard case .symbolicLink(let target) = inode.kind else { throw .invalid }
    return try copyOut(
      bytes: Array(target.prefix(Int(Int32(truncatingIfNeeded: count)))), to: address)
  }

  /// faccessat: the user is root, who may all but execute what nobody may.
  func access(
    _ process: Process, _ descriptor: UInt64, _ path: UInt64, _ mode: UInt64
  ) throws(Errno) -> UInt64 {
    let mode = UInt32(truncatingIfNeeded: mode)
    if mode & ~7 != 0 { throw .invalid }
    guard let inode = try place(process, descriptor, path).inode else { throw .noEntry }
    if mode & 2 != 0, inode.isRegular || inode.isDirectory { try checkWritable(inode.volume) }
    if mode & 1 != 0 && !inode.isDirectory && inode.mode & 0o111 == 0 { throw .accessDenied }
    return 0
  }

  /// truncate.
  func truncate(_ process: Process, _ path: UInt64, _ size: UInt64) throws(Errno) -> UInt64 {
    if Int64(bitPattern: size) < 0 { throw .invalid }
    return try tree.retryingStale { () throws(Errno) in
      let place = try place(process, UInt64(bitPattern: -100), path)
      guard let inode = place.inode else { throw .noEntry }
      if inode.isDirectory { throw .isDirectory }
      guard inode.isRegular else { throw .invalid }
      try checkWritable(inode.volume)
      if inode.executions > 0 { throw .textBusy }
      inode.hold()
      defer { inode.release() }
      try inode.volume.host?.open(inode, writing: true)
      return try setSize(process, inode, size)
    }
  }

  /// ftruncate.
  func truncate(_ process: Process, open descriptor: UInt64, _ size: UInt64) throws(Errno) -> UInt64
  {
    if Int64(bitPattern: size) < 0 { throw .invalid }
    let file = try process.files.descriptors.file(descriptor)
    if file.flags & OpenFlags.path != 0 { throw .badDescriptor }
    guard let inode = file.inode, inode.isRegular, file.isWritable else { throw .invalid }
    return try setSize(process, inode, size)
  }

  private func setSize(
    _ process: Process, _ inode: Inode, _ size: UInt64
  ) throws(Errno) -> UInt64 {
    if size > inode.size { try checkFileSize(process, size) }
    if size > Self.maximumFileSize { throw .fileTooLarge }
    // F_SEAL_SHRINK.
    if size < inode.size && (inode.seals ?? 0) & 2 != 0 { throw .notPermitted }
    try checkSeals(inode, writing: false, growingTo: size)
    try inode.setHostSize(size)
    inode.truncate(to: size)
    stamp(inode)
    return 0
  }

  /// The largest file: 16 TiB less a page, as ext4's with blocks of 4 KiB.
  static var maximumFileSize: UInt64 { 1 << 44 - 4096 }

  /// fchmod; pipes and sockets have no permissions to change.
  func changeMode(
    _ process: Process, open descriptor: UInt64, _ mode: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    if file.flags & OpenFlags.path != 0 { throw .badDescriptor }
    return file.inode == nil ? 0 : try changeMode(file.inode, mode)
  }

  /// fchmodat, or fchmod of an open file.
  func changeMode(_ inode: Inode?, _ mode: UInt64) throws(Errno) -> UInt64 {
    guard let inode else { throw .noEntry }
    try checkNames(inode.volume, isNew: false)
    // F_SEAL_EXEC.
    if (inode.seals ?? 0) & 32 != 0, (UInt32(truncatingIfNeeded: mode) ^ inode.mode) & 0o111 != 0 {
      throw .notPermitted
    }
    if let host = inode.volume.host {
      host.beginWalk()
      try host.setMode(inode, UInt32(truncatingIfNeeded: mode))
      return 0
    }
    inode.mode = UInt32(truncatingIfNeeded: mode) & 0o7777
    inode.changed = now
    return 0
  }
}
