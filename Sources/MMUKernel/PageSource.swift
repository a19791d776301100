import MMUMemory
import MMUTiming

/// What is behind a file mapping: pages of a file, and the frames that hold them.
///
/// The first need of a page reads it into a frame of its own (`FrameUse.cache`); all mappings of the
/// page share that frame, and a private write copies it. Here the bytes are the program's file, held
/// by the host; a page cache over a disk takes this place later.
final class PageSource {
  /// The name for stories and maps: the program's path.
  let name: String
  private let bytes: [UInt8]
  /// Bytes of the file from here on read as zero up to the next page: the start of .bss.
  private let zeroFrom: Int
  /// The frame of each page; 0 if it is not in memory.
  ///
  /// Lazily backed by the host, so that many segments of a large file cost nothing.
  private let frames: UnsafeMutablePointer<UInt32>
  private let frameBytes: UInt64
  /// The pages that may be in memory.
  private var cached: Range<Int>?
  /// Pages of the file; a mapping may be longer, and an access there is a bus error.
  let pageCount: UInt64
  /// Areas that show it; the last one to go takes the frames along.
  var areas = 0

  /// Takes a file.
  ///
  /// - Parameter zeroFrom: the byte from which on the rest of its page is zero, if there is one.
  init(name: String, bytes: [UInt8], zeroFrom: Int? = nil) {
    self.name = name
    self.bytes = bytes
    self.zeroFrom = zeroFrom ?? bytes.count
    pageCount = (UInt64(bytes.count) + pageBytes - 1) / pageBytes
    frameBytes = (max(1, pageCount) * 4 + 4095) & ~4095
    frames = Platform.map(bytes: frameBytes, hugePages: false)
      .assumingMemoryBound(to: UInt32.self)
  }

  deinit { Platform.unmap(frames, bytes: frameBytes) }

  /// Tells whether a page is in memory.
  func isCached(_ page: UInt64) -> Bool { page < pageCount && frames[Int(page)] != 0 }

  /// The frame of a page, read now if need be; nil if there is no free frame.
  ///
  /// - Precondition: `page` is below `pageCount`.
  func frame(of page: UInt64, in system: SystemMemory) -> UInt64? {
    let present = frames[Int(page)]
    if present != 0 { return UInt64(present) }
    let number = system.frames.take(.cache, zeroed: true)
    if number == 0 { return nil }
    let start = Int(page) * 4096
    let zero = zeroFrom >= start && zeroFrom < start + 4096 ? zeroFrom : bytes.count
    let end = min(start + 4096, zero)
    if end > start {
      system.memory.willWrite(FrameNumber(number))
      let target = system.memory.pointer(to: FrameNumber(number))
      bytes.withUnsafeBytes {
        target.copyMemory(from: $0.baseAddress! + start, byteCount: end - start)
      }
    }
    system.charge(system.costs.frameAllocation + system.costs.pageCopy)
    frames[Int(page)] = UInt32(number)
    let known = cached ?? Int(page)..<Int(page) + 1
    cached = min(known.lowerBound, Int(page))..<max(known.upperBound, Int(page) + 1)
    return number
  }

  /// Gives all frames back.
  func dropFrames(in system: SystemMemory) {
    for page in cached ?? 0..<0 where frames[page] != 0 {
      system.frames.release(FrameNumber(UInt64(frames[page])))
      frames[page] = 0
    }
  }

  /// Calls `body` with each frame held.
  func forEachFrame(_ body: (UInt64) -> Void) {
    for page in cached ?? 0..<0 where frames[page] != 0 { body(UInt64(frames[page])) }
  }
}
