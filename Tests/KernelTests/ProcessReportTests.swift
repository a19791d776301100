import MMUMemory
import Testing

@testable import MMUKernel

@Suite struct ProcessReportTests {
  private func text(_ bench: Bench, _ path: String) -> [UInt8]? {
    let fd = bench.open(path, readOnly)
    if fd < 0 { return nil }
    let bytes = bench.pread(fd, 16 * 4096, at: 0)
    #expect(bench.call(FileNumber.close, UInt64(fd)) == 0)
    return bytes
  }

  /// The rows of vmstat or meminfo.
  private func rows(_ bench: Bench, _ path: String) throws -> [String: UInt64] {
    let bytes = try #require(text(bench, path))
    var rows: [String: UInt64] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split { $0 == " " || $0 == ":" }
      rows[String(fields[0])] = UInt64(fields[1])
    }
    return rows
  }

  @Test func `cmdline is what stands in the program's memory`() throws {
    let bench = try Bench(arguments: ["prog", "a b", "", "z"], environment: ["E=1", "F=2"])
    bench.prepareFiles()
    let text = {
      self.text(bench, "/proc/self/cmdline").map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(text() == "prog\0a b\0\0z\0")
    let area = bench.space.argumentArea
    bench.store(UInt8(ascii: "q"), at: area.lowerBound)
    #expect(text() == "qrog\0a b\0\0z\0")
    // setproctitle: without the last zero the text goes on up to the first one.
    bench.store(UInt8(ascii: "!"), at: area.upperBound - 1)
    #expect(text() == "qrog\0")
    for at in area { bench.store(UInt8(ascii: "x"), at: at) }
    #expect(text() == "xxxxxxxxxxxxE=1\0")
    for at in area.upperBound..<bench.space.environmentEnd { bench.store(121, at: at) }
    #expect(text() == "xxxxxxxxxxxxyyyyyyyy")
    // Thrown away, it is zeros; unmapped, nothing.
    let page = area.lowerBound & ~4095
    bench.call(Number.madvise, page, 4096, 4)
    #expect(text() == String(repeating: "\0", count: 12))
    bench.call(Number.munmap, page, 4096)
    #expect(text() == "")
    #expect(bench.finish() == nil)
  }

  @Test func `a child has its parent's cmdline, a zombie an empty one, a reaped one none`() throws {
    let bench = try Bench(arguments: ["prog", "one"])
    bench.prepareFiles()
    let child = bench.call(220, 17)
    let path = "/proc/\(child)/cmdline"
    #expect(text(bench, path) == Array("prog\0one\0".utf8))
    bench.call(124)
    #expect(bench.kernel.current?.pid == Int32(child))
    bench.call(Number.exit, 0)
    #expect(text(bench, path) == [])
    bench.call(260, ~0, 0, 0, 0)
    #expect(text(bench, path) == nil)
    #expect(bench.finish() == nil)
  }

  @Test func `vmstat counts what happened`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 5)
    var vmstat = try rows(bench, "/proc/vmstat")
    let frames = bench.kernel.system.frames
    #expect(vmstat["nr_dirty"] == 5)
    #expect(vmstat["nr_dirtied"] == 5)
    #expect(vmstat["nr_written"] == 0)
    #expect(vmstat["nr_free_pages"] == frames.available)
    #expect(vmstat["nr_file_pages"] == bench.kernel.system.cachedFrames)
    #expect(vmstat["nr_anon_pages"] == bench.space.residentAnonymous)
    #expect(vmstat["nr_page_table_pages"] == UInt64(bench.space.tablePages))
    #expect(vmstat["pgalloc_dma32"]! - vmstat["pgfree"]! == frames.used - 1)
    #expect(vmstat["pgfault"] == bench.process.minorFaults + bench.process.majorFaults)
    #expect(vmstat["pgmajfault"] == 0)

    bench.dropCache(fd)
    vmstat = try rows(bench, "/proc/vmstat")
    #expect(vmstat["nr_dirty"] == 0)
    #expect(vmstat["nr_written"] == 5)
    #expect(vmstat["pgpgout"] == 20)
    #expect(vmstat["pgpgin"] == 0)

    let mapped = vmstat["nr_mapped"]!
    let p = bench.mapFile(fd, pages: 5, shared: true)
    #expect(bench.load(p) == 1)
    vmstat = try rows(bench, "/proc/vmstat")
    // One fault, and the whole file lies around it.
    #expect(vmstat["pgpgin"] == 20)
    #expect(vmstat["pgmajfault"] == 1)
    #expect(vmstat["nr_mapped"]! > mapped)

    // A fork shares the frames: they count once.
    let anonymous = bench.space.residentAnonymous
    bench.call(220, 17)
    bench.call(220, 17)
    #expect(try rows(bench, "/proc/vmstat")["nr_anon_pages"]! < anonymous + 4)
    #expect(bench.finish() == nil)
  }

  @Test func `meminfo adds up`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    _ = bench.makeFile("f", pages: 3)
    _ = bench.makeFile("/tmp/t", pages: 4)
    let info = try rows(bench, "/proc/meminfo")
    #expect(info["MemTotal"] == 16384)
    #expect(info["Dirty"] == 12)
    #expect(info["Shmem"]! >= 16)
    // Linux's si_mem_available: files are few enough to be half kept.
    let marks = bench.kernel.system.frames.watermarks
    let files = (info["Cached"]! - info["Shmem"]!) / 4
    let available = info["MemFree"]! / 4 - marks.high + files - min(files / 2, marks.low)
    #expect(info["MemAvailable"]! == available * 4)
    // What is left are the kernel's own frames: frame 0, the zero page and its tables.
    let known = info["MemFree"]! + info["Cached"]! + info["AnonPages"]! + info["PageTables"]!
    #expect(16384 - known == 4 * UInt64(2 + bench.kernel.system.kernelTablePages))
    #expect(bench.finish() == nil)
  }

  @Test func `what is not given back is a leak`() throws {
    let bench = try Bench()
    #expect(bench.kernel.leak != nil, "the program still runs")
    let frame = bench.kernel.system.frames.allocate(.anonymous)
    bench.kernel.shutDown()
    #expect(bench.kernel.leak == "1 frames were not given back")
    bench.kernel.system.frames.release(try #require(frame))
    #expect(bench.kernel.leak == nil)
  }
}
