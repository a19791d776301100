import MMUMemory

/// How the free memory of a machine lies at one moment.
public struct FreeMemory: Hashable, Sendable {
  /// Free frames, those in the core's list included, which are in no block.
  public let pages: UInt64
  /// Free blocks of 2^i frames.
  public let blocks: [UInt64]
  /// Of the frames in free blocks those in blocks too small for a huge page, in thousandths: Linux's
  /// unusable free space index for order 9; 1000 if there is no free block.
  public let unusableIndexOrder9: Int
}

extension FrameAllocator {
  /// How the free memory lies now.
  public var freeMemory: FreeMemory {
    let pages = available
    return withBuddies { buddies in
      FreeMemory(
        pages: pages, blocks: (0...buddies.maximumOrder).map { buddies.freeBlocks(order: $0) },
        unusableIndexOrder9: buddies.unusableFreeIndex(order: 9))
    }
  }
}
