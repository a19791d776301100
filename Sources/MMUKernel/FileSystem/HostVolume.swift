import MMUMemory

/// What a guest file system over a directory of the host has beside a `Volume`'s own: the way to
/// the host, and which files of it are known.
///
/// No directory but the given one is held open. Each use of another goes there again from that one,
/// name by name as the guest's tree has it, and must find the same directory; what the host has moved
/// elsewhere cannot be reached any more.
final class HostVolume {
  private let root: any HostDirectory
  let isWritable: Bool

  /// A file of the host met in this run.
  private struct Known {
    let number: UInt64
    weak var inode: Inode?
  }

  private var known: [HostIdentity: Known] = [:]
  /// The directory opened last in this walk: what follows mostly needs it or one in it.
  private var last: (inode: Inode, directory: any HostDirectory)?

  /// Makes the file system of a mount.
  init(_ mount: HostMount) {
    root = mount.directory
    isWritable = mount.isWritable
  }

  /// The directory that the mount gives.
  func makeRoot(_ volume: Volume) throws(Errno) -> Inode {
    let link = HostLink(root.identity)
    let number = number(of: root.identity, volume)
    let inode = Inode(volume, .directory, mode: 0o755, number: number)
    inode.host = link
    inode.links = 1
    known[root.identity] = Known(number: number, inode: inode)
    return inode
  }

  /// Inodes there are.
  var inodeCount: Int { known.values.count { $0.inode != nil } }

  /// Forgets what an earlier walk has opened.
  func beginWalk() { last = nil }

  /// Opens a directory of the guest's tree on the host.
  ///
  /// - Throws: ENOENT or ESTALE if it is not where it was; what the host says.
  func directory(_ inode: Inode) throws(Errno) -> any HostDirectory {
    var handle = root
    var way: [Inode] = []
    var at = inode
    while let parent = at.host?.parent {
      if let last, last.inode === at {
        handle = last.directory
        break
      }
      way.append(at)
      at = parent
    }
    for next in way.reversed() {
      do {
        handle = try handle.directory(next.name)
      } catch {
        throw error == .notDirectory || error == .tooManyLinks ? .stale : error
      }
      if handle.identity != next.host?.identity { throw .stale }
      last = (next, handle)
    }
    return handle
  }

  /// What stands under a name; nil if nothing does.
  func lookUp(_ name: [UInt8], in parent: Inode) throws(Errno) -> Inode? {
    let handle = try directory(parent)
    let status: HostStatus
    do {
      status = try handle.status(of: name)
    } catch {
      if error == .noEntry { return nil }
      throw error
    }
    return try inode(status, name, parent, handle)
  }

  /// Number and type of what stands under a name, for a listing; nil if nothing does any more.
  func entry(_ name: [UInt8], in parent: Inode) throws(Errno) -> (number: UInt64, type: UInt8)? {
    let status: HostStatus
    do {
      status = try directory(parent).status(of: name)
    } catch {
      if error == .noEntry { return nil }
      throw error
    }
    let number = number(of: status.identity, parent.volume)
    return (number, UInt8(truncatingIfNeeded: status.mode >> 12))
  }

  /// The number the guest knows a file by: in the order in which they are met.
  private func number(of identity: HostIdentity, _ volume: Volume) -> UInt64 {
    if let known = known[identity] { return known.number }
    let number = volume.newNumber()
    known[identity] = Known(number: number)
    return number
  }

  /// The inode of a file the host has just told of: the one there is, or a new one.
  private func inode(
    _ status: HostStatus, _ name: [UInt8], _ parent: Inode, _ handle: any HostDirectory
  ) throws(Errno) -> Inode {
    let volume = parent.volume
    let number = number(of: status.identity, volume)
    let mode = status.mode & 0o7777
    var inode: Inode
    if let present = known[status.identity]?.inode, present.fullMode >> 12 == status.mode >> 12 {
      inode = present
      inode.mode = mode
    } else {
      let kind: Inode.Kind
      switch status.kind {
      case .regular: kind = .regular
      case .directory: kind = .directory
      case .special: kind = .special(type: status.mode & 0o170000)
      case .symbolicLink:
        do { kind = .symbolicLink(try handle.target(of: name)) } catch {
          throw error == .invalid ? .stale : error
        }
      }
      inode = Inode(volume, kind, mode: mode, number: number)
      inode.host = HostLink(status.identity)
    }
    known[status.identity] = Known(number: number, inode: inode.isLink ? nil : inode)
    if inode.isDirectory {
      // The host may have moved things so that a directory is now found below itself.
      var above = Optional(parent)
      while let at = above, at.volume === volume {
        if at === inode { throw .tooManyLinks }
        above = at.host?.parent
      }
      inode.links = 1
      inode.parent = parent
    } else {
      inode.links = Int(clamping: status.links)
    }
    inode.name = name
    inode.host?.parent = parent
    if inode.isRegular { inode.takeOver(status) }
    return inode
  }

