import MMUMemory

// Files of the host: where they stand, and how their content comes and goes.

/// What an inode over a file of the host has beside its own.
final class HostLink {
  let identity: HostIdentity
  /// The directory it was last found in, under its inode's name; nil for the mount's own.
  var parent: Inode?
  /// The file, while somebody has it open or it has pages that could not be written.
  var content: (any HostFile)?
  var isContentWritable = false
  /// Bytes of content to be read from the host; what lies behind is zero.
  var stored: UInt64 = 0
  /// The host's times when the cache agreed with it; empty once they have differed.
  var version: [Int64] = []
  /// Why the last page could not be read.
  var failure: Errno?
  /// The guest's path of the last open, for messages.
  var path = ""

  /// Knows nothing yet but which file it is.
  init(_ identity: HostIdentity) { self.identity = identity }

  /// Changes the open file, so that the next one to open it can tell this change from others'.
  func change<Result>(
    _ body: (any HostFile) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    guard let content else { throw .inputOutput }
    if try content.status().version != version { version = [] }
    let result = try body(content)
    if !version.isEmpty { version = try content.status().version }
    return result
  }
}

extension Inode {
  /// What to tell a program for which no page could be had.
  var failure: Errno {
    defer {
      host?.failure = nil
      swapFailure = nil
      isPromiseRefused = false
    }
    return host?.failure ?? swapFailure ?? (isPromiseRefused ? .noSpace : .noMemory)
  }

  /// Whether a page has content to be read from its disk or its host.
  @inline(__always)
  func isStored(_ page: UInt64) -> Bool {
    blocks[page] != 0 || host.map { page &* 4096 < $0.stored } ?? false
  }

  /// Takes size and version from the host, unless somebody uses the file: then it is as it was opened.
  ///
  /// The cache is dropped if the host has changed the file since.
  func takeOver(_ status: HostStatus) {
    guard let host, host.content == nil else { return }
    if host.version != status.version || size != status.size {
      dropPages(0..<1 << 52)
      size = status.size
      host.stored = status.size
      host.version = status.version
    }
  }

  /// Connects to the open file, or to the same one opened for writing too.
  func attach(_ file: any HostFile, _ status: HostStatus, isWritable: Bool) {
    guard let host else { return }
    takeOver(status)
    registerContent()
    host.content = file
    host.isContentWritable = isWritable
  }

  /// Writes what is dirty and closes the host's file, for nobody uses it any more.
  ///
  /// Its pages stay in the cache as long as it has a name.
  func closeContent() {
    guard let host, let content = host.content else { return }
    if let status = try? content.status() { links = Int(clamping: status.links) }
    if links <= 0 {
      dropPages(0..<1 << 52)
      volume.host?.forget(host.identity)
    } else if sync(waits: false) != nil {
      // Another attempt is made by sync(), by the next close, and at the end of the run.
      return
    }
    host.content = nil
    host.isContentWritable = false
    if pages.count == 0 { unregisterContent() }
  }

  /// Reads a page from the host; false if that fails.
  func readFromHost(_ page: UInt64, to target: UnsafeMutableRawPointer) -> Bool {
    guard let host else { return false }
    let start = page &* 4096
    let count = Int(min(4096, host.stored - start))
    do {
      guard let content = host.content else { throw Errno.inputOutput }
      // A file that has become shorter reads as zeros there.
      _ = try content.read(
        into: UnsafeMutableRawBufferPointer(start: target, count: count), at: start)
      return true
    } catch {
      host.failure = error as? Errno ?? .inputOutput
      return false
    }
  }

  /// Writes a page to the host, as far as the file reaches.
  func write(_ page: UInt64, to content: any HostFile) throws(Errno) {
    guard let host else { return }
    let start = page &* 4096
    if start >= size { return }
    let count = min(4096, size - start)
    let source = system.memory.pointer(to: FrameNumber(cachedFrame(page)))
    try content.write(from: UnsafeRawBufferPointer(start: source, count: Int(count)), at: start)
    host.stored = max(host.stored, start + count)
  }

  /// Sets the size on the host, before it is set here.
  func setHostSize(_ new: UInt64) throws(Errno) {
    guard let host else { return }
    try host.change { file throws(Errno) in try file.setSize(new) }
    host.stored = new
  }
}

extension Kernel {
  /// Writes what is still dirty to the host at the end of a run, and tells what it would not take.
  func flushHostFiles() {
    for case let inode? in system.inodes {
      guard let host = inode.host, host.content != nil else { continue }
      let error = inode.sync(waits: false)
      inode.closeContent()
      guard let error else { continue }
      let lost = inode.pages.pages(in: 0..<1 << 52).count { inode.isDirty($0) }
      let (pages, are) = lost == 1 ? ("page", "it is") : ("pages", "they are")
      say(
        .limit,
        "\(host.path): the host refused \(lost) \(pages) the guest wrote (\(error.name)); "
          + "\(are) lost")
    }
  }
}
