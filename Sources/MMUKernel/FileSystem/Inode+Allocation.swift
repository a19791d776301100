import MMUMemory
import MMUTiming

// Space of files made and given back without writing: fallocate, MADV_REMOVE.

extension Inode {
  /// Makes a hole: bytes that read as zero, whole pages of which have neither frame nor block.
  ///
  /// Private copies of pages stay.
  func punch(_ range: Range<UInt64>) {
    if range.isEmpty { return }
    let range = range.clamped(to: 0..<max(size, blockEnd))
    let first = (range.lowerBound + 4095) / 4096
    let last = range.upperBound / 4096
    if first < last {
      for mapper in mappers {
        mapper.space.removePages(first..<last, of: self, keepingCopies: true)
      }
      dropPages(first..<last)
    }
    // The parts of pages at both ends.
    let lower = range.lowerBound
    if first > last {
      zero(range)
    } else {
      zero(lower..<first * 4096)
      zero(last * 4096..<range.upperBound)
    }
    let given = range.clamped(to: 0..<UInt64(provided.count))
    for i in given { provided[Int(i)] = 0 }
  }

  /// Whether an area may write it, now or after mprotect.
  var hasWritableMappings: Bool {
    mappers.contains { mapper in
      var found = false
      mapper.space.forEachArea(of: self) {
        if $0.isShared && !$0.flags.contains(.neverWritten) { found = true }
      }
      return found
    }
  }

  /// Behind the last page that has a block.
  private var blockEnd: UInt64 {
    (blocks.pages(in: 0..<1 << 52).last.map { $0 + 1 } ?? 0) * 4096
  }

  /// Gives every page of a range a block, or in memory a frame, that reads as zero.
  ///
  /// - Throws: ENOSPC; on a disk what came before stays, in memory nothing does.
  func allocate(_ range: Range<UInt64>) throws(Errno) {
    if range.isEmpty { return }
    var new: [UInt64] = []
    for page in range.lowerBound / 4096..<(range.upperBound + 4095) / 4096 {
      if let image = volume.image {
        if blocks[page] != 0 || page * 4096 < UInt64(provided.count) { continue }
        guard let block = image.allocate() else { throw .noSpace }
        image.bytes(of: block).initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
        blocks.set(page, to: block + 1)
      } else if cachedFrame(page) == 0 {
        if fill(page) == 0 {
          for page in new { dropPages(page..<page + 1) }
          throw .noSpace
        }
        new.append(page)
      }
    }
  }
}

extension Kernel {
  /// fallocate: mode 0, FALLOC_FL_KEEP_SIZE, PUNCH_HOLE and ZERO_RANGE.
  func allocate(
    _ process: Process, open descriptor: UInt64, _ mode: UInt64, _ offset: UInt64,
    _ length: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try process.files.descriptors.file(descriptor)
    let mode = UInt32(truncatingIfNeeded: mode)
    if Int64(bitPattern: offset) < 0 || Int64(bitPattern: length) <= 0 { throw .invalid }
    // One of ALLOCATE, PUNCH_HOLE 2, COLLAPSE 8, ZERO 16, INSERT 32, UNSHARE 64, with KEEP_SIZE 1.
    let keepsSize = mode & 1 != 0
    switch mode & ~1 {
    case 0, 16: break
    case 2: if !keepsSize { throw .notSupported }
    case 8, 32, 64: throw unsupported("fallocate with mode \(mode)", .notSupported)
    default: throw .notSupported
    }
    if !file.isWritable { throw .badDescriptor }
    if case .socket = file.content { throw .noDevice }
    guard let inode = file.inode else { throw .illegalSeek }
    if inode.isDirectory { throw .isDirectory }
    if !inode.isRegular { throw .noDevice }
    if inode.host != nil { throw unsupported("fallocate in a host's directory", .notSupported) }
    let (end, overflow) = offset.addingReportingOverflow(length)
    if overflow || end > Self.maximumFileSize { throw .fileTooLarge }
    try checkSeals(inode, writing: mode & 2 != 0, growingTo: keepsSize ? 0 : end)
    if mode & 18 != 0 { inode.punch(offset..<end) }
    if mode & 2 == 0 {
      if !keepsSize && end > inode.size { try checkFileSize(process, end) }
      // A file in memory has nothing behind its end.
      let last = keepsSize && !inode.isOnDisk ? min(end, max(offset, inode.size)) : end
      try inode.allocate(offset..<last)
      if !keepsSize && end > inode.size { inode.truncate(to: end) }
    }
    stamp(inode)
    return 0
  }

  /// What a memfd's seals forbid.
  ///
  /// - Throws: EPERM.
  func checkSeals(_ inode: Inode, writing: Bool, growingTo size: UInt64) throws(Errno) {
    guard let seals = inode.seals else { return }
    // F_SEAL_GROW 4, F_SEAL_WRITE 8, F_SEAL_FUTURE_WRITE 16.
    if writing && seals & 24 != 0 || size > inode.size && seals & 4 != 0 { throw .notPermitted }
  }

  /// RLIMIT_FSIZE: a file may not grow beyond it.
  ///
  /// - Throws: EFBIG, with SIGXFSZ.
  func checkFileSize(_ process: Process, _ size: UInt64) throws(Errno) {
    if size <= process.limits[ResourceLimits.fileSize].current { return }
    pending = SignalInformation(.fileSizeLimit, .user)
    throw .fileTooLarge
  }
}
