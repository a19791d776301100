@testable import MMUKernel

// What the model makes of system calls on descriptors.

extension ProcessModel {
  /// Gives a new description the lowest free descriptor.
  private func add(_ process: ModelProcess, _ description: ModelDescription) -> Prediction {
    let number = process.lowestFree()
    process.descriptors[number] = description
    return .value(Int64(number))
  }

  private func isFull(_ process: ModelProcess) -> Bool {
    process.lowestFree() >= Self.descriptorLimit
  }

  func open(_ process: ModelProcess, _ name: Int, _ flags: UInt64) -> Prediction {
    if isFull(process) { return .fails(.tooManyFiles) }
    let file: ModelFile
    if let found = names[name] {
      if flags & (create | exclusive) == create | exclusive { return .fails(.exists) }
      file = found
      if flags & truncating != 0 { resize(file, to: 0) }
    } else {
      if flags & create == 0 { return .fails(.noEntry) }
      file = ModelFile(isOnDisk: !Self.paths[name].hasPrefix("/"))
      names[name] = file
    }
    return add(
      process, ModelDescription(.file(file), access: flags, appends: flags & appending != 0))
  }

  func unlink(_ name: Int) -> Prediction {
    if names[name] == nil { return .fails(.noEntry) }
    names[name] = nil
    return .value(0)
  }

  func close(_ process: ModelProcess, _ fd: Int) -> Prediction {
    guard let description = process.descriptors.removeValue(forKey: fd) else {
      return .fails(.badDescriptor)
    }
    description.release()
    return .value(0)
  }

  func duplicate(_ process: ModelProcess, _ fd: Int) -> Prediction {
    guard let description = process.descriptors[fd] else { return .fails(.badDescriptor) }
    if isFull(process) { return .fails(.tooManyFiles) }
    description.references += 1
    return add(process, description)
  }

  func duplicate(_ process: ModelProcess, _ old: Int, to new: Int) -> Prediction {
    if old == new { return .fails(.invalid) }
    if new >= Self.descriptorLimit { return .fails(.badDescriptor) }
    guard let description = process.descriptors[old] else { return .fails(.badDescriptor) }
    description.references += 1
    let closed = process.descriptors[new]
    process.descriptors[new] = description
    closed?.release()
    return .value(Int64(new))
  }

  func makePipe(_ process: ModelProcess, _ address: UInt64) -> Prediction {
    let first = process.lowestFree()
    let second = process.lowestFree(besides: first)
    if second >= Self.descriptorLimit { return .fails(.tooManyFiles) }
    let pipe = ModelPipe()
    process.descriptors[first] = ModelDescription(.readEnd(pipe), access: 0)
    process.descriptors[second] = ModelDescription(.writeEnd(pipe), access: 1)
    _ = process.write([UInt8(first), 0, 0, 0, UInt8(second), 0, 0, 0], to: address)
    return .value(0)
  }

  func makeMemoryFile(_ process: ModelProcess) -> Prediction {
    if isFull(process) { return .fails(.tooManyFiles) }
    return add(process, ModelDescription(.file(ModelFile(isOnDisk: false)), access: 2))
  }

  /// read, and with a position pread64.
  func read(
    _ process: ModelProcess, _ fd: Int, _ address: UInt64, _ count: Int, at position: Int?
  ) -> Prediction {
    guard let description = process.descriptors[fd] else { return .fails(.badDescriptor) }
    if position != nil && description.file == nil { return .fails(.illegalSeek) }
    if !description.isReadable { return .fails(.badDescriptor) }
    if case .readEnd(let pipe) = description.kind {
      if count == 0 { return .value(0) }
      if pipe.bytes.isEmpty { return pipe.hasWriter ? .waits : .value(0) }
      return readPipe(process, pipe, address, count)
    }
    guard let file = description.file else { return .fails(.invalid) }
    let bytes = file.read(count, at: position ?? description.position)
    let done = process.write(bytes, to: address)
    if done == 0 && !bytes.isEmpty { return .fails(.badAddress) }
    if position == nil { description.position += done }
    return .value(Int64(done))
  }

