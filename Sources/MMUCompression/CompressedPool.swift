/// Where a `CompressedPool` gets its frames of 4096 bytes.
public protocol PoolFrameProvider: AnyObject {
  /// Takes a frame, whatever it holds; nil if there is none to be had.
  func allocatePoolFrame() -> UInt64?
  /// Gives a frame back.
  func releasePoolFrame(_ frame: UInt64)
  /// The bytes of a frame, for as long as it is the pool's; the pool writes to them in `store` only.
  func bytes(ofPoolFrame frame: UInt64) -> UnsafeMutableRawPointer
}

/// Keeps objects of up to a page, packed into frames by size class, as Linux's zsmalloc does.
///
///     let pool = CompressedPool(frames)
///     if let handle = pool.store(bytes) { pool.withObject(handle) { read($0) } }
///
/// Classes are 64 bytes apart. Objects of a class lie side by side in spans of one to four frames, as
/// many as leave the smallest share unused; an object may begin in one frame of its span and end in
/// the next. A new object goes to the fullest kind of span that has room (quarters are told apart), so
/// that sparse ones empty; an empty span's frames are given back at once. Objects never move.
public final class CompressedPool {
  /// Names a stored object.
  public struct Handle: Hashable, Sendable {
    /// The span and the slot in it.
    public let rawValue: UInt64
    /// Makes a handle of the value another had.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    var span: Int { Int(rawValue >> 8) }
    var slot: Int { Int(rawValue & 255) }
  }

  /// Bytes between two size classes.
  public static var classStep: Int { 64 }
  static var frameBytes: Int { 4096 }
  static var classCount: Int { frameBytes / classStep }
  static var framesPerSpan: Int { 4 }
  static var none: Int32 { -1 }

  /// The layout of a size class.
  struct SizeClass {
    let bytes: Int
    /// Frames of a span.
    let frames: Int
    /// Objects of a span.
    let slots: Int

    init(bytes: Int) {
      self.bytes = bytes
      func waste(_ frames: Int) -> Int { frames * frameBytes % bytes }
      var best = 1
      for frames in 2...framesPerSpan where waste(frames) * best < waste(best) * frames {
        best = frames
      }
      frames = best
      slots = best * frameBytes / bytes
    }
  }

  /// Frames that hold objects of one class.
  struct Span {
    var sizeClass = 0
    var frames = SIMD4<UInt64>()
    /// One bit for each slot that holds an object.
    var taken = SIMD4<UInt64>()
    var objects = 0
    /// In the list of its class and fullness.
    var previous = none
    var next = none
  }

  let classes = (1...classCount).map { SizeClass(bytes: $0 * classStep) }
  var spans: [Span] = []
  /// Entries of `spans` without frames.
  private var unusedSpans: [Int32] = []
  /// The bytes of each object, 256 entries for a span.
  var sizes: [UInt16] = []
  /// The first span of each list: five for a class, from sparse to full.
  var heads = [Int32](repeating: none, count: classCount * 5)
  private let provider: any PoolFrameProvider
  private let scratch = UnsafeMutableRawBufferPointer.allocate(
    byteCount: frameBytes, alignment: 64)

  /// Objects stored now.
  public private(set) var objects = 0
  /// Bytes of the objects stored now.
  public private(set) var storedBytes = 0
  /// Frames the pool has.
  public private(set) var frames = 0
  /// The most it ever had.
  public private(set) var peakFrames = 0
  /// Objects refused because no frame was to be had.
  public private(set) var refusals = 0

  /// Makes an empty pool.
  public init(_ provider: any PoolFrameProvider) { self.provider = provider }

  deinit {
    for span in spans where span.objects > 0 {
      for i in 0..<classes[span.sizeClass].frames { provider.releasePoolFrame(span.frames[i]) }
    }
    scratch.deallocate()
  }

  /// Bytes of the pool's frames, used or not.
  public var poolBytes: Int { frames * Self.frameBytes }

  /// Keeps a copy of 1 to 4096 bytes; nil if no frame is to be had.
  public func store(_ bytes: UnsafeRawBufferPointer) -> Handle? {
    precondition(
      (1...Self.frameBytes).contains(bytes.count), "no object is \(bytes.count) bytes long")
    let sizeClass = (bytes.count - 1) / Self.classStep
    guard let index = spanWithRoom(sizeClass) else {
      refusals += 1
      return nil
    }
    let slot = takeSlot(index)
    sizes[index << 8 | slot] = UInt16(bytes.count)
    objects += 1
    storedBytes += bytes.count
    forEachPart(index, slot, bytes.count) { target, from, count in
      target.copyMemory(from: bytes.baseAddress! + from, byteCount: count)
    }
    return Handle(rawValue: UInt64(index) << 8 | UInt64(slot))
  }

