@testable import MMUKernel
import MMUMemory
import TestSupport
import Testing

/// An allocator and what a simple model knows of it: the references of each frame held.
private struct Model {
  let memory: PhysicalMemory
  let frames: FrameAllocator
  var held: [(number: UInt64, use: FrameUse, references: UInt32)] = []
  /// Every frame handed out so far.
  var touched: Set<UInt64> = []
  /// The frames held, for a quick look.
  var numbers: Set<UInt64> = []
  var peak: UInt64 = 1

  static let uses: [FrameUse] = [.anonymous, .cache, .pageTable]

  init(pages: UInt64) {
    memory = PhysicalMemory(bytes: pages * 4096)
    frames = FrameAllocator(memory)
  }

  /// The bytes of a frame, as words.
  func words(_ number: UInt64) -> UnsafeMutableBufferPointer<UInt64> {
    UnsafeMutableBufferPointer(
      start: memory.pointer(to: FrameNumber(number)).assumingMemoryBound(to: UInt64.self),
      count: 512)
  }

  /// Notes frames that were handed out; what is wrong with that, if anything.
  mutating func add(_ first: UInt64, _ count: UInt64, _ use: FrameUse, zeroed: Bool) -> String? {
    for number in first..<first + count {
      guard number > 0, number < memory.frameCount else { return "frame \(number) handed out" }
      if !numbers.insert(number).inserted { return "frame \(number) handed out twice" }
      if zeroed && words(number).contains(where: { $0 != 0 }) { return "\(number) is not zeros" }
      // Its next owner must not see this.
      words(number)[Int(number % 512)] = ~number
      touched.insert(number)
      held.append((number, use, 1))
    }
    peak = max(peak, UInt64(held.count) + 1)
    return nil
  }

  /// Drops a reference of one that is held.
  mutating func release(at index: Int) -> String? {
    let number = held[index].number
    held[index].references -= 1
    let isFree = frames.release(FrameNumber(number))
    if isFree != (held[index].references == 0) { return "frame \(number): \(isFree)" }
    if isFree {
      held.swapAt(index, held.count - 1)
      held.removeLast()
      numbers.remove(number)
    }
    return nil
  }

  /// What the allocator and the model disagree on.
  func check() -> String? {
    if let problem = frames.checkFreeFrames() { return problem }
    let used = UInt64(held.count) + 1
    if frames.used != used { return "\(frames.used) used, \(used) expected" }
    if frames.peakUsed != peak { return "peak \(frames.peakUsed), \(peak) expected" }
    if frames.available != memory.frameCount - used { return "\(frames.available) available" }
    if frames.highWater != (touched.max() ?? 0) + 1 { return "high water \(frames.highWater)" }
    for frame in held {
      let number = FrameNumber(frame.number)
      if frames.use(of: number) != frame.use || frames.references(to: number) != frame.references {
        return "frame \(frame.number) is \(frames.use(of: number))"
      }
    }
    for use in Self.uses {
      let count = UInt64(held.count { $0.use == use })
      if frames.count(use) != count { return "\(frames.count(use)) frames \(use), not \(count)" }
    }
    return nil
  }
}

