import MMUMemory
import Testing

@testable import MMUKernel

@Suite struct ZoneReportTests {
  private func lines(_ bench: Bench, _ path: String) throws -> [String] {
    let fd = bench.open(path, readOnly)
    try #require(fd >= 0)
    let bytes = bench.pread(fd, 16 * 4096, at: 0)
    #expect(bench.call(FileNumber.close, UInt64(fd)) == 0)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private func numbers(_ line: String) -> [UInt64] {
    line.split(separator: " ").compactMap { UInt64($0) }
  }

  /// Active and total objects, object size, objects and pages of a slab, slabs.
  private func slabs(_ bench: Bench) throws -> [String: [UInt64]] {
    var rows: [String: [UInt64]] = [:]
    for line in try lines(bench, "/proc/slabinfo").dropFirst(2) {
      let numbers = numbers(line)
      try #require(numbers.count == 11)
      rows[String(line.prefix { $0 != " " })] = Array(numbers[0..<5]) + [numbers[9]]
      #expect(numbers[8] == numbers[9])
    }
    return rows
  }

  @Test func `buddyinfo is Linux's line: free blocks by order, large ones as order 10`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let frames = bench.kernel.system.frames
    let lines = try lines(bench, "/proc/buddyinfo")
    #expect(lines.count == 1)
    #expect(lines[0].hasPrefix("Node 0, zone    DMA32      "))
    #expect(lines[0].hasSuffix(" "))
    let counts = numbers(String(lines[0].dropFirst(7)))
    #expect(counts.count == 11)
    let pages = counts.enumerated().reduce(0) { $0 + $1.element << UInt64($1.offset) }
    #expect(pages + UInt64(frames.coreList.count) == frames.available)
    // 16 MiB: a block of 8 MiB and one of 4 MiB are untouched.
    #expect(counts.last == 3)
    #expect(bench.finish() == nil)
  }

  @Test func `the zone is Normal once there is memory above 4 GiB`() throws {
    for (ram, name) in [(4 << 30, "DMA32"), (4 << 30 + 4096, "Normal")] as [(UInt64, String)] {
      let bench = try Bench(ram: ram)
      bench.prepareFiles()
      #expect(try lines(bench, "/proc/buddyinfo")[0].contains(" \(name) "))
      let vmstat = try lines(bench, "/proc/vmstat")
      #expect(vmstat.contains { $0.hasPrefix("pgalloc_\(name.lowercased()) ") })
      #expect(bench.finish() == nil)
    }
  }

  @Test func `zoneinfo has the watermarks, and free pages like meminfo and vmstat`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    // So that reading it takes no more frames.
    _ = try lines(bench, "/proc/zoneinfo")
    let lines = try lines(bench, "/proc/zoneinfo")
    let free = bench.kernel.system.frames.available
    #expect(lines[0] == "Node 0, zone    DMA32")
    let start = try #require(lines.firstIndex(of: "  pages free     \(free)"))
    #expect(
      Array(lines[start + 1..<start + 11]) == [
        "        boost    0", "        min      128", "        low      160",
        "        high     192", "        spanned  4096", "        present  4096",
        "        managed  4096", "        cma      0", "        protection: (0, 0, 0)",
        "      nr_free_pages \(free)",
      ])
    #expect(lines.contains("      nr_anon_pages \(bench.space.residentAnonymous)"))
    let count = bench.kernel.system.frames.coreList.count
    #expect(lines.contains("              count:    \(count)"))
    #expect(lines.contains("              high:     384"))
    #expect(lines.contains("              batch:    64"))
    #expect(lines.last == "  start_pfn:           0")
    #expect(bench.finish() == nil)
  }

  @Test func `slabinfo is Linux's version 2_1, for root alone`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let lines = try lines(bench, "/proc/slabinfo")
    #expect(lines[0] == "slabinfo - version: 2.1")
    #expect(
      lines[1]
        == "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> "
        + ": tunables <limit> <batchcount> <sharedfactor> "
        + ": slabdata <active_slabs> <num_slabs> <sharedavail>")
    #expect(
      lines.last
        == "mm_struct              1     20   1600   20    8 : tunables    0    0    0 "
        + ": slabdata      1      1      0")
    #expect(bench.kernel.tree.processes[Array("slabinfo".utf8)]?.mode == 0o400)
    #expect(bench.kernel.tree.processes[Array("zoneinfo".utf8)]?.mode == 0o444)
    #expect(bench.finish() == nil)
  }

  @Test func `slabinfo counts the objects that are alive`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let before = try slabs(bench)
    #expect(before["vm_area_struct"]?[0] == UInt64(bench.space.areas.count))
    #expect(before["task_struct"]?[0] == 1)
    #expect(before["mm_struct"]?[0] == 1)
    // The open slabinfo is one of them, as it is on Linux.
    #expect(before["filp"]?[0] == UInt64(bench.kernel.system.openFiles + 1))
    // Capacity, size of an object, objects and pages of a slab, slabs.
    #expect(before["task_struct"].map { Array($0.dropFirst()) } == [5, 5888, 5, 8, 1])

    let fd = bench.open("kept", readWrite | create)
    _ = bench.makeFile("closed", pages: 1)
    let after = try slabs(bench)
    #expect(after["inode_cache"]![0] == before["inode_cache"]![0] + 2)
    #expect(after["filp"]![0] == before["filp"]![0] + 2)
    // Without a name a file lives until it is closed.
    #expect(bench.call(FileNumber.unlinkat, here, bench.path("kept"), 0) == 0)
    #expect(try slabs(bench)["inode_cache"] == after["inode_cache"])
    #expect(bench.call(FileNumber.close, UInt64(fd)) == 0)
    #expect(try slabs(bench)["inode_cache"]![0] == after["inode_cache"]![0] - 1)

    // A child: a task and an address space with all areas again. A zombie is a task.
    bench.call(220, 17)
    var child = try slabs(bench)
    #expect(child["task_struct"]![0] == 2)
    #expect(child["mm_struct"]![0] == 2)
    #expect(child["vm_area_struct"]![0] == 2 * UInt64(bench.space.areas.count))
    bench.call(124)
    bench.call(Number.exit, 0)
    child = try slabs(bench)
    #expect(child["task_struct"]![0] == 2)
    #expect(child["mm_struct"]![0] == 1)
    bench.call(260, ~0, 0, 0, 0)
    #expect(try slabs(bench)["task_struct"]![0] == 1)

    // A thread is a task too.
    bench.call(220, 0x10f00, Bench.data + 4096)
    child = try slabs(bench)
    #expect(child["task_struct"]![0] == 2)
    #expect(child["mm_struct"]![0] == 1)
    #expect(bench.finish() == nil)
  }

  @Test func `slabs fill up one after the other`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    for count in [0, 1, 20, 21, 22, 63, 64] {
      let row = numbers(SlabCache.area.row(objects: count))
      #expect(row[0] == UInt64(count))
      #expect(row[1] == UInt64((count + 20) / 21 * 21))
      #expect(row[9] == row[1] / 21)
    }
    #expect(bench.finish() == nil)
  }
}
