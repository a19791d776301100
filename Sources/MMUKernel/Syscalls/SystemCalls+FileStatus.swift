import MMUMemory
import MMUTiming

// What can be known of a file, and what is in a directory.

extension Kernel {
  /// The numbers stat and statx report.
  private struct Status {
    var device: UInt64
    var number: UInt64
    var mode: UInt32
    var links: UInt32
    var special: UInt64 = 0
    var size: UInt64 = 0
    var blocks: UInt64 = 0
    var accessed: Cycles = 0
    var modified: Cycles = 0
    var changed: Cycles = 0
  }

  private func status(of inode: Inode) -> Status {
    var result = Status(
      device: inode.volume.device, number: inode.number, mode: inode.fullMode,
      links: UInt32(clamping: max(0, inode.links)))
    result.size = inode.isDirectory ? 4096 : inode.size
    if case .device(let device) = inode.kind { result.special = device.rawValue }
    // Sectors of 512 bytes: blocks of the disk, or frames of a file system in memory.
    let pages = inode.isOnDisk ? inode.blocks.count : inode.pages.count
    let provided = inode.isOnDisk ? (inode.provided.count + 4095) / 4096 : 0
    result.blocks = UInt64(max(pages, provided)) * 8
    if inode.host != nil {
      // The host's times are no business of a run that is to be repeated.
      result.blocks = inode.isRegular ? (inode.size + 4095) / 4096 * 8 : 0
      return result
    }
    result.accessed = inode.accessed
    result.modified = inode.modified
    result.changed = inode.changed
    return result
  }

  private func status(of file: OpenFile) -> Status {
    switch file.content {
    case .inode(let inode): status(of: inode)
    case .pipe: Status(device: 14, number: 8, mode: 0o010600, links: 1)
    case .socket: Status(device: 9, number: 8, mode: 0o140777, links: 1)
    // The host's streams look like pipes.
    case .stream(let stream):
      Status(device: 14, number: UInt64(stream.rawValue) + 1, mode: 0o010600, links: 1)
    }
  }

  /// struct stat of 64-bit Linux with the generic layout: 128 bytes.
  private func put(_ status: Status, at address: UInt64) throws(Errno) -> UInt64 {
    var words: [UInt64] = [
      status.device, status.number, UInt64(status.mode) | UInt64(status.links) << 32, 0,
      status.special, 0, status.size, 4096, status.blocks,
    ]
    for cycles in [status.accessed, status.modified, status.changed] {
      let time = time(cycles)
      words += [time.seconds + Self.epoch, time.nanoseconds]
    }
    words.append(0)
    try copyOut(words: words, to: address)
    return 0
  }

  /// fstat.
  func fileStatus(_ process: Process, _ descriptor: UInt64, _ address: UInt64) throws(Errno)
    -> UInt64
  {
    try put(status(of: process.files.descriptors.file(descriptor)), at: address)
  }

  /// What newfstatat and statx are about; an empty path with AT_EMPTY_PATH is the descriptor itself.
  private func statusTarget(
    _ process: Process, _ descriptor: UInt64, _ path: UInt64, _ flags: UInt32
  ) throws(Errno) -> Status {
    let bytes = path == 0 && flags & 0x1000 != 0 ? [] : try copyPath(path)
    if bytes.isEmpty && flags & 0x1000 != 0 {
      if Int32(truncatingIfNeeded: descriptor) == Self.currentDirectory {
        return status(of: process.files.directory)
      }
      return try status(of: process.files.descriptors.file(descriptor))
    }
    return try status(
      of: tree.inode(
        at: bytes, from: start(process, descriptor, bytes), followsLast: flags & 0x100 == 0))
  }

  /// newfstatat: AT_SYMLINK_NOFOLLOW 0x100, AT_NO_AUTOMOUNT 0x800, AT_EMPTY_PATH 0x1000.
  func fileStatus(
    _ process: Process, _ descriptor: UInt64, _ path: UInt64, _ address: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    let flags = UInt32(truncatingIfNeeded: flags)
    if flags & ~0x1900 != 0 { throw .invalid }
    return try put(statusTarget(process, descriptor, path, flags), at: address)
  }

