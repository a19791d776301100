import Foundation
import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

/// A disk of the test's: it can refuse reads, writes or both.
private final class BrokenStore: SwapStore {
  private let store = MemorySwapStore(pages: 257)
  var refusesReads = false
  var refusesWrites = false

  func read(_ slot: UInt64, into page: UnsafeMutableRawPointer) -> Bool {
    !refusesReads && store.read(slot, into: page)
  }

  func write(_ slot: UInt64, from page: UnsafeRawPointer) -> Bool {
    !refusesWrites && store.write(slot, from: page)
  }
}

@Suite struct SwapCacheTests {
  private func frame(_ bench: Bench, _ address: UInt64) -> UInt64 {
    let entry = bench.space.tables.view(of: address) ?? 0
    return entry & 1 == 0 ? 0 : (entry & PageTableEntry.addressMask) >> 12
  }

  @Test func `a page that was read back and not written goes again without a write`() throws {
    let bench = try swapBench()
    let at = bench.map(1)
    bench.fill(at, 1)
    for round in 1...3 as ClosedRange<UInt64> {
      bench.pageOut(at, 1)
      #expect(bench.load(at) == 1)
      #expect(bench.reclaimCounters.swapIn == round && bench.reclaimCounters.swapOut == 1)
      #expect(bench.swap.used == 1 && bench.swap.cachedFrames == 1)
    }
    #expect(bench.finish() == nil)
  }

  @Test func `a page that is written gives its slot up, at the fault or when it goes again`() throws
  {
    let bench = try swapBench()
    let at = bench.map(2)
    bench.fill(at, 1)
    bench.pageOut(at, 1)
    bench.store(7, at: at)
    #expect(bench.swap.used == 0)
    bench.pageOut(at, 1)
    // Its own page is writable after a read, so that the write is seen by its dirty bit only.
    #expect(bench.load(at) == 7)
    bench.store(8, at: at)
    #expect(bench.swap.used == 1)
    bench.pageOut(at, 1)
    #expect(bench.reclaimCounters.swapOut == 3)
    #expect(bench.load(at) == 8)
    #expect(bench.finish() == nil)
  }

  @Test func `parent and child share a slot, and through the swap cache one frame`() throws {
    let bench = try swapBench()
    let at = bench.map(1)
    bench.fill(at, 1)
    bench.pageOut(at, 1)
    #expect(bench.call(220, 17) > 0)
    let slot = (bench.space.tables.view(of: at)! & PageTableEntry.addressMask) >> 12
    #expect(bench.swap.uses(of: slot) == 2)
    let parent = bench.process
    let child = try #require(bench.kernel.processTable[3])
    // Whoever comes first waits for the disk, and the other finds the frame.
    for _ in 0..<4 {
      #expect(bench.load(at) == 1)
      bench.call(124)
    }
    #expect(bench.reclaimCounters.swapIn == 1 && bench.swap.uses(of: slot) == 0)
    #expect(parent.majorFaults + child.majorFaults == 1)
    let entries = [parent, child].map { $0.space!.tables.view(of: at)! }
    let frames = entries.map { FrameNumber(($0 & PageTableEntry.addressMask) >> 12) }
    #expect(frames[0] == frames[1])
    #expect(bench.kernel.system.frames.references(to: frames[0]) == 3)
    while bench.kernel.current !== child { bench.call(124) }
    bench.store(9, at: at)
    bench.call(Number.exit, 0)
    #expect(bench.load(at) == 1)
    #expect(bench.finish() == nil)
  }

