@testable import MMUKernel

// What a process does next, what the model makes of it, and which system call that is.

extension ProcessModel {
  /// A random operation; nil if this one makes no sense now.
  func choose(_ process: ModelProcess) -> ModelOperation? {
    var start = UInt64(below(Int(limits.windowPages)))
    var pages = min(1 + UInt64(below(6)), limits.windowPages - start)
    if limits.hugePages == .always && below(2) == 0 {
      start &= ~511
      pages = min(
        UInt64([512, 512, 512, 1024, 100 + below(900)][below(5)]), limits.windowPages - start)
    }
    let address = Self.window + start * 4096
    let fd = 3 + below(below(8) == 0 ? 14 : 8)
    let permissions = [0, 1, 1, 3, 3, 3, 3, 5, 7][below(9)] as UInt64
    switch below(100) {
    case 0..<34: return chooseAccess(process)
    case 34..<38:
      let flags = [0x32, 0x32, 0x10_0022, 0x31, 0x8032][below(5)] as UInt64
      return .map(
        address, pages: pages, permissions: permissions, flags: flags, fd: -1, firstPage: 0)
    case 38..<43:
      let flags = [0x11, 0x11, 0x12, 0x12, 0x8011, 0x8012, 0x10_0001][below(7)] as UInt64
      return .map(
        address, pages: pages, permissions: permissions, flags: flags, fd: fd,
        firstPage: below(limits.filePages))
    case 43..<45: return .unmap(address, pages: pages)
    case 45..<48: return .protect(address, pages: pages, permissions)
    case 48..<52:
      if limits.isPressed && below(3) > 0 {
        return .advise(address, pages: pages, [8, 20, 21, 21][below(4)] as UInt64)
      }
      let advice = [4, 4, 4, 10, 11, 18, 19, 0, 1, 2, 3, 102, 103, 103][below(14)] as UInt64
      return .advise(address, pages: pages, advice)
    case 52..<56: return chooseRemap(process, address, pages)
    case 56: return .synchronize(address, pages: pages)
    case 57: return chooseLock(process, address, pages)
    case 58:
      let now = process.currentBreak
      let change = UInt64(below(5 * 4096))
      return .setBreak(below(2) == 0 ? now + change : now - min(change, now - process.startBreak))
    case 59..<61:
      if processes.count >= limits.processes { return nil }
      return .fork
    case 61:
      if process === root || below(3) > 0 { return nil }
      return .exit(UInt64(below(256)))
    case 62..<64:
      let children = process.children.map(\.pid)
      let target: Int32 = children.isEmpty || below(2) == 0 ? -1 : children[below(children.count)]
      return .wait(target, options: process === root || below(2) == 0 ? 1 : 0)
    case 64:
      let others = processes.keys.sorted().filter { $0 != 2 && $0 != process.pid }
      if others.isEmpty || below(process === root ? 2 : 6) > 0 { return nil }
      return .kill(others[below(others.count)])
    case 65..<70: return .yield
    case 70..<73:
      let flags = [0x42, 0x42, 0x42, 0, 2, 0x41, 0xc2, 0x242, 0x442][below(9)] as UInt64
      return .open(below(Self.paths.count), flags)
    case 73: return below(4) == 0 ? .unlink(below(Self.paths.count)) : nil
    case 74: return .close(fd)
    case 75: return below(2) == 0 ? .duplicate(fd) : .duplicateTo(fd, 3 + below(18))
    case 76: return below(2) == 0 ? .pipe(Self.scratch + UInt64(below(65536)) & ~3) : .memoryFile
    case 77..<84: return chooseTransfer(process, fd, writing: true)
    case 84..<91: return chooseTransfer(process, fd, writing: false)
    case 91: return .seek(fd, below(12_000) - 3000, UInt64(below(3)))
    case 92: return .resize(fd, below(largest(process.descriptors[fd])))
    case 93: return .flush(fd)
    case 94: return .adviseFile(fd, UInt64(below(6)))
    case 95:
      // What stat leaves has to be there still.
      if limits.isPressed { return .swapOff }
      if process.descriptors[fd]?.file == nil { return nil }
      return .size(fd, Self.scratch + UInt64(below(15)) * 4096)
    default: return chooseSegment(process, address)
    }
  }

