import Testing

@testable import MMUKernel

/// The files of /proc/sys/vm about reclaim and swap.
@Suite struct SettingTests {
  /// Writes to a file of /proc/sys/vm.
  private func write(_ bench: Bench, _ name: String, _ text: String) -> Int64 {
    let fd = bench.open("/proc/sys/vm/" + name, writeOnly | truncating)
    defer { bench.call(57, UInt64(bitPattern: fd)) }
    bench.put(Array(text.utf8), at: Bench.bufferPages)
    return bench.call(
      Number.write, UInt64(bitPattern: fd), Bench.bufferPages, UInt64(text.utf8.count))
  }

  private func read(_ bench: Bench, _ name: String) -> String {
    let fd = bench.open("/proc/sys/vm/" + name, readOnly)
    defer { bench.call(57, UInt64(bitPattern: fd)) }
    return String(decoding: bench.pread(fd, 100, at: 0), as: UTF8.self)
  }

  @Test(
    arguments: [
      ("swappiness", "60", 200, "201"), ("page-cluster", "3", 31, "32"),
    ] as [(String, String, Int, String)])
  func `a setting takes what lies in its range`(
    name: String, first: String, largest: Int, tooLarge: String
  ) throws {
    let bench = try Bench()
    bench.prepareFiles()
    #expect(read(bench, name) == first + "\n")
    for value in [0, largest] {
      #expect(write(bench, name, "\(value)\n") == Int64("\(value)\n".utf8.count))
      #expect(read(bench, name) == "\(value)\n")
    }
    for text in [tooLarge, "-1", "x"] { #expect(write(bench, name, text) == negative(.invalid)) }
    #expect(read(bench, name) == "\(largest)\n")
    #expect(bench.finish() == nil)
  }

  @Test func `page-cluster bounds how many pages of swap are read at once`() throws {
    for (setting, readAhead) in [("0", 0), ("1", 1), ("2", 3), ("3", 7)] as [(String, UInt64)] {
      let bench = try swapBench()
      bench.prepareFiles()
      let at = bench.map(64)
      bench.fill(at, 64)
      bench.pageOut(at, 64)
      #expect(write(bench, "page-cluster", setting) == 1)
      #expect(bench.load(at + 20 * 4096) == 21)
      #expect(bench.reclaimCounters.readAhead == readAhead, "page-cluster \(setting)")
      #expect(bench.finish() == nil)
    }
  }

  @Test func `drop_caches drops clean pages that nobody maps, and cannot be read`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let file = bench.makeFile("/f", pages: 8)
    bench.call(81)
    let at = bench.mapFile(file, pages: 2, shared: true)
    #expect(bench.load(at) == 1)
    #expect(bench.pwrite(file, [9], at: 4 * 4096) == 1)
    let system = bench.kernel.system
    let before = system.cachedFrames
    #expect(write(bench, "drop_caches", "2") == 1 && system.cachedFrames == before)
    for text in ["0", "5"] { #expect(write(bench, "drop_caches", text) == negative(.invalid)) }
    #expect(bench.open("/proc/sys/vm/drop_caches", readOnly) == negative(.accessDenied))
    #expect(bench.open("/proc/sys/vm/drop_caches", readWrite) == negative(.accessDenied))
    #expect(write(bench, "drop_caches", "3\n") == 2)
    #expect(bench.residency(at, pages: 2) == "11")
    let inode = try #require(try bench.process.files.descriptors.file(UInt64(file)).inode)
    #expect((0..<8).map { inode.cachedFrame($0) == 0 ? "-" : "x" }.joined() == "xx--x---")
    #expect(bench.pread(file, 1, at: 4 * 4096) == [9] && bench.pread(file, 1, at: 7 * 4096) == [8])
    #expect(bench.finish() == nil)
  }
}
