@testable import MMUKernel

// The reference the kernel is held against: what processes, their pages, files and descriptors are,
// without frames, tables, areas or caches. Pages are looked up in a dictionary, files are arrays.

/// A file, or shared memory: whole pages and a size; bytes behind the size are what mappings see.
final class ModelFile {
  var bytes: [UInt8] = []
  var size = 0
  let isOnDisk: Bool
  var pages: Int { (size + 4095) / 4096 }

  init(isOnDisk: Bool, size: Int = 0) {
    self.isOnDisk = isOnDisk
    resize(to: size)
  }

  func zeroTail() {
    for i in size..<pages * 4096 { bytes[i] = 0 }
  }

  func resize(to new: Int) {
    if new > size { zeroTail() }
    size = new
    if bytes.count > pages * 4096 { bytes.removeSubrange((pages * 4096)...) }
    bytes += [UInt8](repeating: 0, count: pages * 4096 - bytes.count)
    if new & 4095 != 0 { zeroTail() }
  }

  func write(_ new: some Collection<UInt8>, at position: Int) {
    if new.isEmpty { return }
    if position > size { resize(to: position) }
    size = max(size, position + new.count)
    bytes += [UInt8](repeating: 0, count: pages * 4096 - bytes.count)
    bytes.replaceSubrange(position..<position + new.count, with: new)
  }

  /// What a read gets.
  func read(_ count: Int, at position: Int) -> ArraySlice<UInt8> {
    position < size ? bytes[position..<min(size, position + count)] : []
  }
}

/// A page of a process: what may be done with it, and what stands in it.
struct ModelledPage {
  var permissions: UInt64
  /// What it shows, from which page of that on, and whether stores go there.
  var file: ModelFile?
  var filePage = 0
  var isShared = false
  /// The file was not opened for writing, and is shared: mprotect cannot allow it.
  var isNeverWritten = false
  /// Number of the shmat it came by; 0 is none.
  var attachment = 0
  /// Bytes of its own; nil is the file's, or zeros.
  var own: [UInt8]?
  var isLocked = false
  var isNotForked = false
  var isWiped = false
  /// MADV_FREE: zeros may stand there instead of `own`, until it is written.
  var isFreed = false
  /// MADV_GUARD_INSTALL.
  var isGuard = false

  /// An access that its permissions allow would be SIGBUS.
  var isBeyondFile: Bool { own == nil && file.map { filePage >= $0.pages } ?? false }

  func allows(writing: Bool) -> Bool {
    !isGuard && (writing ? permissions & 2 != 0 : permissions != 0)
  }

  func isAccessible(writing: Bool) -> Bool { allows(writing: writing) && !isBeyondFile }

  subscript(offset: Int) -> UInt8 {
    if let own { return own[offset] }
    return file?.bytes[filePage * 4096 + offset] ?? 0
  }

  /// All of its bytes.
  var content: [UInt8] {
    if let own { return own }
    guard let file else { return [UInt8](repeating: 0, count: 4096) }
    return Array(file.bytes[filePage * 4096..<(filePage + 1) * 4096])
  }

  /// A store of the process.
  mutating func store(_ new: some Collection<UInt8>, at offset: Int) {
    if isShared, let file {
      let start = filePage * 4096 + offset
      file.bytes.replaceSubrange(start..<start + new.count, with: new)
      return
    }
    if own == nil { own = content }
    own!.replaceSubrange(offset..<offset + new.count, with: new)
  }
}

/// What a descriptor stands for.
final class ModelDescription {
  enum Kind {
    case stream
    case file(ModelFile)
    case readEnd(ModelPipe)
    case writeEnd(ModelPipe)
  }

  let kind: Kind
  let isReadable: Bool
  let isWritable: Bool
  let appends: Bool
  var position = 0
  /// Descriptors of all processes.
  var references = 1

  init(_ kind: Kind, access: UInt64, appends: Bool = false) {
    self.kind = kind
    isReadable = access & 3 != 1
    isWritable = access & 3 != 0
    self.appends = appends
  }

  var file: ModelFile? { if case .file(let file) = kind { file } else { nil } }

  func release() {
    references -= 1
    if references > 0 { return }
    switch kind {
    case .readEnd(let pipe): pipe.hasReader = false
    case .writeEnd(let pipe): pipe.hasWriter = false
    case .stream, .file: break
    }
  }
}