  /// A load or a store; seldom one that kills, and never the first process.
  private func chooseAccess(_ process: ModelProcess) -> ModelOperation? {
    let isHeap = below(8) == 0 && process.currentBreak > process.startBreak
    let first = isHeap ? process.startBreak : Self.window
    let count =
      isHeap
      ? Int(process.currentBreak - process.startBreak + 4095) / 4096 : Int(limits.windowPages)
    let offset = [0, 1, 511, 2048, 4095, below(4096)][below(6)]
    let address = first + UInt64(below(count) * 4096 + offset)
    let writing = below(2) == 0
    if let page = process.pages[address / 4096], page.isAccessible(writing: writing) {
      if !writing { return .load(address) }
      // What stands behind the end of a file on the disk is cleared whenever that is written back.
      if let file = page.file, page.isShared && file.isOnDisk,
        page.filePage * 4096 + offset >= file.size
      {
        return .load(address)
      }
      return .store(address, UInt8(truncatingIfNeeded: random.next()))
    }
    if process === root || below(60) > 0 { return nil }
    return writing ? .store(address, 1) : .load(address)
  }

  private func chooseRemap(
    _ process: ModelProcess, _ address: UInt64, _ pages: UInt64
  ) -> ModelOperation? {
    var new = 1 + UInt64(below(8))
    let old = below(12) == 0 ? 0 : pages
    var place = UInt64(below(Int(limits.windowPages - new)))
    if pages >= 512 {
      if below(3) > 0 { new = pages }
      place = UInt64(below(Int(limits.windowPages - new + 1))) & ~511
    }
    let target = Self.window + place * 4096
    let flags = [0, 1, 1, 3, 3, 3, 7, 2][below(8)] as UInt64
    let page = process.pages[address / 4096]
    let isLocked = page?.isLocked ?? false
    // What a populated private page of a file shows depends on when it is populated.
    if isLocked && (flags & 4 != 0 || page?.file != nil) { return nil }
    if old == 0 && target <= address && address < target + new * 4096 { return nil }
    return .remap(
      address, old: old, new: flags & 4 != 0 && below(4) > 0 ? old : new, flags: flags,
      target: target)
  }

  private func chooseLock(
    _ process: ModelProcess, _ address: UInt64, _ pages: UInt64
  ) -> ModelOperation? {
    let range = address / 4096..<address / 4096 + pages
    if below(2) == 0 { return .unlock(address, pages: pages) }
    if range.contains(where: { process.pages[$0].map { $0.file != nil && !$0.isShared } ?? false })
    {
      return nil
    }
    // Something has to be left that can go: a call that locks all of memory kills.
    if limits.isPressed {
      let locked = processes.values.reduce(0) { $0 + $1.pages.values.count { $0.isLocked } }
      if locked + Int(pages) > (limits.hugePages == .always ? 200 : 30) { return nil }
    }
    return .lock(address, pages: pages)
  }

  private func chooseTransfer(
    _ process: ModelProcess, _ fd: Int, writing: Bool
  ) -> ModelOperation? {
    let description = process.descriptors[fd]
    let isFile = description?.file != nil
    var count = below(3) == 0 ? 4096 : below(9000)
    if !isFile && writing && below(4) == 0 { count = below(70_000) }
    // The first process never waits, so that somebody can always go on.
    if process === root, let description, !isFile {
      if !canProceed(description, count) { return nil }
    }
    let span = Int(Self.bufferPages) * 4096 - count
    var address = (writing ? Self.pattern : Self.scratch) + UInt64(below(span))
    if isFile && below(3) == 0 {
      address = Self.window + UInt64(below(Int(limits.windowPages) * 4096))
      let touched = address / 4096...(address + UInt64(count)) / 4096
      let isUnfit = touched.contains { number in
        // What stands there is known only once it is looked at.
        if process.pages[number]?.isFreed ?? false { return true }
        guard let page = process.pages[number], page.isShared, let file = page.file else {
          return false
        }
        return !writing && (file.isOnDisk || file === description?.file)
      }
      if isUnfit { return nil }
    }
    if below(2) == 0 {
      let position = below(largest(description) - 9000)
      let start = below(2) == 0 ? position & ~4095 : position
      return writing
        ? .writeAt(fd, address, count, start) : .readAt(fd, address, count, start)
    }
    if isFile, let description, writing {
      // Files stay small.
      let start = description.appends ? description.file?.size ?? 0 : description.position
      if start + count > largest(description) {
        return description.appends ? .resize(fd, 0) : .seek(fd, 0, 0)
      }
    }
    return writing ? .write(fd, address, count) : .read(fd, address, count)
  }

