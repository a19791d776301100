import MMUMemory
import MMUPaging
import MMUTiming

/// Where a new program begins.
struct FirstContext {
  var entry: UInt64
  var stackPointer: UInt64
}

extension Kernel {
  /// Makes the program pid 2, child of init: execve into a new process.
  ///
  /// - Parameters:
  ///   - image: what to map; nothing of it is read before the program touches it.
  ///   - path: the name under which it was found (AT_EXECFN).
  ///   - arguments: argv, the program's name first.
  ///   - environment: envp, each `NAME=VALUE`.
  /// - Throws: what makes it impossible; all memory has been returned then.
  public func start(
    _ image: ProgramImage, path: String, arguments: [String], environment: [String] = []
  ) throws(StartError) {
    precondition(processes.isEmpty, "a kernel starts one first program")
    for mount in configuration.mounts {
      do { try tree.mount(mount, system: system) } catch {
        let path = mount.path.map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
        throw .directory(path, error)
      }
    }
    var page = [UInt8](repeating: 0, count: 4096)
    // li a7, 139 (rt_sigreturn); ecall.
    page.replaceSubrange(0..<8, with: [0x93, 0x08, 0xb0, 0x08, 0x73, 0, 0, 0])
    let way = Inode(tree.nameless, .regular, mode: 0o555)
    way.provided = page
    way.promise = .none
    way.size = 4096
    let trampoline = OpenFile(system, .inode(way), path: "[vdso]", flags: 0)
    // From here on the areas hold it.
    defer { trampoline.release() }
    self.trampoline = trampoline
    lastNumber = 2
    let space = try newSpace()
    let program = tree.install(image.file, at: path, system: system)
    defer { program.release() }
    let files = FileContext(standardStreams(), directory: tree.root)
    let process = Process(
      pid: 2, path: path, space: space, files: files, symbolizer: image.symbolizer)
    process.threads = [Thread(tid: 2, process: process)]
    process.run(program)
    do {
      firstContext = try load(
        image, of: program, into: space, process, path: path,
        arguments: arguments.map { Array($0.utf8) },
        environment: environment.map { Array($0.utf8) })
    } catch {
      space.destroy()
      files.release()
      process.run(nil)
      throw error
    }
    add(process)
    current = process
    currentThread = process.threads[0]
  }

  /// An empty address space as a new program gets it.
  func newSpace() throws(StartError) -> AddressSpace {
    do {
      return try system.reclaiming { () throws(Errno) in
        try AddressSpace(
          system, maximumAreas: configuration.maximumAreas, stackLimit: configuration.stackLimit)
      }
    } catch {
      throw .outOfMemory
    }
  }

  /// Maps a program and makes its stack.
  ///
  /// - Returns: where it begins.
  func load(
    _ image: ProgramImage, of program: OpenFile, into space: AddressSpace, _ process: Process,
    path: String, arguments: [[UInt8]], environment: [[UInt8]]
  ) throws(StartError) -> FirstContext {
    try mapSegments(image, of: program, process, into: space)
    let stackPointer = try makeStack(
      image, process, space, path: Array(path.utf8), arguments: arguments,
      environment: environment)
    // In the gap between the mappings and the stack, so that it shifts neither.
    space.trampoline = space.mapTop
    guard let trampoline else { preconditionFailure("no program was started") }
    let area = VirtualMemoryArea(
      lower: space.trampoline, upper: space.trampoline + pageBytes,
      permissions: [.read, .execute], source: system.source(of: trampoline), pageOffset: 0)
    system.retainSource(area.source, by: space)
    space.areas.insert(area, at: space.areas.firstEnding(after: area.lower))
    return FirstContext(entry: image.entry, stackPointer: stackPointer)
  }

  /// Descriptors 0, 1 and 2: the host's streams.
  private func standardStreams() -> DescriptorTable {
    let table = DescriptorTable()
    for (number, stream) in [HostStream.input, .output, .error].enumerated() {
      let file = OpenFile(
        system, .stream(stream), path: "/dev/stdio", flags: stream == .input ? 0 : 1)
      table.replace(number, with: file, closesOnExec: false)
      file.release()
    }
    return table
  }