/// A pipe of 16 pages, as Linux's.
final class ModelPipe {
  var bytes: [UInt8] = []
  /// Of each page in use: where in it the next write could join, and how much is to be read.
  var pages: [(end: Int, count: Int)] = []
  var hasReader = true
  var hasWriter = true
  static let capacity = 16
}

/// A process of the model beside the kernel's.
final class ModelProcess {
  let pid: Int32
  let real: Process
  /// nil is init.
  var parent: ModelProcess?
  var children: [ModelProcess] = []
  /// By page number.
  var pages: [UInt64: ModelledPage] = [:]
  var descriptors: [Int: ModelDescription] = [:]
  var startBreak: UInt64 = 0
  var currentBreak: UInt64 = 0
  /// What it is about to do, as soon as it has the core: an operation that waits is begun again.
  var pending: ModelOperation?
  /// Bytes an unfinished write to a pipe has moved.
  var transferred = 0
  /// SIGKILL was sent: it ends before it goes on.
  var isDoomed = false
  /// The wait status; nil while it lives.
  var status: Int32?

  init(pid: Int32, real: Process) {
    self.pid = pid
    self.real = real
  }

  func lowestFree(from lowest: Int = 0, besides taken: Int = -1) -> Int {
    var number = lowest
    while descriptors[number] != nil || number == taken { number += 1 }
    return number
  }

  /// The first page of a range that is not mapped.
  func firstHole(_ range: Range<UInt64>) -> UInt64? { range.first { pages[$0] == nil } }

  func unmap(_ range: Range<UInt64>) { for page in range { pages[page] = nil } }

  /// What a system call can read from an address on, up to the first bad page.
  func read(_ address: UInt64, _ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let at = address + UInt64(bytes.count)
      guard let page = pages[at / 4096], page.isAccessible(writing: false) else { break }
      let offset = Int(at & 4095)
      let part = min(count - bytes.count, 4096 - offset)
      bytes += page.content[offset..<offset + part]
    }
    return bytes
  }

  /// What a system call can write to an address, up to the first bad page: how many bytes.
  func write(_ bytes: some Collection<UInt8>, to address: UInt64) -> Int {
    let bytes = Array(bytes)
    var done = 0
    while done < bytes.count {
      let at = address + UInt64(done)
      guard pages[at / 4096]?.isAccessible(writing: true) ?? false else { break }
      let offset = Int(at & 4095)
      let part = min(bytes.count - done, 4096 - offset)
      pages[at / 4096]!.store(bytes[done..<done + part], at: offset)
      done += part
    }
    return done
  }
}

/// One step of a process.
enum ModelOperation {
  /// A child's first moment: clone returned 0.
  case born
  case load(UInt64)
  case store(UInt64, UInt8)
  case fork
  case exit(UInt64)
  case wait(Int32, options: UInt64)
  case kill(Int32)
  case yield
  case map(UInt64, pages: UInt64, permissions: UInt64, flags: UInt64, fd: Int, firstPage: Int)
  case unmap(UInt64, pages: UInt64)
  case protect(UInt64, pages: UInt64, UInt64)
  case advise(UInt64, pages: UInt64, UInt64)
  case remap(UInt64, old: UInt64, new: UInt64, flags: UInt64, target: UInt64)
  case synchronize(UInt64, pages: UInt64)
  case lock(UInt64, pages: UInt64)
  case unlock(UInt64, pages: UInt64)
  case setBreak(UInt64)
  case open(Int, UInt64)
  case unlink(Int)
  case close(Int)
  case duplicate(Int)
  case duplicateTo(Int, Int)
  case pipe(UInt64)
  case memoryFile
  case read(Int, UInt64, Int)
  case write(Int, UInt64, Int)
  case readAt(Int, UInt64, Int, Int)
  case writeAt(Int, UInt64, Int, Int)
  case seek(Int, Int, UInt64)
  case resize(Int, Int)
  case flush(Int)
  case adviseFile(Int, UInt64)
  case size(Int, UInt64)
  case makeSegment(Int)
  case attach(Int, UInt64, UInt64)
  case detach(UInt64)
  case removeSegment(Int)
  /// swapoff, and swapon.
  case swapOff
  case swapOn
}

/// What the model says an operation comes to.
enum Prediction {
  case value(Int64)
  /// One of several, which the kernel may choose from.
  case oneOf([Int64])
  /// An address the kernel chooses.
  case somewhere
  /// It waits, and is begun again later.
  case waits
  /// The process ends by it.
  case ends

  static func fails(_ error: Errno) -> Prediction { .value(-error.rawValue) }
}
