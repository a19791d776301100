import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

@Suite struct OvercommitTests {
  private static let ram: UInt64 = 2048

  /// A machine of 8 MiB whose limit is all of it.
  private func strict(ratio: UInt64 = 100) throws -> Bench {
    try Bench(ram: Self.ram << 12) {
      $0.overcommit = .strict
      $0.overcommitRatio = ratio
    }
  }

  /// Pages that one mapping of private memory may still have in mode 2.
  private func room(_ bench: Bench) -> UInt64 {
    let system = bench.kernel.system
    let reserve = min(bench.space.totalPages / 32, system.promises.userReserve)
    return system.commitLimit - system.committedPages - reserve - 1
  }

  private func change(_ bench: Bench, _ work: () -> Void) -> Int64 {
    let before = Int64(bench.kernel.system.committedPages)
    work()
    #expect(bench.kernel.system.checkInvariants() == nil)
    return Int64(bench.kernel.system.committedPages) - before
  }

  @Test func `mode 0 refuses one request larger than RAM and swap, mode 1 none`() throws {
    for (mode, swap) in [(.heuristic, 0), (.heuristic, 100), (.always, 0)]
      as [(OvercommitMode, UInt64)]
    {
      let bench = try Bench(ram: Self.ram << 12) { $0.overcommit = mode }
      bench.kernel.system.swapPages = swap
      let more = Self.ram + swap + 1
      let refused = negative(.noMemory)
      #expect(Int64(bitPattern: bench.map(more - 1)) > 0)
      #expect(Int64(bitPattern: bench.map(more - 1)) > 0)
      for flags in [0, 0x10, 0x8000] as [UInt64] where flags != 0x8000 {
        let result = bench.call(Number.mmap, 1 << 40, more << 12, 3, 0x22 | flags, ~0, 0)
        #expect(mode == .always ? result > 0 : result == refused)
      }
      #expect(bench.call(Number.mmap, 0, more << 12, 3, 0x4022, ~0, 0) > 0)
      #expect(bench.call(Number.mmap, 0, more << 12, 1, 0x22, ~0, 0) > 0)
      let shared = bench.call(Number.mmap, 0, more << 12, 3, 0x21, ~0, 0)
      #expect(mode == .always ? shared > 0 : shared == refused)
      let segment = bench.call(194, 0, more << 12, 0o600)
      #expect(mode == .always ? segment >= 0 : segment == refused)
      #expect(bench.finish() == nil)
    }
  }

