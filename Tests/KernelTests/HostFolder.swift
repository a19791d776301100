import Foundation
@testable import MMUKernel
import MMUMemory

// What the tests of host directories share: a temporary directory, and one that is watched.

/// A temporary directory of the host that goes when the test does.
final class HostFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "mmuemu-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  subscript(name: String) -> [UInt8]? {
    get { FileManager.default.contents(atPath: path + "/" + name).map { Array($0) } }
    set {
      let file = path + "/" + name
      guard let newValue else { return _ = unlink(file) }
      // In place: the same file, not another of that name.
      let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      newValue.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
      close(descriptor)
    }
  }

  var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? []
  }

  func text(_ name: String) -> String? { self[name].map { String(decoding: $0, as: UTF8.self) } }

  func makeDirectory(_ name: String) { mkdir(path + "/" + name, 0o755) }

  func makeLink(_ name: String, to target: String) { symlink(target, path + "/" + name) }

  func exists(_ name: String) -> Bool {
    var status = stat()
    return lstat(path + "/" + name, &status) == 0
  }

  /// A kernel that shows it at /h.
  func bench(writable: Bool = true, through watch: Watch? = nil) throws -> Bench {
    let own = try SystemHostDirectory(path)
    let directory: any HostDirectory = watch.map { WatchedDirectory(own, $0) } ?? own
    let mount = HostMount(directory, at: [Array("h".utf8)], isWritable: writable)
    let bench = try Bench { $0.mounts = [mount] }
    bench.prepareFiles()
    return bench
  }
}

/// What a test wants to know of the host's calls, and to put between them.
final class Watch {
  /// Runs before a file is opened, or a directory.
  var beforeOpen: (String) -> Void = { _ in }
  /// What reads and writes fail with.
  var readError: Errno?
  var writeError: Errno?
  var openError: Errno?
  /// Files and directories open now, and the most there ever were.
  var openNow = 0 { didSet { most = max(most, openNow) } }
  var most = 0
}

/// A directory of the host that is watched.
final class WatchedDirectory: HostDirectory {
  private let inner: any HostDirectory
  private let watch: Watch

  init(_ inner: any HostDirectory, _ watch: Watch) {
    self.inner = inner
    self.watch = watch
    watch.openNow += 1
  }

  deinit { watch.openNow -= 1 }

  var identity: HostIdentity { inner.identity }
  func names() throws(Errno) -> [[UInt8]] { try inner.names() }
  func status(of name: [UInt8]) throws(Errno) -> HostStatus { try inner.status(of: name) }
  func target(of name: [UInt8]) throws(Errno) -> [UInt8] { try inner.target(of: name) }

  private func open(_ name: [UInt8]) throws(Errno) {
    watch.beforeOpen(String(decoding: name, as: UTF8.self))
    if let error = watch.openError { throw error }
  }

  func directory(_ name: [UInt8]) throws(Errno) -> any HostDirectory {
    try open(name)
    return WatchedDirectory(try inner.directory(name), watch)
  }

  func file(_ name: [UInt8], writing: Bool) throws(Errno) -> any HostFile {
    try open(name)
    return WatchedFile(try inner.file(name, writing: writing), watch)
  }

  func makeFile(_ name: [UInt8], mode: UInt32) throws(Errno) -> any HostFile {
    try open(name)
    return WatchedFile(try inner.makeFile(name, mode: mode), watch)
  }

  func makeDirectory(_ name: [UInt8], mode: UInt32) throws(Errno) {
    try inner.makeDirectory(name, mode: mode)
  }

  func makeSymbolicLink(_ name: [UInt8], to target: [UInt8]) throws(Errno) {
    try inner.makeSymbolicLink(name, to: target)
  }

  func makeLink(
    _ name: [UInt8], in other: any HostDirectory, as new: [UInt8]
  ) throws(Errno) {
    try inner.makeLink(name, in: (other as! WatchedDirectory).inner, as: new)
  }

  func rename(_ name: [UInt8], to other: any HostDirectory, as new: [UInt8]) throws(Errno) {
    try inner.rename(name, to: (other as! WatchedDirectory).inner, as: new)
  }

  func remove(_ name: [UInt8], isDirectory: Bool) throws(Errno) {
    try inner.remove(name, isDirectory: isDirectory)
  }

  func setMode(_ mode: UInt32) throws(Errno) { try inner.setMode(mode) }
}

/// A file of the host that is watched.
final class WatchedFile: HostFile {
  private let inner: any HostFile
  private let watch: Watch

  init(_ inner: any HostFile, _ watch: Watch) {
    self.inner = inner
    self.watch = watch
    watch.openNow += 1
  }

  deinit { watch.openNow -= 1 }

  func status() throws(Errno) -> HostStatus { try inner.status() }

  func read(into buffer: UnsafeMutableRawBufferPointer, at position: UInt64) throws(Errno) -> Int {
    if let error = watch.readError { throw error }
    return try inner.read(into: buffer, at: position)
  }

  func write(from buffer: UnsafeRawBufferPointer, at position: UInt64) throws(Errno) {
    if let error = watch.writeError { throw error }
    try inner.write(from: buffer, at: position)
  }

  func setSize(_ size: UInt64) throws(Errno) {
    if let error = watch.writeError { throw error }
    try inner.setSize(size)
  }

  func setMode(_ mode: UInt32) throws(Errno) { try inner.setMode(mode) }
}
