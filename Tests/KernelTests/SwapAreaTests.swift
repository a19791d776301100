import MMUMemory
import Testing

@testable import MMUKernel

@Suite struct SwapAreaTests {
  private func area(_ pages: UInt64 = 129) -> SwapArea {
    SwapArea(
      MemorySwapStore(pages: pages), name: "/dev/vdb", isFile: false, pages: pages,
      frameCount: 64, seed: 1)
  }

  /// A slot that an entry names.
  private func use(_ area: SwapArea) -> UInt64 {
    let slot = area.allocate()
    if slot != 0 { area.retain(slot) }
    return slot
  }

  @Test func `slots are handed out one behind the other, freed ones only after the end`() {
    let area = area()
    for expected in 1...100 as ClosedRange<UInt64> { #expect(use(area) == expected) }
    for slot in [3, 64, 99] as [UInt64] { area.release(slot) }
    for expected in 101...128 as ClosedRange<UInt64> { #expect(use(area) == expected) }
    #expect([use(area), use(area), use(area), use(area)] == [3, 64, 99, 0])
    #expect(area.used == 128 && area.free == 0 && area.capacity == 128)
    area.release(77)
    #expect(use(area) == 77)
  }

  @Test(arguments: [2, 64, 65, 128] as [UInt64])
  func `every slot but the header's is handed out once`(pages: UInt64) {
    let area = area(pages)
    #expect((1..<pages).map { _ in use(area) } == Array(1..<pages))
    #expect(use(area) == 0)
    for slot in 1..<pages { area.release(slot) }
    #expect(area.used == 0)
    #expect(use(area) == 1)
  }

  @Test func `an area that is off hands out nothing, and takes back`() {
    let area = area()
    let slot = use(area)
    area.isOn = false
    #expect(area.allocate() == 0)
    area.release(slot)
    #expect(area.used == 0)
  }

  @Test func `a slot is free when neither an entry nor the swap cache needs it`() {
    let area = area()
    let slot = use(area)
    area.retain(slot, by: 2)
    area.enter(7, slot)
    #expect(area.frame(of: slot) == 7 && area.slot(of: 7) == slot && area.cachedFrames == 1)
    for left in [2, 1, 0] as [UInt32] {
      area.release(slot)
      #expect(area.uses(of: slot) == left)
    }
    #expect(area.used == 1)
    area.forget(7)
    #expect(area.used == 0 && area.cachedFrames == 0 && area.slot(of: 7) == 0)
    area.cancel(area.allocate())
    #expect(area.used == 0)
  }

  @Test func `more than half of the slots in use is half full`() {
    let area = area(9)
    for count in 1...8 {
      _ = use(area)
      #expect(area.isHalfFull == (count > 4))
    }
  }

  @Test func `content comes back as it was written`() {
    let area = area()
    let page = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)
    defer { page.deallocate() }
    for slot in 1...128 as ClosedRange<UInt64> {
      page.initializeMemory(as: UInt8.self, repeating: UInt8(slot), count: 4096)
      #expect(area.write(slot, from: page) == .disk)
    }
    for slot in 1...128 as ClosedRange<UInt64> {
      #expect(area.read(slot, into: page) == .disk)
      let bytes = UnsafeRawBufferPointer(start: page, count: 4096)
      #expect(bytes.allSatisfy { $0 == UInt8(slot) })
    }
  }

  @Test func `about one transfer in so many fails, the same ones for the same seed`() {
    let page = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)
    page.initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
    defer { page.deallocate() }
    func failures() -> [Int] {
      let area = area()
      area.errorOdds = 10
      return (0..<1000).filter { _ in area.write(1, from: page) == .failed }
    }
    #expect((60...140).contains(failures().count))
    #expect(failures() == failures())
  }

  @Test func `readahead is the aligned window of as many slots as were useful lately`() {
    let area = area()
    // It begins as if four pages had been.
    #expect(area.readaheadWindow(21, largest: 8) == 16..<24)
    // None was: the window shrinks by half each time, down to the slot itself.
    #expect(area.readaheadWindow(90, largest: 8) == 88..<92)
    #expect(area.readaheadWindow(55, largest: 8) == 54..<56)
    #expect(area.readaheadWindow(10, largest: 8) == 10..<11)
    // Two reads one behind the other, in either direction, are reason for two.
    #expect(area.readaheadWindow(11, largest: 8) == 10..<12)
    #expect(area.readaheadWindow(10, largest: 8) == 10..<12)
    #expect(area.readaheadWindow(77, largest: 8) == 77..<78)
    // One hit makes four, three or more eight; never the header, nothing behind the end.
    area.noteReadaheadHit()
    #expect(area.readaheadWindow(1, largest: 8) == 1..<4)
    for _ in 0..<3 { area.noteReadaheadHit() }
    #expect(area.readaheadWindow(128, largest: 8) == 128..<129)
    for _ in 0..<50 { area.noteReadaheadHit() }
    #expect(area.readaheadWindow(63, largest: 8) == 56..<64)
  }
}