  /// statx: the basic statistics.
  func extendedStatus(
    _ process: Process, _ descriptor: UInt64, _ path: UInt64, _ flags: UInt64, _ mask: UInt64,
    _ address: UInt64
  ) throws(Errno) -> UInt64 {
    let flags = UInt32(truncatingIfNeeded: flags)
    if mask & 0x8000_0000 != 0 || flags & ~0x7900 != 0 || flags & 0x6000 == 0x6000 {
      throw .invalid
    }
    let status = try statusTarget(process, descriptor, path, flags)
    var words = [UInt64](repeating: 0, count: 32)
    words[0] = 0x7ff | 4096 << 32  // STATX_BASIC_STATS, block size
    words[2] = UInt64(status.links)
    words[3] = UInt64(status.mode) << 32
    words[4] = status.number
    words[5] = status.size
    words[6] = status.blocks
    for (i, cycles) in [status.accessed, 0, status.changed, status.modified].enumerated()
    where i != 1 {
      let time = time(cycles)
      words[8 + 2 * i] = time.seconds + Self.epoch
      words[9 + 2 * i] = time.nanoseconds
    }
    words[16] = status.special >> 8 | (status.special & 255) << 32
    words[17] = status.device >> 8 | (status.device & 255) << 32
    try copyOut(words: words, to: address)
    return 0
  }

  /// getdents64: `.`, `..`, then the names in the order they were made, or for a directory of the
  /// host in the order of their bytes.
  func listDirectory(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    if file.flags & OpenFlags.path != 0 { throw .badDescriptor }
    guard let inode = file.inode, inode.isDirectory else { throw .notDirectory }
    let room = Int(min(UInt64(UInt32(truncatingIfNeeded: count)), UInt64(Self.bufferBytes)))
    if inode.links <= 0 { throw .noEntry }
    var bytes: [UInt8] = []
    var position = file.position
    /// Adds a record if there is room.
    func put(_ number: UInt64, _ type: UInt8, _ name: [UInt8], next: UInt64) -> Bool {
      let length = (19 + name.count + 1 + 7) & ~7
      if bytes.count + length > room { return false }
      for word in [number, next] { withUnsafeBytes(of: word.littleEndian) { bytes += $0 } }
      bytes += [UInt8(length & 255), UInt8(length >> 8), type]
      bytes += name
      bytes += repeatElement(0, count: length - 19 - name.count)
      position = next
      return true
    }
    var isFull = false
    if position == 0 { isFull = !put(inode.number, 4, Array(".".utf8), next: 1) }
    if !isFull && position == 1 {
      isFull = !put((inode.parent ?? inode).number, 4, Array("..".utf8), next: 2)
    }
    if let host = inode.volume.host {
      host.beginWalk()
      if file.listing == nil || file.position == 0 {
        file.listing = try host.directory(inode).names().sorted { $0.lexicographicallyPrecedes($1) }
      }
      let names = file.listing ?? []
      while !isFull && position >= 2 && position - 2 < UInt64(names.count) {
        let name = names[Int(position - 2)]
        if let entry = try host.entry(name, in: inode) {
          isFull = !put(entry.number, entry.type, name, next: position + 1)
        } else {
          position += 1
        }
      }
    }
    var index = inode.position(of: position + 1)
    while !isFull && index < inode.entries.count {
      let entry = inode.entries[index]
      if let inode = entry.inode {
        isFull = !put(inode.number, inode.entryType, entry.name, next: entry.cookie)
      }
      index += 1
    }
    if bytes.isEmpty {
      if isFull { throw .invalid }
      return 0
    }
    let done = try copyOut(bytes: bytes, to: address)
    file.position = position
    return done
  }
}