  /// How large a file may become: those in memory stay small, since nothing can make room for them.
  private func largest(_ description: ModelDescription?) -> Int {
    description?.file?.isOnDisk ?? true ? limits.filePages * 4096 : 12 * 4096
  }

  private func canProceed(_ description: ModelDescription, _ count: Int) -> Bool {
    switch description.kind {
    case .readEnd(let pipe): !pipe.bytes.isEmpty || !pipe.hasWriter
    case .writeEnd(let pipe):
      !pipe.hasReader || pipe.pages.count + (count + 4095) / 4096 <= ModelPipe.capacity
    case .stream: false
    case .file: true
    }
  }

  private func chooseSegment(_ process: ModelProcess, _ address: UInt64) -> ModelOperation? {
    let live = segments.indices.filter { !segments[$0].isRemoved }
    if live.count < 3 && below(3) == 0 { return .makeSegment(1 + below(4 * 4096)) }
    if segments.isEmpty { return nil }
    let recent = max(0, segments.count - 5) + below(min(5, segments.count))
    switch below(8) {
    case 0: return .removeSegment(recent)
    case 1, 2: return .detach(address)
    case 3:
      // One that is there.
      let shown = process.pages.filter { $0.value.attachment != 0 }.keys.min()
      guard let shown, let page = process.pages[shown] else { return nil }
      return .detach((shown &- UInt64(page.filePage)) &* 4096)
    default:
      let pages = UInt64(segments[recent].file.pages)
      if (address - Self.window) / 4096 + pages > limits.windowPages { return nil }
      return .attach(recent, address, [0, 0, 0o10000, 0o40000, 0o50000][below(5)])
    }
  }

  /// Carries an operation out in the model.
  func predict(_ process: ModelProcess, _ operation: ModelOperation) -> Prediction {
    func range(_ address: UInt64, _ pages: UInt64) -> Range<UInt64> {
      address / 4096..<address / 4096 + pages
    }
    switch operation {
    case .born, .load, .store: preconditionFailure("not a system call")
    case .fork: return .value(Int64(lastPID) + 1)
    case .exit(let code):
      end(process, status: Int32(code) << 8)
      return .ends
    case .wait(let target, let options):
      let meant = process.children.filter { target == -1 || $0.pid == target }
      if meant.isEmpty { return .fails(.noChild) }
      let ended = meant.filter { $0.status != nil }
      if ended.isEmpty { return options & 1 != 0 ? .value(0) : .waits }
      return .oneOf(ended.map { Int64($0.pid) })
    case .kill(let pid):
      guard let target = processes[pid] else { return .fails(.noProcess) }
      target.isDoomed = true
      return .value(0)
    case .yield: return .value(0)
    case .map(let address, let pages, let permissions, let flags, let fd, let first):
      return map(process, address, pages, permissions, flags, fd, first)
    case .unmap(let address, let pages):
      process.unmap(range(address, pages))
      return .value(0)
    case .protect(let address, let pages, let permissions):
      return protect(process, range(address, pages), permissions)
    case .advise(let address, let pages, let advice):
      return advise(process, range(address, pages), advice)
    case .remap(let address, let old, let new, let flags, let target):
      return remap(process, address, old, new, flags, target)
    case .synchronize(let address, let pages):
      return process.firstHole(range(address, pages)) == nil ? .value(0) : .fails(.noMemory)
    case .lock(let address, let pages): return lock(process, range(address, pages), true)
    case .unlock(let address, let pages): return lock(process, range(address, pages), false)
    case .setBreak(let address): return setBreak(process, address)
    case .open(let name, let flags): return open(process, name, flags)
    case .unlink(let name): return unlink(name)
    case .close(let fd): return close(process, fd)
    case .duplicate(let fd): return duplicate(process, fd)
    case .duplicateTo(let old, let new): return duplicate(process, old, to: new)
    case .pipe(let address): return makePipe(process, address)
    case .memoryFile: return makeMemoryFile(process)
    case .read(let fd, let address, let count): return read(process, fd, address, count, at: nil)
    case .write(let fd, let address, let count): return write(process, fd, address, count, at: nil)
    case .readAt(let fd, let address, let count, let position):
      return read(process, fd, address, count, at: position)
    case .writeAt(let fd, let address, let count, let position):
      return write(process, fd, address, count, at: position)
    case .seek(let fd, let offset, let whence): return seek(process, fd, offset, whence)
    case .resize(let fd, let size): return resize(process, fd, size)
    case .flush(let fd): return flush(process, fd)
    case .adviseFile(let fd, _): return adviseFile(process, fd)
    case .size: return .value(0)
    case .makeSegment(let size): return makeSegment(size)
    case .attach(let id, let address, let flags): return attach(process, id, address, flags)
    case .detach(let address): return detach(process, address)
    case .removeSegment(let id): return removeSegment(id)
    case .swapOff: return !isSwapOn ? .fails(.invalid) : .oneOf([0, -Errno.noMemory.rawValue])
    case .swapOn: return isSwapOn ? .fails(.busy) : .value(0)
    }
  }

