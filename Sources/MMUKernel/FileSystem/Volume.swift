/// A file system: where the content of its files lives.
///
/// With an image it is a disk: pages are read from blocks and written back to them, clean pages can
/// be dropped from the cache. Without one the cache is the only store (Linux's tmpfs).
final class Volume {
  /// st_dev.
  let device: UInt64
  /// The blocks; nil for a file system in memory.
  let image: DiskImage?
  unowned let system: SystemMemory
  private var lastNumber: UInt64 = 1

  /// Makes an empty file system.
  init(_ system: SystemMemory, device: UInt64, image: DiskImage? = nil) {
    self.system = system
    self.device = device
    self.image = image
  }

  /// The number of the next inode.
  func newNumber() -> UInt64 {
    lastNumber += 1
    return lastNumber
  }
}
