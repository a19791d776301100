public import MMUMemory

/// A directory of the host that a guest is given, or one below it.
///
/// Every call takes one name, never a path, and follows no symbolic link: the guest's own path walk
/// does that. So nothing outside can be named, whatever the names are and whoever changes them
/// meanwhile. Names are neither empty nor `.` nor `..`, and contain no slash.
public protocol HostDirectory: AnyObject {
  /// Which directory it is.
  var identity: HostIdentity { get }
  /// The names in it but for `.` and `..`, in any order.
  func names() throws(Errno) -> [[UInt8]]
  /// What a name stands for.
  func status(of name: [UInt8]) throws(Errno) -> HostStatus
  /// The target of a symbolic link.
  func target(of name: [UInt8]) throws(Errno) -> [UInt8]
  /// A directory in it.
  func directory(_ name: [UInt8]) throws(Errno) -> any HostDirectory
  /// A regular file in it; ESTALE if it is anything else by now.
  func file(_ name: [UInt8], writing: Bool) throws(Errno) -> any HostFile
  /// A new file, open for writing.
  func makeFile(_ name: [UInt8], mode: UInt32) throws(Errno) -> any HostFile
  /// A new directory.
  func makeDirectory(_ name: [UInt8], mode: UInt32) throws(Errno)
  /// A new symbolic link.
  func makeSymbolicLink(_ name: [UInt8], to target: [UInt8]) throws(Errno)
  /// Another name, in a directory made by the same host, for a file.
  func makeLink(_ name: [UInt8], in other: any HostDirectory, as new: [UInt8]) throws(Errno)
  /// Another name instead, replacing what stood there.
  func rename(_ name: [UInt8], to other: any HostDirectory, as new: [UInt8]) throws(Errno)
  /// Takes a name away: of an empty directory, or of anything else.
  func remove(_ name: [UInt8], isDirectory: Bool) throws(Errno)
  /// Sets its own permission bits.
  func setMode(_ mode: UInt32) throws(Errno)
}

/// A regular file of the host, open.
public protocol HostFile: AnyObject {
  /// What is known of it now.
  func status() throws(Errno) -> HostStatus
  /// Reads at a position: fewer bytes than asked for only at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer, at position: UInt64) throws(Errno) -> Int
  /// Writes all bytes at a position.
  func write(from buffer: UnsafeRawBufferPointer, at position: UInt64) throws(Errno)
  /// Cuts it or extends it with zeros.
  func setSize(_ size: UInt64) throws(Errno)
  /// Sets its permission bits.
  func setMode(_ mode: UInt32) throws(Errno)
}

/// A directory of the host and where the guest sees it.
public struct HostMount {
  /// The directory.
  public var directory: any HostDirectory
  /// The names from the guest's root to it; at least one.
  public var path: [[UInt8]]
  /// The guest may change it.
  public var isWritable: Bool

  /// Joins the fields.
  public init(_ directory: any HostDirectory, at path: [[UInt8]], isWritable: Bool = false) {
    self.directory = directory
    self.path = path
    self.isWritable = isWritable
  }

  /// The names of an absolute guest path that can show a directory; nil if it cannot.
  ///
  /// The root, `/dev`, `/proc` and what is below those two stay the kernel's; `..` is refused.
  public static func names(of path: String) -> [[UInt8]]? {
    guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count < 4096, !path.utf8.contains(0)
    else { return nil }
    let names = path.utf8.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
    guard let first = names.first, !first.elementsEqual("dev".utf8),
      !first.elementsEqual("proc".utf8)
    else { return nil }
    if names.contains(where: { $0.elementsEqual("..".utf8) || $0.count > 255 }) { return nil }
    return names.map { Array($0) }
  }
}

extension Errno {
  /// What a call of the host's failed with; a guest whose host has no more descriptors is told that
  /// the system has none, for its own limit is another.
  init(_ error: HostError) {
    let known = Errno(rawValue: error.linuxNumber) ?? .inputOutput
    self = known == .tooManyFiles ? .fileTableFull : known
  }
}
