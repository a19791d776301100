import MMUTiming

// Calls about ranges of descriptors and of files, and about what waits in them.

extension Kernel {
  /// close_range: closes descriptors, or with CLOSE_RANGE_CLOEXEC marks them FD_CLOEXEC.
  func closeRange(
    _ process: Process, _ first: UInt64, _ last: UInt64, _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    let (first, last) = (UInt32(truncatingIfNeeded: first), UInt32(truncatingIfNeeded: last))
    let flags = UInt32(truncatingIfNeeded: flags)
    // CLOSE_RANGE_UNSHARE 2, CLOEXEC 4.
    if flags & ~6 != 0 || first > last { throw .invalid }
    if flags & 2 != 0 { throw unsupported("close_range with CLOSE_RANGE_UNSHARE", .invalid) }
    let table = process.files.descriptors
    var numbers: [Int] = []
    table.forEach { number, _ in
      if number >= Int(first) && number <= Int(last) { numbers.append(number) }
    }
    for number in numbers {
      if flags & 4 != 0 {
        try table.setClosesOnExec(UInt64(number), true)
      } else {
        try table.close(UInt64(number))
      }
    }
    return 0
  }

  /// ioctl: FIONREAD, FIONBIO, FIOCLEX, FIONCLEX; there are no terminals.
  func controlDevice(
    _ process: Process, _ descriptor: UInt64, _ request: UInt64, _ address: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    if file.flags & OpenFlags.path != 0 { throw .badDescriptor }
    switch UInt32(truncatingIfNeeded: request) {
    case 0x541b: break
    case 0x5421:
      var value: Int32 = 0
      guard isUserRange(address, 4), copyIn(address, 4, to: &value) == 4 else {
        throw .badAddress
      }
      let set = value == 0 ? 0 : OpenFlags.nonBlocking
      file.flags = file.flags & ~OpenFlags.nonBlocking | set
      return 0
    case 0x5450, 0x5451:
      let closes = UInt32(truncatingIfNeeded: request) == 0x5451
      try process.files.descriptors.setClosesOnExec(descriptor, closes)
      return 0
    // Requests to terminals.
    case 0x5401...0x541a, 0x541c...0x5420: throw .notTerminal
    case let other: throw unsupported("ioctl \(hex(UInt64(other)))", .notTerminal)
    }
    let count: Int
    switch file.content {
    case .pipe(let pipe): count = pipe.count
    case .socket(let socket): count = socket.incoming.count
    case .inode(let inode) where inode.isRegular:
      count = Int(clamping: inode.size) - Int(clamping: file.position)
    default: throw .notTerminal
    }
    var number = Int32(clamping: count).littleEndian
    guard copyOut(&number, 4, to: address) == 4 else { throw .badAddress }
    return 0
  }

  /// sync_file_range: writes back the dirty pages of a range if SYNC_FILE_RANGE_WRITE is asked for.
  func synchronize(
    _ process: Process, open descriptor: UInt64, _ offset: UInt64, _ length: UInt64,
    _ flags: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    let flags = UInt32(truncatingIfNeeded: flags)
    // WAIT_BEFORE 1, WRITE 2, WAIT_AFTER 4.
    if flags & ~7 != 0 { throw .invalid }
    let (end, overflow) = offset.addingReportingOverflow(length)
    if Int64(bitPattern: offset) < 0 || overflow || Int64(bitPattern: end) < 0 { throw .invalid }
    guard let inode = file.inode, inode.isRegular || inode.isDirectory else { throw .illegalSeek }
    if flags & 2 == 0 { return 0 }
    inode.sync(offset / 4096..<(length == 0 ? 1 << 52 : max(offset / 4096, (end + 4095) / 4096)))
    return 0
  }

  /// readahead: reads pages into the cache without anybody waiting.
  func readAhead(
    _ process: Process, open descriptor: UInt64, _ offset: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    if !file.isReadable { throw .badDescriptor }
    guard let inode = file.inode, inode.isRegular else { throw .invalid }
    let (end, overflow) = offset.addingReportingOverflow(count)
    if overflow || offset >= inode.size { return 0 }
    inode.readAhead(offset / 4096..<(min(end, inode.size) + 4095) / 4096)
    return 0
  }
}
