/// The names of all files: one tree over a disk (the root) and file systems in memory (/tmp, /dev,
/// /dev/shm).
final class FileTree {
  let root: Inode
  /// The disk under the root.
  let disk: Volume
  /// Nameless files: shared anonymous memory, memfd_create.
  let nameless: Volume
  /// /proc, and what brings its directories up to date before a path leads through it.
  let processes: Inode
  var refreshProcesses: () -> Void = {}
  /// Which of the kernel's `processTableChanges` they show, and which process as `self`.
  var shownProcesses: UInt64 = 0
  var shownCurrent: Int32 = 0
  /// The directories of the host that are shown.
  var mounts: [HostVolume] = []
  private let temporary: Volume
  private let devices: Volume
  private let sharedMemory: Volume

  /// Makes the tree of a run: empty but for /tmp and /dev.
  init(_ system: SystemMemory, diskBytes: UInt64) {
    disk = Volume(system, device: 0x801, image: DiskImage(bytes: diskBytes))
    nameless = Volume(system, device: 1)
    devices = Volume(system, device: 5)
    sharedMemory = Volume(system, device: 0x18)
    temporary = Volume(system, device: 0x19)
    let proc = Volume(system, device: 0x16, isGenerated: true)
    processes = Inode(proc, .directory, mode: 0o555)
    root = Inode(disk, .directory, mode: 0o755)
    root.parent = root
    root.links = 2
    root.add(Array("tmp".utf8), Inode(temporary, .directory, mode: 0o1777))
    root.add(Array("proc".utf8), processes)
    let settings = Inode(proc, .directory, mode: 0o555)
    let pressure = Inode(proc, .directory, mode: 0o555)
    for kind in ProcessReport.Kind.allCases where kind.place != .process {
      let directory =
        switch kind.place {
        case .settings: settings
        case .pressure: pressure
        default: processes
        }
      directory.add(report: ProcessReport(kind: kind, pid: 0))
    }
    processes.add(Array("pressure".utf8), pressure)
    let sys = Inode(proc, .directory, mode: 0o555)
    sys.add(Array("vm".utf8), settings)
    processes.add(Array("sys".utf8), sys)
    let dev = Inode(devices, .directory, mode: 0o755)
    root.add(Array("dev".utf8), dev)
    for (name, device) in [
      ("null", Inode.Device.null), ("zero", .zero), ("full", .full), ("random", .random),
      ("urandom", .urandom),
    ] {
      dev.add(Array(name.utf8), Inode(devices, .device(device), mode: 0o666))
    }
    dev.add(Array("shm".utf8), Inode(sharedMemory, .directory, mode: 0o1777))
  }

  /// Inodes there are on all file systems, with a name or without.
  var inodeCount: Int {
    let volumes = [disk, nameless, temporary, devices, sharedMemory, processes.volume]
    let shown = mounts.reduce(0) { $0 + $1.inodeCount }
    return volumes.reduce(shown) { $0 + $1.inodeCount }
  }

  /// What a path leads to.
  struct Place {
    /// The directory of the last component.
    var parent: Inode
    /// The last component; empty for the root, `.` and `..`.
    var name: [UInt8]
    /// What stands there, if anything.
    var inode: Inode?
    /// The path ended in a slash.
    var mustBeDirectory: Bool
  }

  /// Does something again if a file of the host was replaced between finding and using it.
  func retryingStale<Result>(_ body: () throws(Errno) -> Result) throws(Errno) -> Result {
    for _ in 0..<8 {
      do { return try body() } catch {
        if error != .stale { throw error }
      }
    }
    return try body()
  }

  /// Follows a path; what is to be made new (`isNew`) and yet stands there may be anything.
  ///
  /// - Throws: ENOENT or ENOTDIR on the way, ENAMETOOLONG, ELOOP, what a host says; a missing last
  ///   component is no error.
  func place(
    of path: [UInt8], from start: Inode, followsLast: Bool = true, isNew: Bool = false
  ) throws(Errno) -> Place {
    if mounts.isEmpty {
      return try walk(path, from: start, followsLast: followsLast, isNew: isNew)
    }
    return try retryingStale { () throws(Errno) in
      try walk(path, from: start, followsLast: followsLast, isNew: isNew)
    }
  }

