import MMUMemory
import Testing

@testable import MMUKernel

@Suite struct WritebackTests {
  @Test func `a page dirty for long is written and write-protected, and nobody waits`() throws {
    let bench = try Bench {
      $0.writebackInterval = 1_000_000
      $0.dirtyExpiry = 6_000_000
    }
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 4)
    bench.call(FileNumber.fsync, UInt64(fd))
    let p = bench.mapFile(fd, pages: 4, shared: true)
    let inode = try #require(bench.process.files.descriptors.file(UInt64(fd)).inode)
    let writeback = bench.kernel.system.writeback
    #expect(writeback.dirtyPages == 0)
    let idle = bench.kernel.idleCycles
    bench.store(1, at: p)
    bench.store(1, at: p + 4096)
    let since = bench.clock
    #expect(writeback.dirtyPages == 2)
    var faults = bench.minorFaults
    // Looked at each interval, and left alone until it is old enough.
    while inode.isDirty(1) && bench.clock < since + 20_000_000 {
      #expect(bench.kernel.deadline <= bench.clock + 1_000_000)
      bench.clock = bench.kernel.deadline
      bench.trap(.timer)
      bench.store(2, at: p)
    }
    #expect((6_000_000...7_100_000).contains(bench.clock - since))
    // The store in the loop met a clean page once; the other page still has to.
    #expect(inode.isDirty(0) && writeback.dirtyPages == 1)
    #expect(bench.minorFaults - faults == 1)
    faults = bench.minorFaults
    bench.store(3, at: p + 4096)
    #expect(bench.minorFaults - faults == 1)
    #expect(bench.kernel.idleCycles == idle)
    #expect(bench.finish() == nil)
  }

  @Test func `more dirty pages than a tenth of RAM are written at once, the oldest file first`()
    throws
  {
    let bench = try Bench(ram: 8 << 20)
    bench.prepareFiles()
    let limit = bench.memory.frameCount / 100 * 10
    let old = bench.open("old", readWrite | create)
    let new = bench.open("new", readWrite | create)
    let page = [UInt8](repeating: 9, count: 4096)
    for i in 0..<limit / 2 { #expect(bench.pwrite(old, page, at: i * 4096) == 4096) }
    for i in 0...limit / 2 { #expect(bench.pwrite(new, page, at: i * 4096) == 4096) }
    let files = bench.process.files.descriptors
    let writeback = bench.kernel.system.writeback
    #expect(try files.file(UInt64(old)).inode?.dirtyPages == 0)
    #expect(try files.file(UInt64(new)).inode?.dirtyPages == writeback.dirtyPages)
    #expect(writeback.dirtyPages > 0 && writeback.dirtyPages <= limit)
    #expect(bench.kernel.diskBusyUntil > bench.clock)
    #expect(bench.finish() == nil)
  }

  @Test func `who makes pages dirty faster than the disk takes them waits for it`() throws {
    let bench = try Bench(ram: 8 << 20)
    bench.prepareFiles()
    let fd = bench.open("f", readWrite | create)
    let page = [UInt8](repeating: 9, count: 4096)
    let hard = bench.memory.frameCount / 100 * 20
    for i in 0..<3 * hard {
      #expect(bench.pwrite(fd, page, at: i * 4096) == 4096)
      #expect(bench.kernel.system.writeback.dirtyPages <= hard + 1)
      if i == hard - 2 { #expect(bench.kernel.idleCycles == 0) }
    }
    #expect(bench.kernel.idleCycles > 0)
    #expect(bench.finish() == nil)
  }

  @Test func `dirty pages are counted through every way out`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let writeback = bench.kernel.system.writeback
    let fd = bench.makeFile("f", pages: 6)
    #expect(writeback.dirtyPages == 6)
    bench.call(FileNumber.ftruncate, UInt64(fd), 4 * 4096 + 5)
    #expect(writeback.dirtyPages == 5)
    bench.call(FileNumber.fsync, UInt64(fd))
    #expect(writeback.dirtyPages == 0)
    _ = bench.pwrite(fd, [1], at: 0)
    #expect(writeback.dirtyPages == 1)
    bench.call(FileNumber.unlinkat, here, bench.path("f"), 0)
    bench.call(FileNumber.close, UInt64(fd))
    #expect(writeback.dirtyPages == 0)
    #expect(bench.finish() == nil)
  }
}