  /// Maps the segments of a program's file, and clears what of a .bss shares a page with it.
  func mapSegments(
    _ image: ProgramImage, of file: OpenFile, _ process: Process, into space: AddressSpace
  ) throws(StartError) {
    let source = system.source(of: file)
    defer { system.dropSource(file) }
    var end: UInt64 = 0
    for (index, segment) in image.segments.enumerated() where segment.memorySize > 0 {
      let start = segment.virtualAddress
      guard start >= AddressSpace.lowestMapping, start <= AddressSpace.userLimit,
        segment.memorySize <= AddressSpace.userLimit - start
      else { throw .segmentOutOfRange(index: index, address: start) }
      if configuration.deniesWritableCode
        && segment.permissions.isSuperset(of: [.write, .execute])
      {
        throw .writableCode(index: index)
      }
      let lower = start & ~4095
      let fileEnd = start + segment.fileSize
      let filePages = segment.fileSize == 0 ? lower : (fileEnd + 4095) & ~4095
      let upper = (start + segment.memorySize + 4095) & ~4095
      end = max(end, upper)
      if segment.permissions.contains(.write) {
        try promise((upper - lower) / pageBytes, to: space)
      }
      do {
        try space.removeAreas(lower, upper)
        if filePages > lower {
          try space.insert(
            VirtualMemoryArea(
              lower: lower, upper: filePages, permissions: segment.permissions, source: source,
              pageOffset: segment.fileOffset / pageBytes))
        }
        if upper > filePages {
          try space.insert(
            VirtualMemoryArea(
              lower: filePages, upper: upper, permissions: segment.permissions))
        }
      } catch {
        throw .outOfMemory
      }
      if segment.memorySize > segment.fileSize && fileEnd < filePages
        && segment.permissions.contains(.write)
      {
        let zeros = [UInt8](repeating: 0, count: Int(filePages - fileEnd))
        try put(zeros, at: fileEnd, process, space)
      }
    }
    // randomize_page(brk, 1 GiB) of 64-bit RISC-V.
    if configuration.isAddressLayoutRandom { end += random.next(below: 1 << 18) << 12 }
    space.startBreak = end
    space.currentBreak = end
  }

