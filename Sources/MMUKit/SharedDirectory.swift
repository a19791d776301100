import MMUKernel

/// A directory of the host that a guest sees: `--dir HOST=GUEST`.
public struct SharedDirectory: Hashable, Sendable {
  /// The host's path.
  public var host: String
  /// The guest's path: absolute, and none of `/`, `/dev` and `/proc`.
  public var guest: String
  /// The guest may change what is in it.
  public var isWritable: Bool

  /// Joins the fields.
  public init(host: String, guest: String, isWritable: Bool = false) {
    self.host = host
    self.guest = guest
    self.isWritable = isWritable
  }

  /// Reads `HOST=GUEST`, split at the last `=`, for a host's path may contain one.
  ///
  /// - Throws: `ConfigurationError` if there is no `=`, or nothing before it.
  public init(_ text: String, isWritable: Bool = false) throws(ConfigurationError) {
    guard let equals = text.lastIndex(of: "="), equals > text.startIndex else {
      throw ConfigurationError(
        "\(Self.option(isWritable)) \(text): it is HOST=GUEST",
        help: "for instance \(Self.option(isWritable)) .=/host")
    }
    self.init(
      host: String(text[..<equals]), guest: String(text[text.index(after: equals)...]),
      isWritable: isWritable)
  }

  /// The option that asks for it.
  public var option: String { Self.option(isWritable) }

  private static func option(_ isWritable: Bool) -> String { isWritable ? "--dir-rw" : "--dir" }

  /// It, as the option takes it.
  public var text: String { "\(host)=\(guest)" }
}

extension MachineConfiguration {
  /// Checks that every directory has a place of its own in the guest's tree.
  func validateDirectories() throws(ConfigurationError) {
    var taken: [(path: [[UInt8]], text: String)] = []
    for directory in directories {
      let words = "\(directory.option) \(directory.text): "
      guard let path = HostMount.names(of: directory.guest) else {
        throw ConfigurationError(
          words + "the guest cannot see a directory at '\(directory.guest)'",
          help: "it takes an absolute path without '..', and not /, /dev or /proc")
      }
      for other in taken where other.path.starts(with: path) || path.starts(with: other.path) {
        throw ConfigurationError(
          words + "the guest's path is that of '\(other.text)', or one lies in the other",
          help: "each directory needs a place of its own")
      }
      taken.append((path, directory.text))
    }
  }

  /// Opens the directories.
  ///
  /// - Throws: the first that cannot be had.
  func mounts(from host: any HostIO) throws(StartError) -> [HostMount] {
    var mounts: [HostMount] = []
    for directory in directories {
      guard let path = HostMount.names(of: directory.guest) else {
        throw .directory(directory.guest, .invalid)
      }
      do {
        mounts.append(
          HostMount(
            try host.openDirectory(directory.host), at: path, isWritable: directory.isWritable))
      } catch {
        throw .directory(directory.host, error)
      }
    }
    return mounts
  }
}