  private func walk(
    _ path: [UInt8], from start: Inode, followsLast: Bool, isNew: Bool
  ) throws(Errno) -> Place {
    for mount in mounts { mount.beginWalk() }
    let slash = UInt8(ascii: "/")
    if path.isEmpty { throw .noEntry }
    var directory = path[0] == slash ? root : start
    var mustBeDirectory = path[path.count - 1] == slash
    // The components to go, the next one last.
    var pending = Array(path.split(separator: slash).reversed())
    var name: [UInt8] = []
    var inode: Inode? = directory
    var followed = 0
    while let part = pending.popLast() {
      guard directory.isDirectory else { throw .notDirectory }
      if part.count > 255 { throw .nameTooLong }
      let isLast = pending.isEmpty
      if part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) {
        if part.count == 2 {
          guard let parent = directory.parent else { throw .noEntry }
          directory = parent
        }
        name = []
        inode = directory
        if isLast { mustBeDirectory = true }
        continue
      }
      name = Array(part)
      if directory === processes { refreshProcesses() }
      inode = try directory.child(name)
      if let found = inode, case .symbolicLink(let target) = found.kind,
        !isLast || followsLast || mustBeDirectory
      {
        followed += 1
        if followed > 40 { throw .tooManyLinks }
        if target.isEmpty { throw .noEntry }
        if target[0] == slash { directory = root }
        if isLast && target[target.count - 1] == slash { mustBeDirectory = true }
        pending += target.split(separator: slash).reversed()
        if pending.isEmpty {
          name = []
          inode = directory
        }
        continue
      }
      if isLast { break }
      guard let next = inode else { throw .noEntry }
      guard next.isDirectory else { throw .notDirectory }
      directory = next
    }
    if mustBeDirectory, !isNew, let inode, !inode.isDirectory { throw .notDirectory }
    return Place(
      parent: directory, name: name, inode: inode, mustBeDirectory: mustBeDirectory)
  }

  /// What a path leads to.
  ///
  /// - Throws: ENOENT also if the last component does not exist.
  func inode(
    at path: [UInt8], from start: Inode, followsLast: Bool = true
  ) throws(Errno) -> Inode {
    guard let inode = try place(of: path, from: start, followsLast: followsLast).inode else {
      throw .noEntry
    }
    return inode
  }

  /// The absolute path of a directory; nil if it has been removed.
  func path(of directory: Inode) -> [UInt8]? {
    var parts: [[UInt8]] = []
    var at = directory
    // This finds out of the whole way on the host at once.
    if let host = at.volume.host, (try? host.directory(at)) == nil { return nil }
    while at !== root {
      guard let parent = at.parent, at.host?.parent != nil || parent[at.name] === at else {
        return nil
      }
      parts.append(at.name)
      at = parent
    }
    if parts.isEmpty { return Array("/".utf8) }
    return parts.reversed().flatMap { [UInt8(ascii: "/")] + $0 }
  }

  /// The absolute path of a place.
  func path(of place: Place) -> String {
    let directory = path(of: place.parent) ?? Array("(deleted)".utf8)
    if place.name.isEmpty { return String(decoding: directory, as: UTF8.self) }
    let separator = directory.count == 1 ? [] : [UInt8(ascii: "/")]
    return String(decoding: directory + separator + place.name, as: UTF8.self)
  }

  /// Puts the program under its path, with the directories on the way, and opens it.
  ///
  /// Where the path cannot be had (it leads through a device or into a directory of the host, say)
  /// the file has no name.
  func install(_ bytes: [UInt8], at path: String, system: SystemMemory) -> OpenFile {
    let file = Inode(disk, .regular, mode: 0o755)
    file.provided = bytes
    file.size = UInt64(bytes.count)
    var directory: Inode? = root
    var parts: [[UInt8]] = []
    for part in path.utf8.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
      if part.elementsEqual("..".utf8) { _ = parts.popLast() } else { parts.append(Array(part)) }
    }
    for part in parts.dropLast() {
      guard let at = directory, part.count <= 255 else { break }
      if at.volume.host != nil {
        directory = nil
        break
      }
      if let next = at[part] {
        directory = next.isDirectory ? next : nil
      } else {
        let next = Inode(at.volume, .directory, mode: 0o755)
        at.add(part, next)
        directory = next
      }
    }
    if let directory, directory.volume.host == nil, let name = parts.last, name.count <= 255,
      directory[name] == nil
    {
      directory.add(name, file)
    }
    return OpenFile(system, .inode(file), path: path, flags: 0)
  }
}
