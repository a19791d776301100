// System calls that make, remove and change names.

extension Kernel {
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
    try checkWritable(place.parent.volume)
    guard let inode = place.inode else { throw .noEntry }
    if removesDirectory && !inode.isDirectory { throw .notDirectory }
    try checkNames(place.parent.volume, isNew: false)
    if removesDirectory {
      if inode.volume !== place.parent.volume { throw .busy }
      if !inode.isEmpty { throw .notEmpty }
    } else if inode.isDirectory {
      throw .isDirectory
    }
    if let host = place.parent.volume.host {
      try host.remove(place, inode)
      return 0
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
    let place = try place(process, descriptor, address, followsLast: false, isNew: true)
    if place.inode != nil { throw .exists }
    if place.parent.links <= 0 { throw .noEntry }
    try checkNames(place.parent.volume, isNew: true)
    let mode = UInt32(truncatingIfNeeded: mode) & 0o1777 & ~process.files.umask
    if let host = place.parent.volume.host {
      try host.makeDirectory(place.name, in: place.parent, mode: mode)
      return 0
    }
    let inode = Inode(place.parent.volume, .directory, mode: mode)
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
    let place = try place(process, descriptor, address, followsLast: false, isNew: true)
    if place.inode != nil { throw .exists }
    if place.mustBeDirectory || place.parent.links <= 0 { throw .noEntry }
    try checkNames(place.parent.volume, isNew: true)
    if let host = place.parent.volume.host {
      try host.makeSymbolicLink(place.name, in: place.parent, to: target)
      return 0
    }
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
    // AT_SYMLINK_FOLLOW 0x400, AT_EMPTY_PATH 0x1000.
    if UInt32(truncatingIfNeeded: flags) & ~0x1400 != 0 { throw .invalid }
    var source: FileTree.Place?
    let inode: Inode
    if flags & 0x1000 != 0, try copyPath(old).isEmpty {
      inode = try linked(process, oldDescriptor)
    } else {
      let found = try place(process, oldDescriptor, old, followsLast: flags & 0x400 != 0)
      guard let target = found.inode else { throw .noEntry }
      inode = target
      source = found
    }
    let place = try place(process, newDescriptor, new, followsLast: false, isNew: true)
    if place.inode != nil { throw .exists }
    if place.mustBeDirectory || place.parent.links <= 0 { throw .noEntry }
    try checkNames(place.parent.volume, isNew: true)
    if inode.volume !== place.parent.volume { throw .crossDevice }
    if inode.isDirectory { throw .notPermitted }
    if inode.links <= 0 { throw .noEntry }
    if let host = place.parent.volume.host {
      guard let source else {
        throw unsupported("linkat with AT_EMPTY_PATH in a directory of the host", .invalid)
      }
      try host.makeLink(place, to: inode, from: source)
      return 0
    }
    place.parent.add(place.name, inode)
    inode.changed = now
    stamp(place.parent)
    return 0
  }

  /// What linkat with AT_EMPTY_PATH gives another name.
  private func linked(_ process: Process, _ descriptor: UInt64) throws(Errno) -> Inode {
    if Int32(truncatingIfNeeded: descriptor) == Self.currentDirectory {
      return process.files.directory
    }
    guard let inode = try process.files.descriptors.file(descriptor).inode else {
      throw .crossDevice
    }
    return inode
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
    try checkWritable(from.parent.volume)
    guard let inode = from.inode else { throw .noEntry }
    if to.inode != nil && flags & 1 != 0 { throw .exists }
    try checkNames(to.parent.volume, isNew: to.inode == nil)
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
      if from.parent.volume.host != nil {
        throw unsupported("renameat2 with RENAME_EXCHANGE in a directory of the host", .invalid)
      }
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
        if !victim.isEmpty { throw .notEmpty }
      } else if victim.isDirectory {
        throw .isDirectory
      }
      if to.parent.volume.host == nil {
        victim.changed = now
        to.parent.remove(to.name)
      }
    }
    if let host = to.parent.volume.host {
      try host.rename(from, inode, to: to)
      return 0
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
}
