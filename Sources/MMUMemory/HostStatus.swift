/// Tells files of the host apart: two names with one identity lead to one file.
public struct HostIdentity: Hashable, Sendable {
  /// The host's st_dev.
  public var device: UInt64
  /// The host's st_ino.
  public var number: UInt64

  /// Joins the two.
  public init(device: UInt64, number: UInt64) {
    self.device = device
    self.number = number
  }
}

/// What the host says of a file.
public struct HostStatus: Hashable, Sendable {
  /// Which file it is.
  public var identity: HostIdentity
  /// st_mode: type and permissions, by their Linux numbers.
  public var mode: UInt32
  /// Names of it.
  public var links: UInt64
  /// Bytes of content.
  public var size: UInt64
  /// The host's times of change: another value, another content.
  ///
  /// Never shown to a guest.
  public var version: [Int64]

  /// Joins the fields.
  public init(
    identity: HostIdentity, mode: UInt32, links: UInt64, size: UInt64, version: [Int64]
  ) {
    self.identity = identity
    self.mode = mode
    self.links = links
    self.size = size
    self.version = version
  }

  /// The kinds of files that matter here.
  public enum Kind: Sendable {
    case regular
    case directory
    case symbolicLink
    /// Devices, fifos, sockets: they are seen and never opened.
    case special
  }

  /// Which kind of file it is.
  public var kind: Kind {
    switch mode & 0o170000 {
    case 0o100000: .regular
    case 0o040000: .directory
    case 0o120000: .symbolicLink
    default: .special
    }
  }
}
