import MMUMemory
import MMUTiming

// read, write and their relatives, on whatever is open.

extension Kernel {
  /// The most bytes one transfer moves: Linux's MAX_RW_COUNT.
  static var maximumTransfer: UInt64 { 0x7fff_f000 }

  /// The file of a descriptor that is open for the direction asked for.
  private func file(
    _ process: Process, _ descriptor: UInt64, writing: Bool
  ) throws(Errno) -> OpenFile {
    let file = try process.files.descriptors.file(descriptor)
    guard writing ? file.isWritable : file.isReadable else { throw .badDescriptor }
    return file
  }

  /// read.
  func read(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try file(process, descriptor, writing: false)
    if !isUserRange(address, count) { throw .badAddress }
    let count = min(count, Self.maximumTransfer)
    let done = try readPart(file, address, count, at: file.position)
    file.position &+= done
    return done
  }

  /// write.
  func write(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    let file = try file(process, descriptor, writing: true)
    if !isUserRange(address, count) { throw .badAddress }
    let start = writePosition(file, file.position)
    let (done, error) = writePart(file, address, min(count, Self.maximumTransfer), at: start)
    if done == 0, let error { throw error }
    if !file.keepsPosition { file.position = start &+ done }
    return done
  }

  /// pread64 and pwrite64.
  func transfer(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64,
    at position: UInt64, writing: Bool
  ) throws(Errno) -> UInt64 {
    if Int64(bitPattern: position) < 0 { throw .invalid }
    if position > UInt64(Int64.max) - min(count, UInt64(Int64.max)) { throw .invalid }
    let open = try process.files.descriptors.file(descriptor)
    if open.flags & OpenFlags.path != 0 { throw .badDescriptor }
    if open.inode == nil { throw .illegalSeek }
    let file = try file(process, descriptor, writing: writing)
    if !isUserRange(address, count) { throw .badAddress }
    let count = min(count, Self.maximumTransfer)
    if !writing { return try readPart(file, address, count, at: position) }
    let (done, error) = writePart(file, address, count, at: writePosition(file, position))
    if done == 0, let error { throw error }
    return done
  }

  /// Where a write goes: at the end of the file with O_APPEND, pwrite's too, as on Linux.
  private func writePosition(_ file: OpenFile, _ position: UInt64) -> UInt64 {
    file.flags & OpenFlags.append != 0 ? file.inode?.size ?? position : position
  }

  /// Reads into one range of the program's memory.
  ///
  /// - Throws: what stopped it before the first byte.
  private func readPart(
    _ file: OpenFile, _ address: UInt64, _ count: UInt64, at position: UInt64
  ) throws(Errno) -> UInt64 {
    switch file.content {
    case .stream(let stream): return try receive(stream, address, count)
    case .pipe(let pipe): return try readPipe(pipe, [(address, count)], waits: file.waits)
    case .socket(let socket): return try receive(socket, address, count, waits: file.waits)
    case .inode(let inode):
      switch inode.kind {
      case .regular: return try readFile(file, inode, address, count, at: position)
      case .directory: throw .isDirectory
      case .symbolicLink, .special: throw .invalid
      case .report:
        let text = file.text
        let start = Int(min(position, UInt64(text.count)))
        let part = min(Int(count), text.count - start)
        if part == 0 { return 0 }
        let copied = text.withUnsafeBytes { copyOut($0.baseAddress! + start, part, to: address) }
        if copied == 0 { throw .badAddress }
        return UInt64(copied)
      case .device(.null): return 0
      case .device(.zero), .device(.full):
        let zeros = system.memory.pointer(to: FrameNumber(system.zeroFrame))
        var done: UInt64 = 0
        while done < count {
          let part = Int(min(4096, count - done))
          let copied = copyOut(zeros, part, to: address + done)
          done += UInt64(copied)
          if copied < part { break }
        }
        if done == 0 && count > 0 { throw .badAddress }
        return done
      case .device(.random), .device(.urandom): return try getRandom(address, count, 0)
      }
    }
  }

  /// Writes one range of the program's memory: how much of it, and what stopped it.
  private func writePart(
    _ file: OpenFile, _ address: UInt64, _ count: UInt64, at position: UInt64
  ) -> (UInt64, Errno?) {
    switch file.content {
    case .stream(let stream): return send(stream, address, count)
    case .pipe(let pipe): return writePipe(pipe, [(address, count)], waits: file.waits)
    case .socket(let socket): return send(socket, address, count, waits: file.waits)
    case .inode(let inode):
      switch inode.kind {
      case .regular: return writeFile(file, inode, address, count, at: position)
      case .directory: return (0, .isDirectory)
      case .report(let report): return writeReport(file, report, address, count, at: position)
      case .symbolicLink, .special: return (0, .invalid)
      case .device(.full): return (0, .noSpace)
      case .device: return (count, nil)
      }
    }
  }

