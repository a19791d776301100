import MMUCompression
import MMUMemory
import MMUTiming

/// Compressed copies of swapped pages in memory, in front of a swap area: Linux's zswap.
///
/// A page that consists of one repeated word takes no room; one that becomes small enough goes into a
/// pool of frames; any other goes to the disk. When the pool has reached its limit, the pages longest in
/// it are written to the disk until it is a tenth smaller.
final class CompressedSwap {
  /// What has happened so far.
  private(set) var counters = CompressedSwapCounters()
  private unowned let system: SystemMemory
  private unowned let area: SwapArea
  private let frames: PoolFrames
  private let pool: CompressedPool
  private let compressor = PageCompressor()
  private let buffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: PageCompressor.defaultLimit, alignment: 64)
  private let scratch = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 64)
  private var contents: [UInt64: Content] = [:]
  /// Slots in the pool, those stored first in front; some may have left it since.
  private var queue: [(slot: UInt64, ticket: UInt64)] = []
  private var queueStart = 0
  private var lastTicket: UInt64 = 0

  private enum Content {
    case word(UInt64)
    case compressed(CompressedPool.Handle, ticket: UInt64)
  }

  /// Makes an empty one for a swap area.
  init(_ system: SystemMemory, _ area: SwapArea, limit: UInt64) {
    self.system = system
    self.area = area
    frames = PoolFrames(system, limit: limit)
    pool = CompressedPool(frames)
  }

  deinit {
    buffer.deallocate()
    scratch.deallocate()
  }

  /// Pages it holds.
  var pages: UInt64 { UInt64(contents.count) }
  /// The frames they take, and the most they may.
  var poolFrames: UInt64 { UInt64(pool.frames) }
  var limit: UInt64 { frames.limit }

  /// Keeps the page of a slot in place of what it had; false if it is for the disk.
  func store(_ slot: UInt64, _ page: UnsafeRawPointer) -> Bool {
    drop(slot)
    system.charge(system.costs.compressPage)
    if let word = PageCompressor.repeatedWord(of: page) {
      contents[slot] = .word(word)
      counters.stored += 1
      counters.sameFilled += 1
      return true
    }
    if poolFrames >= limit {
      counters.limitHits += 1
      shrink()
    }
    guard let count = compressor.compress(page, into: buffer) else {
      counters.incompressible += 1
      return false
    }
    guard let handle = pool.store(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else {
      counters.refused += 1
      return false
    }
    lastTicket += 1
    contents[slot] = .compressed(handle, ticket: lastTicket)
    queue.append((slot, lastTicket))
    counters.stored += 1
    return true
  }

  /// Brings back the page of a slot, if it is here; it stays.
  func load(_ slot: UInt64, into page: UnsafeMutableRawPointer) -> Bool {
    guard restore(slot, into: page) else { return false }
    counters.loaded += 1
    return true
  }

  private func restore(_ slot: UInt64, into page: UnsafeMutableRawPointer) -> Bool {
    guard let content = contents[slot] else { return false }
    system.charge(system.costs.decompressPage)
    switch content {
    case .word(let word): PageCompressor.fill(page, with: word)
    case .compressed(let handle, _):
      let isWhole = pool.withObject(handle) { PageCompressor.decompress($0, into: page) }
      precondition(isWhole, "a compressed page is damaged")
    }
    return true
  }

  /// Forgets the page of a slot, if it is here.
  func drop(_ slot: UInt64) {
    guard let content = contents.removeValue(forKey: slot) else { return }
    if case .compressed(let handle, _) = content { pool.free(handle) }
  }

  /// Writes the oldest pages to the disk until the pool is a tenth below its limit.
  private func shrink() {
    while poolFrames * 10 > limit * 9, queueStart < queue.count {
      let (slot, ticket) = queue[queueStart]
      queueStart += 1
      guard case .compressed(_, ticket)? = contents[slot] else { continue }
      guard restore(slot, into: scratch), area.writeToStore(slot, from: scratch) else { break }
      drop(slot)
      counters.writtenBack += 1
      system.pagesForDisk += 1
    }
    if queueStart * 2 > queue.count {
      queue.removeFirst(queueStart)
      queueStart = 0
    }
  }
}

/// The frames of the pool: the machine's, up to a limit.
private final class PoolFrames: PoolFrameProvider {
  let limit: UInt64
  private let frames: FrameAllocator
  private var count: UInt64 = 0

  init(_ system: SystemMemory, limit: UInt64) {
    frames = system.frames
    self.limit = limit
  }

  func allocatePoolFrame() -> UInt64? {
    if count >= limit { return nil }
    let frame = frames.take(.compressed, zeroed: false)
    if frame == 0 { return nil }
    count += 1
    return frame
  }

  func releasePoolFrame(_ frame: UInt64) {
    count -= 1
    frames.release(FrameNumber(frame))
  }

  func bytes(ofPoolFrame frame: UInt64) -> UnsafeMutableRawPointer {
    frames.memory.willWrite(FrameNumber(frame))
    return frames.memory.pointer(to: FrameNumber(frame))
  }
}