  /// write, and with a position pwrite64.
  func write(
    _ process: ModelProcess, _ fd: Int, _ address: UInt64, _ count: Int, at position: Int?
  ) -> Prediction {
    guard let description = process.descriptors[fd] else { return .fails(.badDescriptor) }
    if position != nil && description.file == nil { return .fails(.illegalSeek) }
    if !description.isWritable { return .fails(.badDescriptor) }
    if count == 0 { return .value(0) }
    let bytes = process.read(address, count)
    if case .writeEnd(let pipe) = description.kind {
      return writePipe(process, pipe, bytes, count)
    }
    guard let file = description.file else { return .fails(.invalid) }
    if bytes.isEmpty { return .fails(.badAddress) }
    let start = description.appends ? file.size : position ?? description.position
    file.write(bytes, at: start)
    if position == nil { description.position = start + bytes.count }
    return .value(Int64(bytes.count))
  }

  /// Page by page; one that could not be delivered stays.
  private func readPipe(
    _ process: ModelProcess, _ pipe: ModelPipe, _ address: UInt64, _ count: Int
  ) -> Prediction {
    var done = 0
    while done < count, let next = pipe.pages.first {
      let wanted = min(count - done, next.count)
      let copied = process.write(pipe.bytes.prefix(wanted), to: address + UInt64(done))
      if copied < wanted { break }
      pipe.bytes.removeFirst(wanted)
      pipe.pages[0].count -= wanted
      if wanted == next.count { pipe.pages.removeFirst() }
      done += wanted
    }
    return done == 0 ? .fails(.badAddress) : .value(Int64(done))
  }

  /// `bytes` is what could be read of the `count` to write.
  private func writePipe(
    _ process: ModelProcess, _ pipe: ModelPipe, _ bytes: [UInt8], _ count: Int
  ) -> Prediction {
    while process.transferred < count {
      let done = process.transferred
      if !pipe.hasReader {
        process.transferred = 0
        return done > 0 ? .value(Int64(done)) : .fails(.brokenPipe)
      }
      let odd = count % 4096
      let joins = done == 0 && odd != 0 && (pipe.pages.last?.end ?? 4096) + odd <= 4096
      if !joins && pipe.pages.count == ModelPipe.capacity { return .waits }
      let part = joins ? odd : min(count - done, 4096)
      if done + part > bytes.count {
        process.transferred = 0
        return done > 0 ? .value(Int64(done)) : .fails(.badAddress)
      }
      pipe.bytes += bytes[done..<done + part]
      if joins {
        pipe.pages[pipe.pages.count - 1].end += part
        pipe.pages[pipe.pages.count - 1].count += part
      } else {
        pipe.pages.append((part, part))
      }
      process.transferred += part
    }
    process.transferred = 0
    return .value(Int64(count))
  }

  func seek(_ process: ModelProcess, _ fd: Int, _ offset: Int, _ whence: UInt64) -> Prediction {
    guard let description = process.descriptors[fd] else { return .fails(.badDescriptor) }
    guard let file = description.file else { return .fails(.illegalSeek) }
    let base = whence == 0 ? 0 : whence == 1 ? description.position : file.size
    if base + offset < 0 { return .fails(.invalid) }
    description.position = base + offset
    return .value(Int64(description.position))
  }

  func resize(_ process: ModelProcess, _ fd: Int, _ size: Int) -> Prediction {
    guard let description = process.descriptors[fd] else { return .fails(.badDescriptor) }
    guard let file = description.file, description.isWritable else { return .fails(.invalid) }
    resize(file, to: size)
    return .value(0)
  }

  /// Sets the size of a file; private copies of pages cut off are lost.
  private func resize(_ file: ModelFile, to size: Int) {
    let isCut = size < file.size
    file.resize(to: size)
    if !isCut { return }
    for process in processes.values {
      for (number, page) in process.pages
      where page.file === file && page.own != nil && page.filePage >= file.pages {
        process.pages[number]!.own = nil
      }
    }
  }

  func flush(_ process: ModelProcess, _ fd: Int) -> Prediction {
    guard let description = process.descriptors[fd] else { return .fails(.badDescriptor) }
    return description.file == nil ? .fails(.invalid) : .value(0)
  }

  func adviseFile(_ process: ModelProcess, _ fd: Int) -> Prediction {
    guard let description = process.descriptors[fd] else { return .fails(.badDescriptor) }
    return description.file == nil ? .fails(.illegalSeek) : .value(0)
  }
}