  /// Makes the stack: strings, then argc, argv, envp and the auxiliary vector, as Linux lays them.
  ///
  ///     top     8 zero bytes
  ///             path, environment strings, argument strings (each group upwards)
  ///             (a gap below a page, random; alignment)
  ///             16 random bytes
  ///     sp      argc, argv..., 0, envp..., 0, auxv pairs..., AT_NULL
  private func makeStack(
    _ image: ProgramImage, _ process: Process, _ space: AddressSpace, path: [UInt8],
    arguments: [[UInt8]], environment: [[UInt8]]
  ) throws(StartError) -> UInt64 {
    let isRandom = configuration.isAddressLayoutRandom
    let top =
      AddressSpace.userLimit - (isRandom ? random.next(below: 1 << 18) << 12 : 0)
    space.mapTop = AddressSpace.placementTop(
      stackLimit: space.stackLimit,
      random: isRandom ? random.next(below: 1 << 18) << 12 : 0)

    // The strings, from the top down.
    var strings: [UInt8] = []
    var offsets: [UInt64] = []
    for text in arguments + environment + [path] {
      if text.count >= 128 << 10 { throw .argumentsTooLong }
      offsets.append(UInt64(strings.count))
      strings += text
      strings.append(0)
    }
    let pointers = UInt64(arguments.count + environment.count + 2) * 8
    if UInt64(strings.count) + pointers > max(space.stackLimit / 4, 128 << 10) {
      throw .argumentsTooLong
    }
    let stringStart = top - 8 - UInt64(strings.count)
    let addresses = offsets.map { stringStart + $0 }
    let environmentStart = addresses[arguments.count]
    space.argumentArea = stringStart..<environmentStart
    space.environmentEnd = addresses[arguments.count + environment.count]

    var bottom = stringStart - (isRandom ? random.next(below: 4096) : 0)
    bottom = (bottom & ~15) - 16
    let randomBytes = bottom
    let seedWords = [random.next(), random.next()]

    var words: [UInt64] = [UInt64(arguments.count)]
    words += addresses[..<arguments.count]
    words.append(0)
    words += addresses[arguments.count..<arguments.count + environment.count]
    words.append(0)
    // AT_HWCAP: the letters I, M and A.
    let auxiliary: [(UInt64, UInt64)] = [
      (16, 1 << 0 | 1 << 8 | 1 << 12), (6, 4096), (17, 100), (3, image.programHeaderAddress),
      (4, UInt64(image.programHeaderSize)), (5, UInt64(image.programHeaderCount)), (7, 0), (8, 0),
      (9, image.entry), (11, 0), (12, 0), (13, 0), (14, 0), (23, 0), (25, randomBytes),
      (31, addresses[addresses.count - 1]), (0, 0),
    ]
    for (type, value) in auxiliary { words += [type, value] }
    let stackPointer = (bottom - UInt64(words.count) * 8) & ~15

    // Linux maps 128 KiB below the strings at once; the rest grows on demand.
    let lower = max(
      (stringStart & ~4095) - (128 << 10), top - min(space.stackLimit, 1 << 40) & ~4095)
    guard stackPointer >= lower else { throw .argumentsTooLong }
    var permissions: MemoryPermissions = [.read, .write]
    if image.hasExecutableStack && !configuration.deniesWritableCode {
      permissions.insert(.execute)
    }
    try promise((top - lower) / pageBytes, to: space)
    do {
      try space.insert(
        VirtualMemoryArea(
          lower: lower, upper: top, permissions: permissions, flags: [.growsDown, .stack]))
    } catch {
      throw .outOfMemory
    }
    try put(strings, at: stringStart, process, space)
    try put(words: seedWords, at: randomBytes, process, space)
    try put(words: words, at: stackPointer, process, space)
    return stackPointer
  }

  /// Refuses what may not be promised to a new program.
  private func promise(_ pages: UInt64, to space: AddressSpace) throws(StartError) {
    if space.canPromise(pages) { return }
    throw system.promises.mode == .strict ? .commitLimit : .outOfMemory
  }

  private func put(
    words: [UInt64], at address: UInt64, _ process: Process, _ space: AddressSpace
  ) throws(StartError) {
    var bytes: [UInt8] = []
    for word in words {
      withUnsafeBytes(of: word.littleEndian) { bytes += $0 }
    }
    try put(bytes, at: address, process, space)
  }

  /// Writes to new memory: makes its pages present, which counts as faults of the program as on
  /// Linux, and fills them through the direct map.
  private func put(
    _ bytes: [UInt8], at address: UInt64, _ process: Process, _ space: AddressSpace
  ) throws(StartError) {
    func populate(_ lower: UInt64, _ upper: UInt64) throws(StartError) {
      let failure = space.populate(lower, upper, writing: true) { process.countResolved($0) }
      if failure != nil { throw .outOfMemory }
    }
    try populate(address, address + UInt64(bytes.count))
    system.charge(UInt64((bytes.count + 7) / 8) &* system.costs.copyWord)
    var done = 0
    while done < bytes.count {
      let at = address + UInt64(done)
      let part = min(bytes.count - done, Int(4096 - at & 4095))
      guard let place = space.peek(at) else {
        // Reclaim has taken it meanwhile.
        try populate(at, at + 1)
        continue
      }
      let frame = UInt64(place - system.memory.base) >> 12
      system.memory.willWrite(FrameNumber(frame))
      bytes.withUnsafeBytes { place.copyMemory(from: $0.baseAddress! + done, byteCount: part) }
      done += part
    }
  }
}