  /// Copies from the page cache to the program.
  private func readFile(
    _ file: OpenFile, _ inode: Inode, _ address: UInt64, _ count: UInt64, at position: UInt64
  ) throws(Errno) -> UInt64 {
    if position >= inode.size { return 0 }
    let count = min(count, inode.size - position)
    inode.accessed = now
    var done: UInt64 = 0
    defer { if done > 0 { file.readahead.previous = (position + done) / 4096 } }
    while done < count {
      let at = position + done
      let needed = (count - done + (at & 4095) + 4095) / 4096
      let frame = file.frame(of: at / 4096, of: inode, needed: needed)
      if frame == 0 {
        if done == 0 { throw inode.failure }
        break
      }
      let part = Int(min(count - done, 4096 - at & 4095))
      let source = system.memory.pointer(to: FrameNumber(frame)) + Int(at & 4095)
      if at / 4096 != file.readahead.lastRead { system.noteUse(frame) }
      file.readahead.lastRead = at / 4096
      // The program's buffer may be untouched memory, and making room for it must not take this page.
      system.frames.retain(FrameNumber(frame))
      let copied = copyOut(source, part, to: address + done)
      system.frames.release(FrameNumber(frame))
      done += UInt64(copied)
      if copied < part {
        if done == 0 { throw .badAddress }
        break
      }
    }
    return done
  }

  /// Copies from the program to the page cache.
  private func writeFile(
    _ file: OpenFile, _ inode: Inode, _ address: UInt64, _ count: UInt64, at position: UInt64
  ) -> (UInt64, Errno?) {
    if count == 0 { return (0, nil) }
    if position >= Self.maximumFileSize { return (0, .fileTooLarge) }
    var count = min(count, Self.maximumFileSize - position)
    if let process = current {
      let limit = process.limits[ResourceLimits.fileSize].current
      if position >= limit {
        do { try checkFileSize(process, position + 1) } catch { return (0, error) }
      }
      count = min(count, limit - position)
    }
    if let seals = inode.seals {
      do {
        try checkSeals(inode, writing: true, growingTo: 0)
      } catch {
        return (0, error)
      }
      // F_SEAL_GROW cuts the transfer off at the page of the end.
      if seals & 4 != 0 {
        if position >= inode.size { return (0, .notPermitted) }
        count = min(count, inode.size - position)
      }
    }
    var done: UInt64 = 0
    while done < count {
      let wanted = Int(min(count - done, UInt64(Self.bufferBytes)))
      let got = copyIn(address + done, wanted, to: buffer)
      var put = 0
      while put < got {
        let at = position + done
        let part = min(got - put, Int(4096 - at & 4095))
        let from = UnsafeRawBufferPointer(start: buffer + put, count: part)
        do {
          try inode.write(from, at: at, through: file)
        } catch {
          stamp(inode)
          return (done, error)
        }
        put += part
        done += UInt64(part)
      }
      if got < wanted {
        if done > 0 { stamp(inode) }
        return (done, .badAddress)
      }
    }
    stamp(inode)
    return (done, nil)
  }

  /// readv and writev, and with a position preadv and pwritev.
  func vector(
    _ process: Process, _ descriptor: UInt64, _ address: UInt64, _ count: UInt64, writing: Bool,
    at given: UInt64? = nil
  ) throws(Errno) -> UInt64 {
    if let given {
      if Int64(bitPattern: given) < 0 { throw .invalid }
      if try process.files.descriptors.file(descriptor).inode == nil { throw .illegalSeek }
    }
    let file = try file(process, descriptor, writing: writing)
    if count > 1024 { throw .invalid }
    if count == 0 { return 0 }
    let parts = try copyVector(address, count)
    switch file.content {
    case .pipe(let pipe):
      return try vectorPipe(pipe, parts, writing: writing, waits: file.waits)
    case .socket(let socket):
      try check(socket, writing: writing)
      let pipe = writing ? socket.outgoing : socket.incoming
      return try vectorPipe(pipe, parts, writing: writing, waits: file.waits)
    case .inode, .stream: break
    }
    var position = given ?? file.position
    if writing { position = writePosition(file, position) }
    let start = position
    for (base, length) in parts where length > 0 {
      var done: UInt64 = 0
      var failure: Errno?
      if writing {
        (done, failure) = writePart(file, base, length, at: position)
      } else {
        do { done = try readPart(file, base, length, at: position) } catch { failure = error }
      }
      position &+= done
      if let failure, position == start { throw failure }
      // A short transfer is what there was: no second one, which might wait.
      if failure != nil || done < length { break }
    }
    if given == nil && !file.keepsPosition { file.position = position }
    return position &- start
  }

  /// The ranges of an iovec, cut off at the largest transfer.
  private func copyVector(
    _ address: UInt64, _ count: UInt64
  ) throws(Errno) -> [(UInt64, UInt64)] {
    let bytes = Int(count) * 16
    if !isUserRange(address, UInt64(bytes)) || copyIn(address, bytes, to: buffer) != bytes {
      throw .badAddress
    }
    let words = Array(
      UnsafeBufferPointer(
        start: buffer.assumingMemoryBound(to: UInt64.self), count: Int(count) * 2))
    var parts: [(UInt64, UInt64)] = []
    var total: UInt64 = 0
    for i in 0..<Int(count) {
      let length = words[2 * i + 1]
      if Int64(bitPattern: length) < 0 { throw .invalid }
      if !isUserRange(words[2 * i], length) { throw .badAddress }
      let part = min(length, Self.maximumTransfer - total)
      parts.append((words[2 * i], part))
      total += part
    }
    return parts
  }
}