@Suite struct FrameAllocatorTests {
  @Test(arguments: [16, 17, 63, 500, 777, 1024, 2500] as [UInt64])
  func `each frame is free or held once, whatever the size of RAM`(pages: UInt64) {
    var random = Dice(pages)
    var model = Model(pages: pages)
    var blocks = 0
    for step in 0..<1500 {
      var problem: String?
      let use = random.pick(Model.uses)
      let zeroed = random.chance(60)
      let grows = random.chance(step / 300 % 2 == 0 ? 70 : 30)
      if grows && random.chance(15) {
        let order = random.below(8)
        let first = model.frames.takeBlock(use, order: order, zeroed: zeroed)
        if first != 0 {
          if order > 0 { blocks += 1 }
          if first % (1 << UInt64(order)) != 0 { problem = "\(first) is no block of \(order)" }
          problem = model.add(first, 1 << UInt64(order), use, zeroed: zeroed) ?? problem
        }
      } else if grows {
        let number = model.frames.take(use, zeroed: zeroed)
        if number != 0 {
          problem = model.add(number, 1, use, zeroed: zeroed)
        } else if model.frames.available != 0 {
          problem = "no frame of \(model.frames.available)"
        }
      } else if !model.held.isEmpty {
        let index = random.below(model.held.count)
        if random.chance(20) {
          model.frames.retain(FrameNumber(model.held[index].number))
          model.held[index].references += 1
        } else {
          problem = model.release(at: index)
        }
      }
      if step % 25 == 0 { problem = problem ?? model.check() }
      #expect(problem == nil, "step \(step)")
      if problem != nil { return }
    }
    #expect(blocks > 3)
    while !model.held.isEmpty { #expect(model.release(at: model.held.count - 1) == nil) }
    #expect(model.check() == nil)
    #expect(model.frames.releases == model.frames.allocations)
  }

  @Test func `frames never handed out come in order, the lowest first`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 4 << 20))
    var wrong: [UInt64] = []
    for number in 1..<1024 as Range<UInt64> {
      if frames.take(.anonymous, zeroed: true) != number || frames.highWater != number + 1 {
        wrong.append(number)
      }
    }
    #expect(wrong == [])
    #expect(frames.take(.anonymous, zeroed: true) == 0)
    #expect(frames.available == 0)
  }

  @Test func `a RAM of no power of two is handed out to its last frame`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 777 * 4096))
    let taken = Set((1..<777).map { _ in frames.take(.anonymous, zeroed: true) })
    #expect(taken == Set(1..<777))
    #expect(frames.take(.anonymous, zeroed: true) == 0)
    #expect(frames.available == 0)
  }

  @Test func `the frame released last is taken first`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 1 << 20))
    let taken = (0..<10).map { _ in frames.take(.anonymous, zeroed: false) }
    for number in taken { frames.release(FrameNumber(number)) }
    for number in taken.reversed() { #expect(frames.take(.cache, zeroed: false) == number) }
    #expect(frames.highWater == 11)
  }

  @Test func `memory taken and released again and again spreads over no more frames`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 64 << 20))
    var random = Dice(3)
    let count: UInt64 = 5000
    for _ in 0..<20 {
      var taken = (0..<count).map { _ in frames.take(.anonymous, zeroed: false) }
      taken.shuffle(using: &random)
      for number in taken { frames.release(FrameNumber(number)) }
    }
    // What is in the core's list besides counts too.
    #expect(frames.highWater <= count + UInt64(frames.coreList.high + 64))
    #expect(frames.checkFreeFrames() == nil)
  }

  @Test func `a frame never handed out is not cleared, one handed out before is`() {
    let memory = PhysicalMemory(bytes: 1 << 20)
    let frames = FrameAllocator(memory)
    // A mark that no clearing leaves, where nobody wrote.
    for number in 1..<256 as Range<UInt64> {
      memory.pointer(to: FrameNumber(number)).storeBytes(of: 7, as: UInt8.self)
    }
    func mark(_ number: UInt64) -> UInt8 {
      memory.pointer(to: FrameNumber(number)).load(as: UInt8.self)
    }
    let first = frames.take(.anonymous, zeroed: true)
    #expect(mark(first) == 7)
    frames.release(FrameNumber(first))
    #expect(frames.take(.anonymous, zeroed: false) == first)
    #expect(mark(first) == 7)
    frames.release(FrameNumber(first))
    #expect(frames.take(.anonymous, zeroed: true) == first)
    #expect(mark(first) == 0)

    // Of a block likewise, frame by frame.
    let block = frames.takeBlock(.anonymous, order: 5, zeroed: true)
    #expect((block..<block + 32).allSatisfy { mark($0) == 7 })
    for number in block..<block + 31 { frames.release(FrameNumber(number)) }
    let again = frames.takeBlock(.anonymous, order: 7, zeroed: true)
    #expect(again != 0 && (again..<again + 128).allSatisfy { mark($0) == 7 })
    frames.release(FrameNumber(block + 31))
    for number in again..<again + 128 { frames.release(FrameNumber(number)) }
    while frames.available > 0 { _ = frames.takeBlock(.kernel, order: 0, zeroed: true) }
    for number in 1..<256 as Range<UInt64> {
      let wasHeldOnce =
        number == first || block..<block + 32 ~= number
        || again..<again + 128 ~= number
      #expect(mark(number) == (wasHeldOnce ? 0 : 7), "frame \(number)")
    }
  }

  @Test func `a block is frames with a use and a reference each, released one by one`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 16 << 20))
    let block = frames.takeBlock(.anonymous, order: 9)
    #expect(block == 512)
    #expect(frames.used == 513)
    #expect(frames.allocations == 512)
    #expect(frames.highWater == 1024)
    for number in block..<block + 512 {
      #expect(frames.use(of: FrameNumber(number)) == .anonymous)
      #expect(frames.references(to: FrameNumber(number)) == 1)
      #expect(frames.isExclusive(number))
    }
    frames.release(FrameNumber(block + 5))
    #expect(frames.use(of: FrameNumber(block + 5)) == .free)
    #expect(frames.use(of: FrameNumber(block + 6)) == .anonymous)
    #expect(frames.checkFreeFrames() == nil)
  }

  @Test func `released frames make blocks again, those in the core's list when one is wanted`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 8 << 20))
    var blocks: [UInt64] = []
    while true {
      let block = frames.takeBlock(.anonymous, order: 9)
      if block == 0 { break }
      blocks.append(block)
    }
    // Frame 0 spoils the first.
    #expect(blocks == [512, 1024, 1536])
    for number in (1024..<1536).reversed() as ReversedCollection<Range<UInt64>> {
      frames.release(FrameNumber(number))
    }
    #expect(frames.coreList.count > 0)
    #expect(frames.takeBlock(.anonymous, order: 9) == 1024)
    #expect(frames.takeBlock(.anonymous, order: 9) == 0)
    #expect(frames.takeBlock(.anonymous, order: 18) == 0)
    #expect(frames.available == 511)
    #expect(frames.checkFreeFrames() == nil)
  }

  @Test func `a block released is taken again before one never used`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 64 << 20))
    for _ in 0..<5 {
      let block = frames.takeBlock(.anonymous, order: 9)
      #expect(block == 512)
      for number in block..<block + 512 { frames.release(FrameNumber(number)) }
    }
    #expect(frames.highWater == 1024)
  }

  @Test func `an allocation that is to fail fails, a block counting as one`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 1 << 20))
    frames.allocationsUntilFailure = 2
    #expect(frames.take(.cache, zeroed: false) != 0)
    #expect(frames.takeBlock(.cache, order: 3) != 0)
    #expect(frames.takeBlock(.cache, order: 3) == 0)
    #expect(frames.allocationsUntilFailure == nil)
    #expect(frames.takeBlock(.cache, order: 3) != 0)
    #expect(frames.used == 1 + 1 + 16)
  }

  @Test func `a frame that a fork shared is its holder's own only once that is claimed`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 1 << 20))
    let number = frames.take(.anonymous, zeroed: false)
    #expect(frames.isExclusive(number))
    frames.share(number)
    #expect(!frames.claim(number))
    frames.release(FrameNumber(number))
    #expect(!frames.isExclusive(number))
    #expect(frames.claim(number))
    #expect(frames.isExclusive(number))
    #expect(!frames.claim(frames.take(.cache, zeroed: false)))
  }

  @Test func `64 GiB of RAM are there at once and cost the host nothing`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 64 << 30))
    #expect(frames.available == 1 << 24 - 1)
    #expect(frames.takeBlock(.anonymous, order: 9) == 512)
    #expect(frames.take(.anonymous, zeroed: true) == 1)
    #expect(frames.withBuddies { $0.freeBlocks(order: 18) } == 63)
    #expect(frames.highWater == 1024)
  }

  /// min is min_free_kbytes / 4; the figures are those of Linux for that many managed pages.
  @Test(
    arguments: [
      ("8M", 2048, 90, 112, 134), ("16M", 4096, 128, 160, 192), ("1G", 1 << 18, 1024, 1286, 1548),
      ("64G", 1 << 24, 8192, 24969, 41746), ("64K", 16, 32, 40, 48),
      ("16T", 1 << 32, 65536, 4_360_503, 8_655_470),
    ] as [(String, UInt64, UInt64, UInt64, UInt64)])
  func `the watermarks are Linux's`(
    ram: String, pages: UInt64, min: UInt64, low: UInt64, high: UInt64
  ) {
    let marks = Watermarks(pages: pages)
    #expect([marks.min, marks.low, marks.high] == [min, low, high], "\(ram)")
  }

  @Test func `an allocator knows the watermarks of its RAM`() {
    let frames = FrameAllocator(PhysicalMemory(bytes: 16 << 20))
    #expect(frames.watermarks == Watermarks(pages: 4096))
  }
}