  /// Opens the content of a file that was found under a name.
  ///
  /// - Throws: EACCES for what is no regular file; ESTALE if another file stands there by now.
  func open(_ inode: Inode, writing: Bool) throws(Errno) {
    guard let link = inode.host else { return }
    if case .special = inode.kind { throw .accessDenied }
    if inode.isDirectory {
      _ = try directory(inode).names()
      return
    }
    guard inode.isRegular, let parent = link.parent else { return }
    // What is open is the file that was found: one identity, one inode.
    if link.content != nil && (link.isContentWritable || !writing) { return }
    let file = try directory(parent).file(inode.name, writing: writing)
    let status = try file.status()
    if status.identity != link.identity { throw .stale }
    inode.attach(file, status, isWritable: writing)
  }

  /// Makes a file, open for writing.
  func makeFile(_ name: [UInt8], in parent: Inode, mode: UInt32) throws(Errno) -> Inode {
    let handle = try directory(parent)
    let file = try handle.makeFile(name, mode: mode)
    let status = try file.status()
    let inode = try inode(status, name, parent, handle)
    inode.attach(file, status, isWritable: true)
    return inode
  }

  /// Makes a directory.
  func makeDirectory(_ name: [UInt8], in parent: Inode, mode: UInt32) throws(Errno) {
    try directory(parent).makeDirectory(name, mode: mode)
  }

  /// Makes a symbolic link.
  func makeSymbolicLink(_ name: [UInt8], in parent: Inode, to target: [UInt8]) throws(Errno) {
    try directory(parent).makeSymbolicLink(name, to: target)
  }

  /// Gives a file one more name.
  func makeLink(_ place: FileTree.Place, to inode: Inode, from source: FileTree.Place) throws(Errno)
  {
    try keepingCache(of: inode) { () throws(Errno) in
      let from = try directory(source.parent)
      try from.makeLink(source.name, in: directory(place.parent), as: place.name)
    }
    inode.links += 1
  }

  /// Takes the name of a file or of an empty directory away.
  func remove(_ place: FileTree.Place, _ inode: Inode) throws(Errno) {
    try keepingCache(of: inode) { () throws(Errno) in
      try directory(place.parent).remove(place.name, isDirectory: inode.isDirectory)
    }
    lose(inode)
  }

  /// Gives a file or directory another name, in place of what stood there.
  func rename(
    _ from: FileTree.Place, _ inode: Inode, to: FileTree.Place
  ) throws(Errno) {
    try keepingCache(of: inode) { () throws(Errno) in
      let old = try directory(from.parent)
      try old.rename(from.name, to: directory(to.parent), as: to.name)
      inode.name = to.name
      inode.host?.parent = to.parent
      if inode.isDirectory { inode.parent = to.parent }
    }
    last = nil
    if let victim = to.inode { lose(victim) }
  }

  /// Changes names of a file, which the host counts as a change of it, and yet keeps its pages.
  private func keepingCache(of inode: Inode, _ body: () throws(Errno) -> Void) throws(Errno) {
    /// The file's status if it is still where it was.
    func status() -> HostStatus? {
      guard let link = inode.host, let parent = link.parent else { return nil }
      let status =
        (try? link.content?.status()) ?? (try? directory(parent).status(of: inode.name))
      return status?.identity == link.identity ? status : nil
    }
    let isCurrent = inode.isRegular && inode.host?.version == status()?.version
    try body()
    if isCurrent, let status = status() { inode.host?.version = status.version }
  }

  /// One name of a file is gone.
  private func lose(_ inode: Inode) {
    guard let link = inode.host else { return }
    if inode.isDirectory {
      inode.links = 0
    } else {
      // The host knows whether others have given it more names.
      if let status = try? link.content?.status() { inode.links = Int(clamping: status.links) + 1 }
      inode.unlink()
    }
    // The host may give its identity to another file, unless it is open; see `closeContent`.
    if inode.links <= 0, link.content == nil { forget(link.identity) }
  }

  /// Forgets a file that is no more.
  func forget(_ identity: HostIdentity) { known[identity] = nil }

  /// Sets permission bits; the host's other bits (set-user-ID and the like) are not the guest's.
  func setMode(_ inode: Inode, _ mode: UInt32) throws(Errno) {
    guard let link = inode.host else { return }
    if inode.isDirectory {
      try directory(inode).setMode(mode & 0o777)
    } else {
      inode.hold()
      defer { inode.release() }
      try open(inode, writing: false)
      try link.change { file throws(Errno) in try file.setMode(mode & 0o777) }
    }
    inode.mode = mode & 0o777
  }
}

extension FileTree {
  /// Shows a directory of the host, making the directories on the way.
  ///
  /// - Precondition: the program has not started; the path is one of `HostMount.names(of:)`.
  func mount(_ mount: HostMount, system: SystemMemory) throws(Errno) {
    var directory = root
    for name in mount.path.dropLast() {
      if let next = directory[name] {
        guard next.isDirectory, next.volume.host == nil else { throw .busy }
        directory = next
      } else {
        let next = Inode(directory.volume, .directory, mode: 0o755)
        directory.add(name, next)
        directory = next
      }
    }
    guard let name = mount.path.last, directory[name]?.volume.host == nil else { throw .busy }
    let host = HostVolume(mount)
    let volume = Volume(system, device: 0x30 + UInt64(mounts.count), host: host)
    directory.remove(name)
    directory.add(name, try host.makeRoot(volume))
    mounts.append(host)
  }
}
