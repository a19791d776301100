import Testing
import TestSupport

@testable import MMUCompression

/// Frames of host memory, at most `limit` of them.
private final class HostFrames: PoolFrameProvider {
  var limit: Int
  private(set) var live: [UInt64: UnsafeMutableRawPointer] = [:]
  private var last: UInt64 = 0

  init(limit: Int = .max) { self.limit = limit }

  func allocatePoolFrame() -> UInt64? {
    if live.count >= limit { return nil }
    last += 1
    let frame = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)
    frame.initializeMemory(as: UInt8.self, repeating: 0xee, count: 4096)
    live[last] = frame
    return last
  }

  func releasePoolFrame(_ frame: UInt64) {
    guard let bytes = live.removeValue(forKey: frame) else {
      Issue.record("frame \(frame) is released twice")
      return
    }
    bytes.deallocate()
  }

  func bytes(ofPoolFrame frame: UInt64) -> UnsafeMutableRawPointer { live[frame]! }
}

extension CompressedPool {
  fileprivate func keep(_ bytes: [UInt8]) -> Handle? { bytes.withUnsafeBytes { store($0) } }

  fileprivate func content(_ handle: Handle) -> [UInt8] { withObject(handle) { Array($0) } }

  /// Checks lists and bits against each other; what is wrong, in words.
  fileprivate func problem() -> String? {
    var listed = 0
    for (list, head) in heads.enumerated() {
      var index = head
      var previous = Self.none
      while index != Self.none {
        let span = spans[Int(index)]
        let bits = (0..<4).reduce(0) { $0 + span.taken[$1].nonzeroBitCount }
        if bits != span.objects { return "span \(index) counts \(span.objects) of \(bits)" }
        if self.list(of: Int(index)) != list { return "span \(index) is in list \(list)" }
        if span.previous != previous { return "span \(index) has a wrong neighbour" }
        listed += classes[span.sizeClass].frames
        previous = index
        index = span.next
      }
    }
    return listed == frames ? nil : "\(frames) frames, \(listed) in lists"
  }
}

@Suite struct CompressedPoolTests {
  @Test func `spans waste little and objects do not overlap in them`() {
    let pool = CompressedPool(HostFrames())
    #expect(pool.classes.count == 64)
    for sizeClass in pool.classes {
      #expect(sizeClass.slots * sizeClass.bytes <= sizeClass.frames * 4096)
      #expect(sizeClass.slots <= 256)
      let waste = sizeClass.frames * 4096 - sizeClass.slots * sizeClass.bytes
      // Alone in its frames only what is hardly smaller than they are.
      if sizeClass.bytes <= 3072 { #expect(waste * 8 <= sizeClass.frames * 4096) }
    }
  }

  @Test(arguments: 1...4)
  func `objects keep their bytes whatever comes and goes`(seed: UInt64) {
    var random = Dice(seed)
    let frames = HostFrames()
    let pool = CompressedPool(frames)
    var model: [(handle: CompressedPool.Handle, bytes: [UInt8])] = []
    for step in 0..<4000 {
      if random.below(100) < (step / 800 % 2 == 0 ? 70 : 35) {
        // Few sizes for a while, so that spans fill.
        let size = step / 400 % 2 == 0 ? 1 + random.below(4096) : 700 + random.below(3) * 900
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ step) }
        guard let handle = pool.keep(bytes) else {
          Issue.record("refused at step \(step)")
          return
        }
        model.append((handle, bytes))
      } else if !model.isEmpty {
        let (handle, bytes) = model.remove(at: random.below(model.count))
        #expect(pool.content(handle) == bytes)
        pool.free(handle)
      }
      if step % 100 == 0 {
        #expect(pool.problem() == nil)
        #expect(pool.objects == model.count)
        #expect(pool.storedBytes == model.reduce(0) { $0 + $1.bytes.count })
        #expect(pool.frames == frames.live.count && pool.peakFrames >= pool.frames)
        for object in model where pool.content(object.handle) != object.bytes {
          Issue.record("an object changed before step \(step)")
          return
        }
      }
    }
    for object in model { pool.free(object.handle) }
    #expect(pool.frames == 0 && frames.live.isEmpty && pool.objects == 0)
    #expect(pool.storedBytes == 0)
  }

  @Test func `an object is refused when its span cannot be made, and nothing leaks`() {
    let frames = HostFrames(limit: 2)
    let pool = CompressedPool(frames)
    // A class of 3072 bytes takes three frames for four objects.
    let large = [UInt8](repeating: 1, count: 3000)
    #expect(pool.keep(large) == nil)
    #expect(frames.live.isEmpty && pool.refusals == 1)
    frames.limit = 3
    let handles = (0..<4).compactMap { _ in pool.keep(large) }
    #expect(handles.count == 4 && pool.frames == 3)
    #expect(pool.keep(large) == nil && pool.refusals == 2)
    pool.free(handles[2])
    #expect(pool.keep(large) == handles[2])
  }

  @Test func `sparse spans empty because new objects go to fuller ones`() {
    let pool = CompressedPool(HostFrames())
    let page = [UInt8](repeating: 3, count: 2048)
    var handles = (0..<8).compactMap { _ in pool.keep([UInt8](repeating: 3, count: 1024)) }
    #expect(pool.frames == 2)
    // One left in the first frame, three in the second: the next joins the three.
    for handle in handles[1..<4] + handles[7..<8] { pool.free(handle) }
    handles.append(pool.keep([UInt8](repeating: 4, count: 1024))!)
    pool.free(handles[0])
    #expect(pool.frames == 1)
    #expect(pool.keep(page) != nil && pool.frames == 2)
  }

  @Test func `the pool gives its frames back when it goes`() {
    let frames = HostFrames()
    var pool: CompressedPool? = CompressedPool(frames)
    #expect(pool?.keep([1, 2, 3]) != nil && frames.live.count == 1)
    pool = nil
    #expect(frames.live.isEmpty)
  }

  @Test func `a handle without an object is a broken invariant`() async {
    await #expect(processExitsWith: .failure) {
      let pool = CompressedPool(HostFrames())
      let handle = pool.keep([1])!
      pool.free(handle)
      pool.free(handle)
    }
  }
}
