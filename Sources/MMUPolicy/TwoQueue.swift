/// 2Q, in its full version: pages enter a FIFO, and only those asked for again after they have left it
/// are kept by LRU.
///
/// Johnson and Shasha, "2Q: A Low Overhead High Performance Buffer Management Replacement Algorithm",
/// VLDB 1994: A1in is the FIFO, A1out the numbers of the pages that left it, Am the LRU list.
struct TwoQueue: ~Copyable, ReplacementAlgorithm {
  private enum Queue {
    static let incoming = 0  // A1in
    static let main = 1  // Am
  }

  private let kin: Int
  private let kout: Int
  /// A1in and Am, by frame.
  private var resident: FrameLists
  private let isMain: UnsafeMutablePointer<Bool>
  /// A1in's pages, by frame; what Am holds is not asked for.
  private let pageIn: UnsafeMutablePointer<UInt32>
  private var incomingCount = 0
  /// A1out, by page.
  private var remembered: FrameLists
  private let isRemembered: UnsafeMutablePointer<Bool>
  private var rememberedCount = 0

  init(frames: Int, pages: Int, kin: Int, kout: Int) {
    self.kin = kin
    self.kout = kout
    resident = FrameLists(nodes: frames, lists: 2)
    isMain = .allocate(capacity: frames)
    isMain.initialize(repeating: false, count: frames)
    pageIn = .allocate(capacity: frames)
    pageIn.initialize(repeating: 0, count: frames)
    remembered = FrameLists(nodes: pages, lists: 1)
    isRemembered = .allocate(capacity: pages)
    isRemembered.initialize(repeating: false, count: pages)
  }

  deinit {
    isMain.deallocate()
    pageIn.deallocate()
    isRemembered.deallocate()
  }

  mutating func hit(_ frame: Int, at time: Int) {
    if isMain[frame] { resident.moveToEnd(frame, of: Queue.main) }
  }

  mutating func loaded(_ page: Int, into frame: Int, at time: Int) {
    isMain[frame] = isRemembered[page]
    if isRemembered[page] {
      forget(page)
      resident.append(frame, to: Queue.main)
    } else {
      pageIn[frame] = UInt32(truncatingIfNeeded: page)
      resident.append(frame, to: Queue.incoming)
      incomingCount += 1
    }
  }

  mutating func victim(for page: Int, at time: Int) -> Int {
    if incomingCount <= kin, let frame = resident.first(of: Queue.main) {
      resident.remove(frame)
      return frame
    }
    guard let frame = resident.first(of: Queue.incoming) else {
      preconditionFailure("no frame is in use")
    }
    resident.remove(frame)
    incomingCount -= 1
    remember(Int(pageIn[frame]))
    return frame
  }

  private mutating func remember(_ page: Int) {
    guard kout > 0 else { return }
    if rememberedCount == kout, let oldest = remembered.first() { forget(oldest) }
    remembered.append(page)
    isRemembered[page] = true
    rememberedCount += 1
  }

  private mutating func forget(_ page: Int) {
    remembered.remove(page)
    isRemembered[page] = false
    rememberedCount -= 1
  }
}