  /// Shows an object's bytes, while `body` runs.
  public func withObject<Result>(
    _ handle: Handle, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    let size = size(of: handle)
    var whole: UnsafeMutableRawPointer?
    forEachPart(handle.span, handle.slot, size) { part, from, count in
      if count == size {
        whole = part
      } else {
        (scratch.baseAddress! + from).copyMemory(from: part, byteCount: count)
      }
    }
    return body(UnsafeRawBufferPointer(start: whole ?? scratch.baseAddress!, count: size))
  }

  /// The bytes of an object.
  public func size(of handle: Handle) -> Int {
    checkExists(handle)
    return Int(sizes[handle.span << 8 | handle.slot])
  }

  /// Drops an object; a span that is empty then gives its frames back.
  public func free(_ handle: Handle) {
    let (index, slot) = (handle.span, handle.slot)
    storedBytes -= size(of: handle)
    objects -= 1
    let before = list(of: index)
    spans[index].taken[slot >> 6] &= ~(1 << UInt64(slot & 63))
    spans[index].objects -= 1
    if spans[index].objects == 0 {
      unlink(index, before)
      let count = classes[spans[index].sizeClass].frames
      for i in 0..<count { provider.releasePoolFrame(spans[index].frames[i]) }
      frames -= count
      unusedSpans.append(Int32(index))
    } else {
      relink(index, before)
    }
  }

  private func checkExists(_ handle: Handle) {
    precondition(
      handle.span < spans.count
        && spans[handle.span].taken[handle.slot >> 6] >> UInt64(handle.slot & 63) & 1 == 1,
      "no object has the handle \(handle.rawValue)")
  }

  /// Calls `body` with the one or two places an object's bytes lie in.
  @inline(__always)
  private func forEachPart(
    _ index: Int, _ slot: Int, _ size: Int,
    _ body: (_ part: UnsafeMutableRawPointer, _ from: Int, _ count: Int) -> Void
  ) {
    let start = slot * classes[spans[index].sizeClass].bytes
    let (frame, offset) = (start / Self.frameBytes, start % Self.frameBytes)
    let first = min(size, Self.frameBytes - offset)
    body(provider.bytes(ofPoolFrame: spans[index].frames[frame]) + offset, 0, first)
    if first < size {
      body(provider.bytes(ofPoolFrame: spans[index].frames[frame + 1]), first, size - first)
    }
  }

  /// A span of a class with a free slot, the fullest kind there is, else a new one.
  private func spanWithRoom(_ sizeClass: Int) -> Int? {
    for fullness in (0..<4).reversed() {
      let head = heads[sizeClass * 5 + fullness]
      if head != Self.none { return Int(head) }
    }
    let count = classes[sizeClass].frames
    var span = Span(sizeClass: sizeClass)
    for i in 0..<count {
      guard let frame = provider.allocatePoolFrame() else {
        for taken in 0..<i { provider.releasePoolFrame(span.frames[taken]) }
        return nil
      }
      span.frames[i] = frame
    }
    frames += count
    peakFrames = max(peakFrames, frames)
    let index: Int
    if let unused = unusedSpans.popLast() {
      index = Int(unused)
      spans[index] = span
    } else {
      index = spans.count
      spans.append(span)
      sizes += [UInt16](repeating: 0, count: 256)
    }
    link(index)
    return index
  }

  private func takeSlot(_ index: Int) -> Int {
    let before = list(of: index)
    var word = 0
    while spans[index].taken[word] == .max { word += 1 }
    let bit = (~spans[index].taken[word]).trailingZeroBitCount
    spans[index].taken[word] |= 1 << UInt64(bit)
    spans[index].objects += 1
    relink(index, before)
    return word << 6 | bit
  }

  /// The list a span belongs in: that of its class and of the quarter it is filled to; full ones have
  /// a list of their own.
  func list(of index: Int) -> Int {
    let span = spans[index]
    return span.sizeClass * 5 + span.objects * 4 / classes[span.sizeClass].slots
  }

  private func relink(_ index: Int, _ before: Int) {
    if list(of: index) == before { return }
    unlink(index, before)
    link(index)
  }

  private func link(_ index: Int) {
    let list = list(of: index)
    spans[index].previous = Self.none
    spans[index].next = heads[list]
    if heads[list] != Self.none { spans[Int(heads[list])].previous = Int32(index) }
    heads[list] = Int32(index)
  }

  private func unlink(_ index: Int, _ list: Int) {
    let (previous, next) = (spans[index].previous, spans[index].next)
    if previous == Self.none {
      heads[list] = next
    } else {
      spans[Int(previous)].next = next
    }
    if next != Self.none { spans[Int(next)].previous = previous }
  }
}