  /// The number and the arguments of an operation.
  func systemCall(_ operation: ModelOperation) -> (UInt64, [UInt64]) {
    func word(_ value: some BinaryInteger) -> UInt64 { UInt64(truncatingIfNeeded: value) }
    func path(_ name: Int) -> UInt64 { Bench.pathPage + UInt64(name) * 64 }
    switch operation {
    case .born, .load, .store: preconditionFailure("not a system call")
    case .fork: return (220, [17])
    case .exit(let code): return (code & 1 == 0 ? 93 : 94, [code])
    case .wait(let target, let options): return (260, [word(target), Self.scratch, options, 0])
    case .kill(let pid): return (129, [word(pid), 9])
    case .yield: return (124, [])
    case .map(let address, let pages, let permissions, let flags, let fd, let first):
      return (222, [address, pages * 4096, permissions, flags, word(fd), word(first) * 4096])
    case .unmap(let address, let pages): return (215, [address, pages * 4096])
    case .protect(let address, let pages, let permissions):
      return (226, [address, pages * 4096, permissions])
    case .advise(let address, let pages, let advice):
      return (233, [address, pages * 4096, advice])
    case .remap(let address, let old, let new, let flags, let target):
      return (216, [address, old * 4096, new * 4096, flags, target])
    case .synchronize(let address, let pages): return (227, [address, pages * 4096, 4])
    case .lock(let address, let pages): return (228, [address, pages * 4096])
    case .unlock(let address, let pages): return (229, [address, pages * 4096])
    case .setBreak(let address): return (214, [address])
    case .open(let name, let flags): return (56, [here, path(name), flags, 0o644])
    case .unlink(let name): return (35, [here, path(name), 0])
    case .close(let fd): return (57, [word(fd)])
    case .duplicate(let fd): return (23, [word(fd)])
    case .duplicateTo(let old, let new): return (24, [word(old), word(new), 0])
    case .pipe(let address): return (59, [address, 0])
    case .memoryFile: return (279, [path(0), 0])
    case .read(let fd, let address, let count): return (63, [word(fd), address, word(count)])
    case .write(let fd, let address, let count): return (64, [word(fd), address, word(count)])
    case .readAt(let fd, let address, let count, let position):
      return (67, [word(fd), address, word(count), word(position)])
    case .writeAt(let fd, let address, let count, let position):
      return (68, [word(fd), address, word(count), word(position)])
    case .seek(let fd, let offset, let whence): return (62, [word(fd), word(offset), whence])
    case .resize(let fd, let size): return (46, [word(fd), word(size)])
    case .flush(let fd): return (82, [word(fd)])
    case .adviseFile(let fd, let advice): return (223, [word(fd), 0, 0, advice])
    case .size(let fd, let address): return (80, [word(fd), address])
    case .makeSegment(let size): return (194, [0, word(size), 0o600])
    case .attach(let id, let address, let flags): return (196, [word(id), address, flags])
    case .detach(let address): return (197, [address])
    case .removeSegment(let id): return (195, [word(id), 0, 0])
    case .swapOff: return (225, [path(Self.paths.count)])
    case .swapOn: return (224, [path(Self.paths.count), 0])
    }
  }
}
