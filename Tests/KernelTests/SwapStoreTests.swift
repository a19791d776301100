import Foundation
import MMUCompression
import MMUMemory
import Testing

@testable import MMUKernel

// Where swapped pages lie: files of the host, and compressed memory in front of the disk.

@Suite struct SwapStoreTests {
  private func withFile(_ content: [UInt8]?, _ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "mmuemu-swap-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    if let content { try Data(content).write(to: URL(fileURLWithPath: path)) }
    try body(path)
  }

  @Test func `a new swap file has the header of mkswap and room for its pages`() throws {
    try withFile(nil) { path in
      let store = try HostSwapFile(path, pages: 300)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      #expect(bytes.count == 300 * 4096)
      #expect(Array(bytes[1024..<1036]) == [1, 0, 0, 0, 0x2b, 1, 0, 0, 0, 0, 0, 0])
      #expect(Array(bytes[4086..<4096]) == Array("SWAPSPACE2".utf8))
      let page = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)
      defer { page.deallocate() }
      page.initializeMemory(as: UInt8.self, repeating: 5, count: 4096)
      #expect(store.write(299, from: page))
      page.initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
      #expect(store.read(299, into: page))
      #expect(page.load(fromByteOffset: 4095, as: UInt8.self) == 5)
      #expect(!store.read(300, into: page))
      // Two runs would write over each other's pages.
      #expect(throws: Errno.busy) { try HostSwapFile(path, pages: 300) }
    }
  }

  @Test func `a swap file made before is taken, with another size, too`() throws {
    try withFile(nil) { path in
      for pages in [20, 10, 40] as [UInt64] {
        _ = try HostSwapFile(path, pages: pages)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(bytes.count == Int(pages) * 4096)
      }
    }
  }

  @Test(arguments: [1, 4096, 9000])
  func `a file that holds something else is refused and stays`(count: Int) throws {
    let content = [UInt8](repeating: 0x61, count: count)
    try withFile(content) { path in
      #expect(throws: Errno.invalid) { try HostSwapFile(path, pages: 20) }
      let left = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      #expect(left == content)
    }
  }

  /// Fills pages so that they become about a third, or do not become smaller.
  private func fill(_ bench: Bench, _ at: UInt64, _ pages: UInt64, isCompressible: Bool) {
    var random = SeededGenerator(seed: 9)
    for i in 0..<pages {
      var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: i), count: 4096)
      for j in 0..<(isCompressible ? 1400 : 4096) {
        bytes[j] = UInt8(truncatingIfNeeded: random.next())
      }
      bench.put(bytes, at: at + i * 4096)
    }
  }

  @Test func `pages of one word take no room, what does not become smaller goes to the disk`()
    throws
  {
    let bench = try swapBench { $0.compressedSwapPercent = 20 }
    let at = bench.map(12)
    for i in 0..<4 as Range<UInt64> {
      bench.put([UInt8](repeating: UInt8(i), count: 4096), at: at + i * 4096)
    }
    fill(bench, at + 4 * 4096, 4, isCompressible: false)
    fill(bench, at + 8 * 4096, 4, isCompressible: true)
    let contents = (0..<12).map { bench.take(4096, at: at + $0 * 4096) }
    bench.pageOut(at, 12)
    let compressed = try #require(bench.swap.compressed)
    #expect(compressed.counters.stored == 8 && compressed.counters.sameFilled == 4)
    #expect(compressed.counters.incompressible == 4 && bench.reclaimCounters.diskOut == 4)
    #expect(compressed.pages == 8 && (1...4).contains(compressed.poolFrames))
    #expect((0..<12).map { bench.take(4096, at: at + $0 * 4096) } == contents)
    #expect(compressed.counters.loaded == 8 && bench.reclaimCounters.diskIn == 4)
    bench.call(Number.munmap, at, 12 * 4096)
    #expect(compressed.pages == 0 && compressed.poolFrames == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `at its limit the pool sends its oldest pages to the disk`() throws {
    let bench = try swapBench { $0.compressedSwapPercent = 1 }
    let at = bench.map(200)
    fill(bench, at, 200, isCompressible: true)
    let compressed = try #require(bench.swap.compressed)
    #expect(compressed.limit == 40)
    for i in 0..<200 as Range<UInt64> {
      bench.pageOut(at + i * 4096, 1)
      if compressed.poolFrames > 40 { Issue.record("\(compressed.poolFrames) frames") }
    }
    let counters = compressed.counters
    #expect(counters.stored == 200 && counters.limitHits > 0 && counters.writtenBack > 20)
    #expect(compressed.pages == 200 - counters.writtenBack)
    // The first ones are on the disk, the last ones are not.
    let disk = bench.reclaimCounters.diskIn
    _ = bench.load(at + 199 * 4096)
    #expect(compressed.counters.loaded > 0)
    _ = bench.load(at)
    #expect(bench.reclaimCounters.diskIn > disk)
    #expect(bench.bytes(at + 199 * 4096, 1).count == 1)
    for i in 0..<200 as Range<UInt64> {
      #expect(bench.load(at + i * 4096 + 4095) == UInt8(i))
    }
    #expect(bench.finish() == nil)
  }
}