  @Test func `MADV_WILLNEED reads pages of swap without a wait, private and shared ones`() throws {
    let store = BrokenStore()
    let bench = try swapBench { $0.swapStore = store }
    let own = bench.map(20)
    let shared = UInt64(bitPattern: bench.call(Number.mmap, 0, 20 * 4096, 3, 0x21, ~0, 0))
    for at in [own, shared] {
      bench.fill(at, 20)
      bench.pageOut(at, 20)
    }
    #expect(bench.reclaimCounters.swapOut == 40)
    let clock = bench.kernel.system.diskWait
    for at in [own, shared] { #expect(bench.call(233, at + 4096, 9 * 4096, 3) == 0) }
    #expect(bench.reclaimCounters.swapIn == 18 && bench.reclaimCounters.readAhead == 0)
    #expect(bench.kernel.system.diskWait == clock && bench.swap.cachedFrames == 18)
    let major = bench.process.majorFaults
    for at in [own, shared] {
      #expect(bench.bytes(at + 4096, 9) == (2...10).map { UInt8($0) })
    }
    #expect(bench.process.majorFaults == major)
    // What cannot be read is left to the fault.
    store.refusesReads = true
    #expect(bench.call(233, own + 10 * 4096, 4096, 3) == 0)
    store.refusesReads = false
    #expect(bench.load(own + 10 * 4096) == 11 && bench.process.majorFaults == major + 1)
    #expect(bench.finish() == nil)
  }

  @Test func `a guard takes the place of a page in swap, and outlives the pressure`() throws {
    let bench = try swapBench()
    let at = bench.map(8)
    bench.fill(at, 8)
    bench.pageOut(at, 8)
    #expect(bench.call(233, at + 4096, 4 * 4096, 102) == 0)
    #expect(bench.swap.used == 4)
    bench.pageOut(at, 8)
    #expect(bench.call(225, Bench.pathPage) == 0)
    #expect(bench.call(228, at, 8 * 4096) == negative(.noMemory))
    #expect(bench.bytes(at + 5 * 4096, 3) == [6, 7, 8] && bench.load(at) == 1)
    #expect(bench.call(233, at, 8 * 4096, 103) == 0)
    #expect(bench.bytes(at, 8) == [1, 0, 0, 0, 0, 6, 7, 8])
    #expect(bench.finish() == nil)
  }

  @Test func `a page that cannot be written stays`() throws {
    let store = BrokenStore()
    let bench = try swapBench { $0.swapStore = store }
    let at = bench.map(3)
    bench.fill(at, 3)
    store.refusesWrites = true
    bench.pageOut(at, 3)
    #expect(bench.reclaimCounters.failedWrites == 3 && bench.reclaimCounters.swapOut == 0)
    #expect(frame(bench, at) != 0 && bench.swap.used == 0)
    store.refusesWrites = false
    bench.pageOut(at, 3)
    #expect(frame(bench, at) == 0 && bench.swap.used == 3)
    #expect(bench.bytes(at, 3) == [1, 2, 3])
    #expect(bench.finish() == nil)
  }

  @Test func `a page that cannot be read is SIGBUS for an access and an error for a call`() throws {
    let store = BrokenStore()
    let bench = try swapBench { $0.swapStore = store }
    bench.put(Array("/dev/shm/f".utf8) + [0], at: Bench.pathPage + 64)
    #expect(bench.call(56, ~99, Bench.pathPage + 64, 0x42, 0o600) == 3)
    bench.call(46, 3, 4096)
    let file = UInt64(bitPattern: bench.call(Number.mmap, 0, 4096, 3, 1, 3, 0))
    let at = bench.map(1)
    bench.fill(file, 1)
    bench.fill(at, 1)
    bench.pageOut(file, 1)
    bench.pageOut(at, 1)
    store.refusesReads = true
    #expect(bench.call(68, 3, at, 8, 0) == negative(.badAddress))
    #expect(bench.call(67, 3, Bench.pathPage, 8, 0) == negative(.inputOutput))
    #expect(bench.reclaimCounters.failedReads >= 2)
    // The disk may have been off for a moment only.
    store.refusesReads = false
    #expect(bench.load(at) == 1)
    bench.pageOut(at, 1)
    store.refusesReads = true
    let failed = bench.reclaimCounters.failedReads
    #expect(bench.load(at) == nil)
    #expect(bench.reclaimCounters.failedReads == failed + 1)
    #expect(bench.kernel.exitStatus == .killed(.busError))
    bench.kernel.shutDown()
    #expect(bench.kernel.leak == nil)
  }

  @Test func `swapoff brings private, shared and forbidden pages back`() throws {
    let bench = try swapBench()
    let at = bench.map(8)
    let shared = UInt64(bitPattern: bench.call(Number.mmap, 0, 4 * 4096, 3, 0x21, ~0, 0))
    bench.fill(at, 8)
    bench.fill(shared, 4, from: 21)
    bench.pageOut(at, 8)
    bench.pageOut(shared, 4)
    bench.call(Number.mprotect, at, 4 * 4096, 0)
    #expect(bench.swap.used == 12)
    #expect(bench.call(225, Bench.pathPage) == 0)
    #expect(bench.swap.used == 0 && bench.swap.cachedFrames == 0 && bench.space.swapEntries == 0)
    #expect(bench.kernel.system.checkInvariants() == nil)
    bench.call(Number.mprotect, at, 4 * 4096, 1)
    let major = bench.process.majorFaults
    #expect(bench.bytes(at, 8) == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(bench.bytes(shared, 4) == [21, 22, 23, 24])
    #expect(bench.process.majorFaults == major)
    bench.pageOut(at, 8)
    #expect(bench.swap.used == 0)
    #expect(bench.finish() == nil)
  }

  @Test(arguments: [false, true])
  func `swapoff of more than fits fails, and swap stays on`(isLimited: Bool) throws {
    let store = BrokenStore()
    let bench = try swapBench {
      $0.swapStore = store
      if isLimited { $0.residentLimit = 60 }
    }
    let at = bench.map(100)
    bench.fill(at, 100)
    if !isLimited {
      bench.pageOut(at, 100)
      store.refusesReads = true
    }
    #expect(bench.call(225, Bench.pathPage) == negative(.noMemory))
    store.refusesReads = false
    #expect(bench.swap.isOn && bench.swap.used > 0)
    #expect(bench.kernel.system.frames.lists.pages <= 61 || !isLimited)
    #expect(bench.bytes(at, 100) == (1...100).map { $0 })
    #expect(bench.finish() == nil)
  }

  @Test func `MADV_FREE lets go what is not written again, and PAGEOUT what nobody shares`() throws
  {
    let bench = try swapBench()
    let at = bench.map(4)
    bench.fill(at, 4)
    bench.call(Number.madvise, at, 3 * 4096, 8)
    bench.store(99, at: at + 4096)
    bench.pageOut(at, 1)
    // Gone without a trace; the written one goes as any other, once its mark has been seen to be wrong.
    #expect(bench.swap.used == 0 && frame(bench, at) == 0)
    for _ in 0..<2 { bench.pageOut(at + 4096, 1) }
    #expect(bench.swap.used == 1 && frame(bench, at + 4096) == 0)
    #expect(bench.bytes(at, 4) == [0, 99, 3, 4])
    bench.call(220, 17)
    bench.pageOut(at, 4)
    #expect(frame(bench, at + 3 * 4096) != 0)
    #expect(bench.finish() == nil)
  }

  @Test func `mincore and the texts of proc count pages in swap`() throws {
    let bench = try swapBench()
    bench.prepareFiles()
    let at = bench.map(8)
    bench.fill(at, 8)
    bench.pageOut(at, 4)
    #expect(bench.call(232, at, 8 * 4096, Bench.bufferPages) == 0)
    #expect(bench.take(8, at: Bench.bufferPages) == [0, 0, 0, 0, 1, 1, 1, 1])
    func text(_ path: String) -> String {
      let fd = bench.open(path, readOnly)
      let bytes: [UInt8] = bench.pread(fd, 8 * 4096, at: 0)
      bench.call(FileNumber.close, UInt64(fd))
      return String(decoding: bytes, as: UTF8.self)
    }
    let status = text("/proc/self/status")
    #expect(bench.kilobytes("VmSwap", in: status) == 16)
    let smaps = text("/proc/self/smaps")
    let start = try #require(smaps.range(of: String(at, radix: 16)))
    let area = String(smaps[start.lowerBound...])
    #expect(bench.kilobytes("Swap", in: area) == 16 && bench.kilobytes("SwapPss", in: area) == 16)
    #expect(bench.kilobytes("Rss", in: area) == 16 && bench.kilobytes("Pss", in: area) == 16)
    let meminfo = text("/proc/meminfo")
    #expect(bench.kilobytes("SwapTotal", in: meminfo) == 1024)
    #expect(bench.kilobytes("SwapFree", in: meminfo) == 1008)
    #expect(text("/proc/swaps").contains("partition\t1024\t\t16\t\t-2\n"))
    #expect(text("/proc/vmstat").contains("pswpout 4\n"))
    bench.call(179, Bench.bufferPages)
    let words = bench.take(104, at: Bench.bufferPages)
    func word(_ i: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(words[8 * i + $1]) << (8 * $1) }
    }
    #expect(word(8) == 1 << 20 && word(9) == 1008 << 10)
    #expect(bench.finish() == nil)
  }
}
