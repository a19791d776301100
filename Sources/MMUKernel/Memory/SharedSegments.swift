import MMUMemory
import MMUTiming

/// The System V shared-memory segments of the machine: nameless files with an id and perhaps a key.
///
/// A segment removed while attached stays until the last detach, then its frames go back.
final class SharedSegments {
  /// One segment.
  struct Segment {
    let id: Int32
    /// 0 (IPC_PRIVATE) also once it has been removed.
    var key: UInt32
    /// Bytes asked for.
    let size: UInt64
    let inode: Inode
    let mode: UInt32
    let creator: Int32
    var lastUser: Int32 = 0
    var attached: Cycles = 0
    var detached: Cycles = 0
    var changed: Cycles
    var isRemoved = false

    /// Areas that show it, Linux's shm_nattch.
    var attachments: Int { inode.mappers.reduce(0) { $0 + $1.areas } }
  }

  /// SHMMNI.
  static var maximumSegments: Int { 4096 }

  private(set) var segments: [Segment] = []
  private var nextID: Int32 = 0

  /// The segment of an id, if it still is one.
  func index(of id: UInt64) -> Int? {
    discardDetached()
    return segments.firstIndex { $0.id == Int32(truncatingIfNeeded: id) }
  }

  /// The segment of a key.
  func index(ofKey key: UInt32) -> Int? {
    discardDetached()
    return segments.firstIndex { $0.key == key && !$0.isRemoved }
  }

  /// Adds a segment and holds its file; its id.
  func add(key: UInt32, size: UInt64, inode: Inode, mode: UInt32, by pid: Int32, now: Cycles)
    -> Int32
  {
    inode.hold()
    let id = nextID
    // Linux shows the id as the inode number, and pmap reads it there.
    inode.number = UInt64(id)
    nextID &+= 1
    segments.append(
      Segment(
        id: id, key: key, size: size, inode: inode, mode: mode, creator: pid, changed: now))
    return id
  }

  /// Changes a segment.
  func update(_ index: Int, _ change: (inout Segment) -> Void) { change(&segments[index]) }

  /// Lets removed segments go that nobody shows any more.
  func discardDetached() {
    for i in segments.indices.reversed()
    where segments[i].isRemoved && segments[i].attachments == 0 {
      segments.remove(at: i).inode.release()
    }
  }

  /// Lets all segments go, at the end of a run.
  func removeAll() {
    for segment in segments { segment.inode.release() }
    segments = []
  }
}

extension Kernel {
  /// shmget.
  func getSegment(
    _ process: Process, _ key: UInt64, _ size: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    let key = UInt32(truncatingIfNeeded: key)
    let flags = UInt32(truncatingIfNeeded: flags)
    let create: UInt32 = 0o1000
    if key != 0, let i = segments.index(ofKey: key) {
      if flags & (create | 0o2000) == create | 0o2000 { throw .exists }
      if size > segments.segments[i].size { throw .invalid }
      return UInt64(segments.segments[i].id)
    }
    if key != 0 && flags & create == 0 { throw .noEntry }
    if size < 1 || size > .max - (1 << 24) { throw .invalid }
    if flags & 0o4000 != 0 { throw unsupported("shmget with SHM_HUGETLB", .invalid) }
    if segments.segments.count >= SharedSegments.maximumSegments { throw .noSpace }
    // SHM_NORESERVE means nothing in mode 2.
    let isReserved = flags & 0o10000 == 0 || system.promises.mode == .strict
    let pages = (size + 4095) / pageBytes
    if isReserved && !system.canPromise(pages, to: process.space?.totalPages ?? 0) {
      throw .noMemory
    }
    let inode = Inode(tree.nameless, .regular, mode: flags & 0o777)
    inode.size = pages * pageBytes
    if isReserved { inode.promiseWhole() }
    let id = segments.add(
      key: key, size: size, inode: inode, mode: flags & 0o777, by: process.pid, now: now)
    return UInt64(id)
  }

