/// The blocks of a disk: 4 KiB each, in memory of the host, which backs only what was written.
final class DiskImage {
  /// Blocks there are.
  let capacity: UInt64
  /// Blocks in use.
  private(set) var used: UInt64 = 0
  private var next: UInt64 = 0
  private var recycled: [UInt64] = []
  private var chunks: [UnsafeMutableRawPointer] = []
  private static let blocksPerChunk: UInt64 = 64

  /// Makes an empty disk.
  init(bytes: UInt64) { capacity = bytes / 4096 }

  deinit { for chunk in chunks { chunk.deallocate() } }

  /// Takes a block with undefined content; nil if the disk is full.
  func allocate() -> UInt64? {
    guard used < capacity else { return nil }
    used += 1
    if let block = recycled.popLast() { return block }
    if next / Self.blocksPerChunk == UInt64(chunks.count) {
      chunks.append(.allocate(byteCount: Int(Self.blocksPerChunk) * 4096, alignment: 4096))
    }
    next += 1
    return next - 1
  }

  /// Gives a block back.
  func release(_ block: UInt64) {
    used -= 1
    recycled.append(block)
  }

  /// The bytes of a block in use.
  func bytes(of block: UInt64) -> UnsafeMutableRawPointer {
    precondition(block < next, "a block beyond those handed out")
    return chunks[Int(block / Self.blocksPerChunk)] + Int(block % Self.blocksPerChunk) * 4096
  }
}
