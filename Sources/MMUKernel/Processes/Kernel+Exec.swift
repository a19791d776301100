import ExecutableFormat
import MMUMemory
import MMUPaging
import MMUTiming

extension Kernel {
  /// Reads a string of the program without its zero.
  ///
  /// - Returns: nil if it is `limit` bytes or longer.
  /// - Throws: EFAULT.
  func string(at address: UInt64, limit: Int) throws(Errno) -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < limit {
      let at = address &+ UInt64(bytes.count)
      let part = min(limit - bytes.count, Int(4096 - at & 4095))
      guard isUserRange(at, UInt64(part)), copyIn(at, part, to: buffer) == part else {
        throw .badAddress
      }
      let page = UnsafeRawBufferPointer(start: buffer, count: part)
      if let end = page.firstIndex(of: 0) {
        bytes += page[..<end]
        return bytes
      }
      bytes += page
    }
    return nil
  }

  /// Reads argv or envp; a null pointer is an empty list.
  private func strings(at list: UInt64, _ room: inout Int) throws(Errno) -> [[UInt8]] {
    var result: [[UInt8]] = []
    if list == 0 { return result }
    while true {
      guard copyIn(list &+ UInt64(result.count) * 8, 8, to: buffer) == 8 else {
        throw .badAddress
      }
      let address = UInt64(littleEndian: buffer.load(as: UInt64.self))
      if address == 0 { return result }
      guard let text = try string(at: address, limit: 128 << 10) else { throw .argumentsTooLong }
      room -= text.count + 9
      if room < 0 { throw .argumentsTooLong }
      result.append(text)
    }
  }

  /// execve: another program in the same process.
  func execute(
    _ process: Process, _ thread: Thread, _ path: UInt64, _ arguments: UInt64,
    _ environment: UInt64, _ frame: inout TrapFrame
  ) throws(Errno) -> SystemCallOutcome {
    let name = try copyPath(path)
    if name.isEmpty { throw .noEntry }
    let file = String(decoding: name, as: UTF8.self)
    let program = try openProgram(name, file, process)
    defer { program.release() }
    let image = try image(of: program)
    var room = max(Int(clamping: process.limits[ResourceLimits.stack].current / 4), 128 << 10)
    var argv = try strings(at: arguments, &room)
    let envp = try strings(at: environment, &room)
    // Linux gives a program without arguments an empty first one.
    if argv.isEmpty { argv = [[]] }
    let space: AddressSpace
    let context: FirstContext
    do {
      space = try newSpace()
      space.stackLimit = process.limits[ResourceLimits.stack].current
    } catch {
      throw .noMemory
    }
    do {
      context = try load(
        image, of: program, into: space, process, path: file, arguments: argv, environment: envp)
    } catch {
      space.destroy()
      switch error {
      case .argumentsTooLong: throw .argumentsTooLong
      case .outOfMemory, .commitLimit, .tooManyProcesses: throw .noMemory
      case .segmentOutOfRange, .writableCode, .directory, .swapFile: throw .notExecutable
      }
    }
    // No way back from here.
    endOtherThreads(process, but: thread)
    release(thread)
    leaveMemory(process)
    process.space = space
    process.run(program)
    process.files.descriptors = process.files.descriptors.ownForExec()
    applyLimits(process)
    process.exitSignal = .child
    process.path = file
    process.name = Process.name(file)
    process.symbolizer = image.symbolizer
    for i in process.actions.indices {
      // What was ignored stays ignored.
      let isIgnored = process.actions[i].handler == 1
      process.actions[i] = SignalAction(handler: isIgnored ? 1 : 0)
    }
    thread.alternateStack = AlternateStack()
    thread.clearChildThreadID = 0
    for i in 0..<32 { frame.registers[i] = 0 }
    frame.registers[2] = context.stackPointer
    frame.programCounter = context.entry
    if let mmu { space.activate(on: mmu) }
    return .replaced
  }

  /// Opens the file of a program.
  ///
  /// - Throws: EACCES unless it is a file that may be executed.
  private func openProgram(
    _ path: [UInt8], _ name: String, _ process: Process
  ) throws(Errno) -> OpenFile {
    let inode = try tree.retryingStale { () throws(Errno) in
      let inode = try tree.inode(at: path, from: process.files.directory)
      guard inode.isRegular, inode.mode & 0o111 != 0 else { throw .accessDenied }
      if inode.writers > 0 { throw .textBusy }
      try inode.volume.host?.open(inode, writing: false)
      return inode
    }
    return OpenFile(system, .inode(inode), path: name, flags: 0)
  }

  /// Reads a program.
  ///
  /// - Throws: ENOEXEC if it is none that could run here; ENOMEM if its file is larger than any the
  ///   emulator reads, as a sparse one may be.
  private func image(of program: OpenFile) throws(Errno) -> ProgramImage {
    guard let inode = program.inode else { throw .accessDenied }
    if inode.size > UInt64(Platform.largestFile) { throw .noMemory }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(inode.size))
    for page in 0..<inode.pageCount {
      let frame = program.frame(of: page, of: inode, needed: inode.pageCount - page)
      if frame == 0 { throw inode.failure }
      let count = Int(min(4096, inode.size - page * 4096))
      let start = system.memory.pointer(to: FrameNumber(frame))
      bytes += UnsafeRawBufferPointer(start: start, count: count)
      // A first page that is no ELF header ends it.
      if page == 0 && !bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) { throw .notExecutable }
    }
    do {
      return ProgramImage(try ELFImage(reading: bytes))
    } catch {
      throw .notExecutable
    }
  }
}