  /// shmat.
  func attachSegment(
    _ process: Process, _ id: UInt64, _ address: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    guard let space = process.space else { throw .invalid }
    // SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC.
    let flags = UInt32(truncatingIfNeeded: flags)
    var address = address
    let replaces = flags & 0o40000 != 0
    if Int32(truncatingIfNeeded: id) < 0 { throw .invalid }
    if address == 0 && replaces { throw .invalid }
    if address & 4095 != 0 {
      if flags & 0o20000 == 0 { throw .invalid }
      address &= ~4095
      if address == 0 && replaces { throw .invalid }
    }
    guard let i = segments.index(of: id) else { throw .invalid }
    let segment = segments.segments[i]
    let isReadOnly = flags & 0o10000 != 0
    var permissions: MemoryPermissions = isReadOnly ? .read : [.read, .write]
    if flags & 0o100000 != 0 { permissions.insert(.execute) }
    var mapFlags = MapFlags(rawValue: MapFlags.shared.rawValue)
    if address != 0 {
      mapFlags.insert(.fixed)
      if !replaces {
        let (end, overflow) = address.addingReportingOverflow(segment.inode.size)
        if overflow || space.overlaps(address, end) { throw .invalid }
      }
    }
    let digits = String(segment.key, radix: 16)
    let name = "/SYSV" + String(repeating: "0", count: 8 - digits.count) + digits + " (deleted)"
    let file = OpenFile(system, .inode(segment.inode), path: name, flags: isReadOnly ? 0 : 2)
    defer { file.release() }
    let start = try space.map(
      at: address, length: segment.size, permissions: permissions, flags: mapFlags, file: file)
    segments.update(i) {
      $0.attached = now
      $0.lastUser = process.pid
    }
    return start
  }

  /// shmdt: all areas that show the segment attached at an address.
  ///
  /// - Complexity: areas plus segments.
  func detachSegment(_ process: Process, _ address: UInt64) throws(Errno) -> UInt64 {
    guard let space = process.space, address & 4095 == 0 else { throw .invalid }
    segments.discardDetached()
    let inodes = Set(segments.segments.map { ObjectIdentifier($0.inode) })
    func isShown(_ area: VirtualMemoryArea) -> Bool {
      guard area.source != 0, area.lower &- area.pageOffset &* 4096 == address,
        let inode = system.sources[Int(area.source)]?.inode
      else { return false }
      return inodes.contains(ObjectIdentifier(inode))
    }
    let shown = space.allAreas.first { $0.lower >= address && isShown($0) }
    guard let shown, let file = system.sources[Int(shown.source)], let inode = file.inode else {
      throw .invalid
    }
    for area in space.allAreas
    where area.source == shown.source && isShown(area) {
      try space.unmap(area.lower, length: area.upper - area.lower)
    }
    if let i = segments.segments.firstIndex(where: { $0.inode === inode }) {
      segments.update(i) {
        $0.detached = now
        $0.lastUser = process.pid
      }
    }
    segments.discardDetached()
    return 0
  }

  /// shmctl: IPC_RMID, IPC_STAT.
  func controlSegment(
    _ process: Process, _ id: UInt64, _ command: UInt64, _ address: UInt64
  ) throws(Errno) -> UInt64 {
    let command = Int32(truncatingIfNeeded: command)
    if command < 0 || Int32(truncatingIfNeeded: id) < 0 { throw .invalid }
    switch command {
    case 0, 2:
      guard let i = segments.index(of: id) else { throw .invalid }
      if command == 2 { return try putStatus(segments.segments[i], at: address) }
      segments.update(i) {
        $0.isRemoved = true
        $0.key = 0
        $0.changed = now
      }
      segments.discardDetached()
      return 0
    case 1, 3, 11, 12, 13, 14, 15: throw unsupported("shmctl command \(command)", .invalid)
    default: throw .invalid
    }
  }

  /// struct shmid64_ds: 112 bytes.
  private func putStatus(
    _ segment: SharedSegments.Segment, at address: UInt64
  ) throws(Errno) -> UInt64 {
    func pair(_ low: UInt32, _ high: UInt32) -> UInt64 { UInt64(low) | UInt64(high) << 32 }
    func seconds(_ time: Cycles) -> UInt64 { time / configuration.cyclesPerSecond }
    let mode = segment.mode | (segment.isRemoved ? 0o1000 : 0)
    try copyOut(
      words: [
        pair(segment.key, 0), 0, pair(0, mode), 0, 0, 0, segment.size, seconds(segment.attached),
        seconds(segment.detached), seconds(segment.changed),
        pair(UInt32(bitPattern: segment.creator), UInt32(bitPattern: segment.lastUser)),
        UInt64(segment.attachments), 0, 0,
      ], to: address)
    return 0
  }
}
