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
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, followsLast: Bool = true
  ) throws(Errno) -> FileTree.Place {
    let path = try copyPath(address)
    if path.isEmpty { throw .noEntry }
    return try tree.place(
      of: path, from: start(process, descriptor, path), followsLast: followsLast)
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
    let creates = flags & OpenFlags.create != 0
    let isExclusive = creates && flags & OpenFlags.exclusive != 0
    var place = try place(
      process, descriptor, address,
      followsLast: flags & OpenFlags.noFollow == 0 && !isExclusive)
    let inode: Inode
    var isNew = false
    if let found = place.inode {
      if isExclusive { throw .exists }
      inode = found
    } else {
      guard creates else { throw .noEntry }
      if place.mustBeDirectory { throw .isDirectory }
      if place.parent.links <= 0 { throw .noEntry }
      inode = Inode(place.parent.volume, .regular, mode: 0)
      inode.mode = UInt32(truncatingIfNeeded: mode) & 0o7777 & ~process.files.umask
      stamp(inode, created: true)
      place.inode = inode
      isNew = true
    }
    let writes = flags & 3 != 0 || flags & OpenFlags.truncate != 0
    if !isNew {
      if case .symbolicLink = inode.kind, flags & OpenFlags.path == 0 { throw .tooManyLinks }
      if flags & OpenFlags.directory != 0 && !inode.isDirectory { throw .notDirectory }
      if inode.isDirectory && (writes || creates) { throw .isDirectory }
      if case .report = inode.kind, writes { throw .accessDenied }
      if inode.isRegular && writes && inode.executions > 0 { throw .textBusy }
    }
    let file = OpenFile(
      system, .inode(inode), path: tree.path(of: place),
      flags: flags
        & ~(OpenFlags.create | OpenFlags.exclusive | OpenFlags.truncate
        | OpenFlags.closeOnExec | 0x100) | OpenFlags.large)
    if case .report(let report) = inode.kind {
      do {
        file.text = try text(of: report)
      } catch {
        file.release()
        throw error
      }
    }
    let number: UInt64
    do {
      number = try process.files.descriptors.add(
        file, closesOnExec: flags & OpenFlags.closeOnExec != 0)
    } catch {
      file.release()
      throw error
    }
    if isNew {
      place.parent.add(place.name, inode)
      stamp(place.parent)
    } else if flags & OpenFlags.truncate != 0 && inode.isRegular {
      inode.truncate(to: 0)
      stamp(inode)
    }
    return number
  }

  /// Notes the time of a change.
  func stamp(_ inode: Inode, created: Bool = false) {
    inode.modified = now
    inode.changed = now
    if created { inode.accessed = now }
  }

  /// unlinkat: a file, or with AT_REMOVEDIR a directory.
  func unlink(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    let flags = UInt32(truncatingIfNeeded: flags)
    if flags & ~0x200 != 0 { throw .invalid }
    let removesDirectory = flags != 0
    let path = try copyPath(address)
    if path.isEmpty { throw .noEntry }
    let place = try tree.place(
      of: path, from: start(process, descriptor, path), followsLast: false)
    if place.name.isEmpty {
      // "." is EINVAL, ".." ENOTEMPTY, the root EBUSY.
      if !removesDirectory { throw .isDirectory }
      let last = path.split(separator: UInt8(ascii: "/")).last
      if last == nil { throw .busy }
      throw last?.count == 1 ? .invalid : .notEmpty
    }
    guard let inode = place.inode else { throw .noEntry }
    if removesDirectory {
      guard inode.isDirectory else { throw .notDirectory }
      if inode.volume !== place.parent.volume { throw .busy }
      if !inode.entries.isEmpty { throw .notEmpty }
    } else if inode.isDirectory {
      throw .isDirectory
    }
    stamp(place.parent)
    inode.changed = now
    place.parent.remove(place.name)
    return 0
  }

  /// mkdirat.
  func makeDirectory(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ mode: UInt64
  ) throws(Errno) -> UInt64 {
    let place = try place(process, descriptor, address, followsLast: false)
    if place.inode != nil { throw .exists }
    if place.parent.links <= 0 { throw .noEntry }
    let inode = Inode(place.parent.volume, .directory, mode: 0)
    inode.mode = UInt32(truncatingIfNeeded: mode) & 0o1777 & ~process.files.umask
    stamp(inode, created: true)
    place.parent.add(place.name, inode)
    stamp(place.parent)
    return 0
  }

  /// symlinkat.
  func makeSymbolicLink(
    _ process: Process, _ target: UInt64, _ descriptor: UInt64, _ address: UInt64
  ) throws(Errno) -> UInt64 {
    let target = try copyPath(target)
    if target.isEmpty { throw .noEntry }
    let place = try place(process, descriptor, address, followsLast: false)
    if place.inode != nil { throw .exists }
    if place.mustBeDirectory || place.parent.links <= 0 { throw .noEntry }
    let inode = Inode(place.parent.volume, .symbolicLink(target), mode: 0o777)
    stamp(inode, created: true)
    place.parent.add(place.name, inode)
    stamp(place.parent)
    return 0
  }

  /// linkat.
  func makeLink(
    _ process: Process, _ oldDescriptor: UInt64, _ old: UInt64, _ newDescriptor: UInt64,
    _ new: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    // AT_SYMLINK_FOLLOW 0x400.
    if UInt32(truncatingIfNeeded: flags) & ~0x400 != 0 { throw .invalid }
    let source = try place(process, oldDescriptor, old, followsLast: flags & 0x400 != 0)
    guard let inode = source.inode else { throw .noEntry }
    let place = try place(process, newDescriptor, new, followsLast: false)
    if place.inode != nil { throw .exists }
    if place.mustBeDirectory || place.parent.links <= 0 { throw .noEntry }
    if inode.volume !== place.parent.volume { throw .crossDevice }
    if inode.isDirectory { throw .notPermitted }
    if inode.links <= 0 { throw .noEntry }
    place.parent.add(place.name, inode)
    inode.changed = now
    stamp(place.parent)
    return 0
  }

  /// renameat2 with no flags, RENAME_NOREPLACE or RENAME_EXCHANGE.
  func rename(
    _ process: Process, _ oldDescriptor: UInt64, _ old: UInt64, _ newDescriptor: UInt64,
    _ new: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    let flags = UInt32(truncatingIfNeeded: flags)
    if flags & ~7 != 0 || flags & 2 != 0 && flags & 5 != 0 { throw .invalid }
    if flags & 4 != 0 { throw unsupported("renameat2 with RENAME_WHITEOUT", .invalid) }
    let exchanges = flags & 2 != 0
    let from = try place(process, oldDescriptor, old, followsLast: false)
    let to = try place(process, newDescriptor, new, followsLast: false)
    if from.parent.volume !== to.parent.volume { throw .crossDevice }
    if from.name.isEmpty { throw .busy }
    if to.name.isEmpty { throw flags & 1 != 0 ? .exists : .busy }
    guard let inode = from.inode else { throw .noEntry }
    if to.inode != nil && flags & 1 != 0 { throw .exists }
    if !inode.isDirectory && (from.mustBeDirectory || to.mustBeDirectory) { throw .notDirectory }
    if inode.volume !== from.parent.volume { throw .busy }
    // A directory does not move into itself.
    var above: Inode? = to.parent
    while let at = above, at !== tree.root {
      if at === inode { throw .invalid }
      above = at.parent
    }
    if to.parent.links <= 0 { throw .noEntry }
    if exchanges {
      guard let other = to.inode else { throw .noEntry }
      above = from.parent
      while let at = above, at !== tree.root {
        if at === other { throw .invalid }
        above = at.parent
      }
      if other !== inode { exchange(from, inode, to, other) }
      return 0
    }
    if let victim = to.inode {
      if victim === inode { return 0 }
      if inode.isDirectory {
        guard victim.isDirectory else { throw .notDirectory }
        if victim.volume !== to.parent.volume { throw .busy }
        if !victim.entries.isEmpty { throw .notEmpty }
      } else if victim.isDirectory {
        throw .isDirectory
      }
      victim.changed = now
      to.parent.remove(to.name)
    }
    // One name more for a moment, so that it is not taken for deleted.
    inode.hold()
    let old = tree.path(of: from)
    from.parent.remove(from.name)
    to.parent.add(to.name, inode)
    for case let file? in system.sources where file.inode === inode && file.path == old {
      file.path = tree.path(of: to)
    }
    inode.changed = now
    stamp(from.parent)
    stamp(to.parent)
    inode.release()
    return 0
  }

  /// Gives each of two files the other's name.
  private func exchange(
    _ from: FileTree.Place, _ inode: Inode, _ to: FileTree.Place, _ other: Inode
  ) {
    inode.hold()
    other.hold()
    from.parent.remove(from.name)
    to.parent.remove(to.name)
    from.parent.add(from.name, other)
    to.parent.add(to.name, inode)
    for changed in [inode, other] { changed.changed = now }
    stamp(from.parent)
    stamp(to.parent)
    inode.release()
    other.release()
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
    if mode & 1 != 0 && !inode.isDirectory && inode.mode & 0o111 == 0 { throw .accessDenied }
    return 0
  }

  /// truncate.
  func truncate(_ process: Process, _ path: UInt64, _ size: UInt64) throws(Errno) -> UInt64 {
    if Int64(bitPattern: size) < 0 { throw .invalid }
    let place = try place(process, UInt64(bitPattern: -100), path)
    guard let inode = place.inode else { throw .noEntry }
    if inode.isDirectory { throw .isDirectory }
    guard inode.isRegular else { throw .invalid }
    if inode.executions > 0 { throw .textBusy }
    return try setSize(process, inode, size)
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
    inode.truncate(to: size)
    stamp(inode)
    return 0
  }

  /// The largest file: 16 TiB less a page, as ext4's with blocks of 4 KiB.
  static var maximumFileSize: UInt64 { 1 << 44 - 4096 }

  /// fchmodat, or fchmod of an open file.
  func changeMode(_ inode: Inode?, _ mode: UInt64) throws(Errno) -> UInt64 {
    guard let inode else { throw .noEntry }
    inode.mode = UInt32(truncatingIfNeeded: mode) & 0o7777
    inode.changed = now
    return 0
  }
}