  @Test func `Committed_AS is what areas and files in memory were promised`() throws {
    let bench = try Bench(ram: 16 << 20)
    bench.prepareFiles()
    // The program: three pages of data, the stack; and the pages for files.
    let stack = try #require(bench.space.allAreas.first { $0.flags.contains(.stack) })
    #expect(bench.kernel.system.committedPages == 3 + stack.pages + 18)
    var p: UInt64 = 0
    #expect(change(bench) { p = bench.map(10) } == 10)
    #expect(change(bench) { bench.call(Number.munmap, p + 4096, 3 << 12) } == -3)
    #expect(change(bench) { bench.touch(p) } == 0)
    // Read-only, what was never written is given back; mprotect promises it again.
    #expect(change(bench) { bench.call(Number.mprotect, p + 4 << 12, 6 << 12, 1) } == -6)
    #expect(change(bench) { bench.call(Number.mprotect, p + 4 << 12, 6 << 12, 3) } == 6)
    // What was written stays promised, and is not promised twice.
    #expect(change(bench) { bench.call(Number.mprotect, p, 4096, 1) } == 0)
    #expect(change(bench) { bench.call(Number.mprotect, p, 4096, 3) } == 0)
    #expect(change(bench) { bench.map(2, at: p + 5 << 12, flags: 0x10) } == 0)
    #expect(change(bench) { bench.map(3, at: p + 5 << 12, flags: 0x4010) } == -3)
    var q = bench.map(4)
    #expect(change(bench) { q = UInt64(bench.call(216, q, 4 << 12, 9 << 12, 1, 0)) } == 5)
    #expect(change(bench) { bench.call(216, q, 9 << 12, 2 << 12, 1, 0) } == -7)
    let r = bench.map(3)
    bench.touch(r)
    #expect(change(bench) { bench.call(216, r, 3 << 12, 3 << 12, 5, 0) } == 3)
    let end = UInt64(bench.call(Number.brk, 0))
    #expect(change(bench) { bench.call(Number.brk, (end + 4095) & ~4095 + 7 << 12) } == 7)
    #expect(change(bench) { bench.call(Number.brk, end) } == -7)
    // A private file that may be written; a shared one is its own memory.
    let fd = bench.makeFile("f", pages: 4)
    #expect(change(bench) { _ = bench.mapFile(fd, pages: 4, shared: false) } == 4)
    #expect(change(bench) { _ = bench.mapFile(fd, pages: 4, shared: true) } == 0)
    // Files in memory count page by page.
    var memory: Int64 = 0
    #expect(change(bench) { memory = bench.makeFile("/tmp/f", pages: 3) } == 3)
    #expect(change(bench) { bench.call(FileNumber.ftruncate, UInt64(memory), 9 << 12) } == 0)
    #expect(
      change(bench) { bench.touch(bench.mapFile(memory, pages: 9, shared: true) + 5 << 12) } == 1)
    #expect(change(bench) { bench.call(FileNumber.ftruncate, UInt64(memory), 4096) } == -3)
    // Shared anonymous memory counts whole, or with MAP_NORESERVE page by page.
    var s: UInt64 = 0
    #expect(change(bench) { s = UInt64(bench.call(Number.mmap, 0, 5 << 12, 3, 0x21, ~0, 0)) } == 5)
    #expect(change(bench) { bench.touch(s) } == 0)
    #expect(change(bench) { bench.call(Number.munmap, s, 4096) } == 0)
    #expect(change(bench) { bench.call(Number.munmap, s, 5 << 12) } == -5)
    #expect(
      change(bench) { s = UInt64(bench.call(Number.mmap, 0, 5 << 12, 3, 0x4021, ~0, 0)) } == 0)
    #expect(change(bench) { bench.touch(s) } == 1)
    var id: UInt64 = 0
    #expect(change(bench) { id = UInt64(bench.call(194, 0, 3 << 12, 0o600)) } == 3)
    #expect(change(bench) { bench.call(195, id, 0) } == -3)
    // A child is promised the same; its end gives it back.
    let own = Int64(bench.space.areas.accounted)
    #expect(change(bench) { _ = bench.fork() } == own)
    bench.run(3)
    #expect(change(bench) { bench.call(Number.exit, 0) } == -own)
    #expect(change(bench) { bench.touch(stack.lower - 4096) } == 1)
    #expect(bench.finish() == nil)
    #expect(bench.kernel.system.committedPages == 1, "only /tmp/f is left")
  }

  @Test func `mode 2 stops one page before the limit, and MAP_NORESERVE does not help`() throws {
    let bench = try strict(ratio: 60)
    #expect(bench.kernel.system.commitLimit == Self.ram * 60 / 100)
    bench.map(320, 1)
    let room = room(bench)
    let refused = negative(.noMemory)
    // The reserve is a thirty-second of the process.
    #expect(bench.space.totalPages / 32 >= 10)
    for flags in [0x22, 0x4022, 0x21, 0x4021] as [UInt64] {
      #expect(bench.call(Number.mmap, 0, (room + 1) << 12, 3, flags, ~0, 0) == refused)
      let p = bench.call(Number.mmap, 0, room << 12, 3, flags, ~0, 0)
      #expect(p > 0)
      #expect(bench.call(Number.mmap, 0, 4096, 3, flags, ~0, 0) == refused)
      #expect(bench.call(194, 0, 4096, 0o10600) == refused)
      // Read-only memory is free.
      #expect(bench.call(Number.mmap, 0, 4096, 1, 0x22, ~0, 0) > 0)
      #expect(bench.call(Number.munmap, UInt64(p), room << 12) == 0)
    }
    bench.kernel.system.swapPages = 50
    #expect(bench.call(Number.mmap, 0, (room + 49) << 12, 3, 0x22, ~0, 0) > 0)
    #expect(bench.finish() == nil)
  }

  @Test func `in mode 2 brk, mprotect, mremap and stack fail when nothing more is promised`() throws
  {
    let bench = try strict()
    let refused = negative(.noMemory)
    let readable = bench.map(4, 1)
    let p = bench.map(2)
    bench.touch(p)
    bench.map(room(bench))
    #expect(bench.call(Number.mmap, 0, 4096, 3, 0x22, ~0, 0) == refused)
    let end = bench.call(Number.brk, 0)
    #expect(bench.call(Number.brk, UInt64(end) + 8192) == end)
    #expect(bench.call(Number.mprotect, readable, 4096, 3) == refused)
    #expect(bench.call(216, p, 8192, 3 << 12, 1, 0) == refused)
    #expect(bench.call(216, p, 8192, 8192, 5, 0) == refused)
    #expect(bench.call(216, p, 8192, 8192, 3, 1 << 40) == 1 << 40)
    // What replaces a promised mapping needs no more.
    #expect(bench.map(2, at: 1 << 40, flags: 0x10) == 1 << 40)
    let before = bench.areas(from: readable, pages: 4)
    #expect(before == "0-4 r--")
    let stack = try #require(bench.space.allAreas.first { $0.flags.contains(.stack) })
    #expect(!bench.touch(stack.lower - 4096))
    let story = bench.messages.last { $0.kind == .story }?.text ?? ""
    #expect(story.contains("killed by SIGSEGV (SEGV_MAPERR)"))
    #expect(story.contains("the stack may not grow: "))
    #expect(story.contains("overcommit mode 2 allows 8192 kB"))
    #expect(bench.finish() == nil)
  }

  @Test func `a stack grows in mode 0 whatever was promised`() throws {
    let bench = try Bench(ram: Self.ram << 12)
    bench.map(Self.ram)
    bench.map(Self.ram)
    let stack = try #require(bench.space.allAreas.first { $0.flags.contains(.stack) })
    #expect(bench.touch(stack.lower - 4096))
    #expect(bench.finish() == nil)
  }

  @Test func `a fork that mode 2 refuses leaves nothing behind, not even the cache's loss`() throws
  {
    let bench = try strict()
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 3)
    bench.dropCache(fd)
    _ = bench.pread(fd, 4096, at: 0)
    let p = bench.map(room(bench) / 2 + 100)
    bench.store(1, at: p)
    let system = bench.kernel.system
    let before = (system.committedPages, system.frames.used, system.cachedFrames)
    #expect(bench.call(Bench.clone, 17) == negative(.noMemory))
    #expect((system.committedPages, system.frames.used, system.cachedFrames) == before)
    #expect(bench.kernel.processes.count == 1)
    // Threads and vfork take no memory; MADV_DONTFORK leaves out what is too much.
    #expect(bench.call(Number.madvise, p, (room(bench) / 2 + 100) << 12, 10) == 0)
    #expect(bench.call(Number.madvise, p, 300 << 12, 10) == 0)
    #expect(bench.fork() == 3)
    #expect(bench.finish() == nil)
  }

  @Test func `in mode 2 a file in memory ends in ENOSPC, its mapping in SIGBUS`() throws {
    let bench = try strict()
    bench.prepareFiles()
    let fd = bench.makeFile("/tmp/f", pages: 2)
    #expect(bench.call(FileNumber.ftruncate, UInt64(fd), 8 << 12) == 0)
    let p = bench.mapFile(fd, pages: 8, shared: true)
    let system = bench.kernel.system
    let size = bench.space.totalPages / 32
    bench.map(room(bench))
    // For pages of files nothing is kept in reserve.
    while system.committedPages + size + 1 < system.commitLimit + size {
      guard bench.pwrite(fd, [1], at: 8 << 12 + system.committedPages << 12) == 1 else { break }
    }
    #expect(system.commitLimit - system.committedPages == 1)
    #expect(bench.pwrite(fd, [1], at: 3 << 12) == negative(.noSpace))
    #expect(bench.pwrite(fd, [1], at: 0) == 1)
    #expect(bench.touch(p + 4096))
    #expect(!bench.touch(p + 4 << 12))
    #expect(bench.process.exitStatus == .killed(.busError))
    #expect(bench.kernel.memoryKills == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `a program that may not be promised its memory does not start`() throws {
    #expect(throws: StartError.commitLimit) { try strict(ratio: 1) }
  }

  private func text(_ bench: Bench, _ path: String) -> String {
    let fd = bench.open(path, readOnly)
    defer { bench.call(FileNumber.close, UInt64(fd)) }
    return String(decoding: bench.pread(fd, 8192, at: 0), as: UTF8.self)
  }

  @Test func `meminfo has limit and sum, in Linux's order`() throws {
    let bench = try strict(ratio: 60)
    bench.prepareFiles()
    bench.kernel.system.swapPages = 10
    let lines = text(bench, "/proc/meminfo").split(separator: "\n").suffix(2).map(String.init)
    let committed = bench.kernel.system.committedPages * 4
    #expect(
      lines == [
        "CommitLimit:        4952 kB",
        "Committed_AS:   " + String(committed).padded(before: 8) + " kB",
      ])
    #expect(bench.finish() == nil)
  }

  @Test(
    arguments: [
      ("2\n", 2, "2\n"), ("1", 1, "1\n"), (" 0x1 \n ", 7, "1\n"), ("1 2", 2, "1\n"),
      ("3", -22, "0\n"),
      ("-1", -22, "0\n"), ("x", -22, "0\n"), ("1x", -22, "0\n"), ("+1", -22, "0\n"),
      ("\n", -22, "0\n"),
      ("", 0, "0\n"), ("99999999999", -22, "0\n"),
    ] as [(String, Int64, String)])
  func `overcommit_memory takes one number, as Linux's sysctl files do`(
    input: String, result: Int64, shown: String
  ) throws {
    let bench = try Bench()
    bench.prepareFiles()
    #expect(text(bench, "/proc/sys/vm/overcommit_memory") == "0\n")
    let fd = UInt64(bench.open("/proc/sys/vm/overcommit_memory", writeOnly | truncating))
    bench.put(Array(input.utf8), at: Bench.bufferPages)
    #expect(bench.call(Number.write, fd, Bench.bufferPages, UInt64(input.utf8.count)) == result)
    // What follows the first write is taken and ignored.
    if result > 0 {
      bench.put(Array("0".utf8), at: Bench.bufferPages)
      #expect(bench.call(Number.write, fd, Bench.bufferPages, 1) == 1)
    }
    #expect(text(bench, "/proc/sys/vm/overcommit_memory") == shown)
    #expect(bench.finish() == nil)
  }

  @Test func `overcommit_ratio moves the limit at once`() throws {
    let bench = try strict(ratio: 50)
    bench.prepareFiles()
    #expect(text(bench, "/proc/sys/vm/overcommit_ratio") == "50\n")
    let fd = UInt64(bench.open("/proc/sys/vm/overcommit_ratio", readWrite))
    bench.put(Array("75\n".utf8), at: Bench.bufferPages)
    #expect(bench.call(Number.write, fd, Bench.bufferPages, 3) == 3)
    #expect(bench.kernel.system.commitLimit == Self.ram * 3 / 4)
    #expect(bench.call(FileNumber.lseek, fd, 0, 0) == 0)
    #expect(bench.call(Number.read, fd, Bench.bufferPages, 9) == 3)
    #expect(bench.take(3, at: Bench.bufferPages) == Array("75\n".utf8))
    // The names stay through a refresh of the processes.
    #expect(bench.fork() == 3)
    #expect(text(bench, "/proc/sys/vm/overcommit_ratio") == "75\n")
    #expect(bench.open("/proc/sys/vm/none", readOnly) == negative(.noEntry))
    #expect(bench.finish() == nil)
  }
}
