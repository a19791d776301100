/// A file system: where the content of its files lives.
///
/// With an image it is a disk: pages are read from blocks and written back to them, clean pages can
/// be dropped from the cache. Over a directory of the host, its files take the place of blocks.
/// Without either the cache is the only store (Linux's tmpfs).
final class Volume {
  /// st_dev.
  let device: UInt64
  /// The blocks; nil for a file system in memory.
  let image: DiskImage?
  /// The directory of the host, if it is one.
  let host: HostVolume?
  /// Pages have to be written back.
  let writesBack: Bool
  /// Its names are the kernel's: /proc.
  let isGenerated: Bool
  unowned let system: SystemMemory
  private var lastNumber: UInt64 = 1
  /// Inodes there are, with a name or without.
  var inodeCount = 0

  /// Makes an empty file system.
  init(
    _ system: SystemMemory, device: UInt64, image: DiskImage? = nil, host: HostVolume? = nil,
    isGenerated: Bool = false
  ) {
    self.system = system
    self.device = device
    self.image = image
    self.host = host
    self.isGenerated = isGenerated
    writesBack = image != nil || host != nil
  }

  /// Every change fails with EROFS.
  var isReadOnly: Bool { host.map { !$0.isWritable } ?? false }

  /// The number of the next inode.
  func newNumber() -> UInt64 {
    lastNumber += 1
    return lastNumber
  }
}
