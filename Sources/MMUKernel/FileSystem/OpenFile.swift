/// An open file description: what descriptors, copies of them, and areas share.
///
/// It is closed when the last of them goes. All that is read, written or mapped goes through one.
final class OpenFile {
  /// What is behind it.
  enum Content {
    case inode(Inode)
    case stream(HostStream)
    case pipe(Pipe)
    case socket(Socket)
  }

  let content: Content
  /// The absolute path at the time of opening, for stories and maps.
  var path: String
  /// What a file of /proc says since it was opened.
  var text: [UInt8] = []
  /// The names of a directory of the host, sorted, as they were when the listing began.
  var listing: [[UInt8]]?
  /// O_ACCMODE and the status flags.
  var flags: UInt32
  /// Where the next read or write goes.
  var position: UInt64 = 0
  /// Descriptors, areas and calls in progress that need it.
  private(set) var holds = 1
  /// Areas that show it.
  var areas = 0
  /// Its index in `SystemMemory.sources` while areas show it, else 0.
  var source: UInt32 = 0
  /// What has been read ahead.
  var readahead = Readahead()
  /// POSIX_FADV_RANDOM or SEQUENTIAL.
  var advice = ReadPattern.normal
  unowned let system: SystemMemory

  /// How a file is going to be read.
  enum ReadPattern {
    case normal
    case random
    case sequential
  }

  /// Opens something, with one holder.
  init(_ system: SystemMemory, _ content: Content, path: String, flags: UInt32) {
    self.system = system
    self.content = content
    self.path = path
    self.flags = flags
    system.openFiles += 1
    if case .inode(let inode) = content {
      inode.hold()
      if isWritable { inode.writers += 1 }
    }
  }

  var inode: Inode? { if case .inode(let inode) = content { inode } else { nil } }
  var isReadable: Bool { flags & 3 != 1 && flags & OpenFlags.path == 0 }
  var isWritable: Bool { flags & 3 != 0 && flags & OpenFlags.path == 0 }

  /// A transfer may wait: not O_NONBLOCK.
  var waits: Bool { flags & OpenFlags.nonBlocking == 0 }

  /// Adds a holder.
  func hold() { holds += 1 }

  /// Takes a holder away; the last one closes it.
  func release() {
    holds -= 1
    precondition(holds >= 0, "a file is closed twice")
    if holds > 0 { return }
    system.openFiles -= 1
    switch content {
    case .inode(let inode):
      if isWritable { inode.writers -= 1 }
      inode.release()
    case .pipe(let pipe): pipe.close(writing: isWritable)
    case .socket(let socket): socket.close()
    case .stream: break
    }
  }
}

/// The flags of open by their Linux numbers on riscv64.
enum OpenFlags {
  static let create: UInt32 = 0x40
  static let exclusive: UInt32 = 0x80
  static let truncate: UInt32 = 0x200
  static let append: UInt32 = 0x400
  static let nonBlocking: UInt32 = 0x800
  static let large: UInt32 = 0x8000
  static let directory: UInt32 = 0x1_0000
  static let noFollow: UInt32 = 0x2_0000
  static let closeOnExec: UInt32 = 0x8_0000
  static let path: UInt32 = 0x20_0000
  static let temporary: UInt32 = 0x40_0000
  /// Those fcntl(F_SETFL) changes: APPEND, NONBLOCK, ASYNC, DIRECT, NOATIME.
  static let settable: UInt32 = 0x400 | 0x800 | 0x2000 | 0x4000 | 0x4_0000
}
