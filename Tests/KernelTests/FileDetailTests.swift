import MMUMemory
import Testing

@testable import MMUKernel

// Answers of calls on files that were compared with Linux 6.18 one by one.

@Suite struct FileDetailTests {
  private static let fchmod: UInt64 = 52
  private static let fchmodat: UInt64 = 53
  private static let fallocate: UInt64 = 47
  private static let ioctl: UInt64 = 29

  private func bench() throws -> Bench {
    let bench = try Bench()
    bench.prepareFiles()
    return bench
  }

  private func link(
    _ bench: Bench, _ old: String, _ new: String, from directory: UInt64 = here, flags: UInt64 = 0
  ) -> Int64 {
    bench.call(
      FileNumber.linkat, directory, bench.path(old), here, bench.path(new, second: true), flags)
  }

  @Test func `nobody changes the names of proc`() throws {
    let bench = try bench()
    _ = bench.makeFile("f", pages: 1)
    func mkdir(_ name: String) -> Int64 {
      bench.call(FileNumber.mkdirat, here, bench.path(name), 0o755)
    }
    func remove(_ name: String, _ flags: UInt64 = 0) -> Int64 {
      bench.call(FileNumber.unlinkat, here, bench.path(name), flags)
    }
    func rename(_ old: String, _ new: String, _ flags: UInt64 = 0) -> Int64 {
      bench.call(
        FileNumber.renameat2, here, bench.path(old), here, bench.path(new, second: true), flags)
    }
    for directory in ["/proc", "/proc/self"] {
      #expect(mkdir(directory + "/x") == negative(.noEntry))
      #expect(bench.open(directory + "/x") == negative(.noEntry))
      #expect(link(bench, "/proc/meminfo", directory + "/x") == negative(.noEntry))
      #expect(link(bench, "f", directory + "/x") == negative(.noEntry))
      let target = bench.path("f")
      #expect(
        bench.call(
          FileNumber.symlinkat, target, here, bench.path(directory + "/x", second: true))
          == negative(.noEntry))
    }
    #expect(mkdir("/proc/self") == negative(.exists))
    #expect(link(bench, "/proc/meminfo", "/tmp/x") == negative(.crossDevice))
    for name in ["/proc/meminfo", "/proc/self", "/proc/2", "/proc/2/maps"] {
      #expect(remove(name) == negative(.notPermitted), "\(name)")
    }
    #expect(remove("/proc/2", 0x200) == negative(.notPermitted))
    #expect(remove("/proc/meminfo", 0x200) == negative(.notDirectory))
    #expect(remove("/proc/nope") == negative(.noEntry))
    #expect(rename("/proc/2", "/proc/7") == negative(.noEntry))
    #expect(rename("/proc/meminfo", "/proc/vmstat") == negative(.notPermitted))
    #expect(rename("/proc/meminfo", "/proc/vmstat", 1) == negative(.exists))
    #expect(rename("/proc/meminfo", "/proc/vmstat", 2) == negative(.notPermitted))
    #expect(rename("f", "/proc/x") == negative(.crossDevice))
    #expect(rename("/proc", "/x") == negative(.busy))
    #expect(
      bench.call(Self.fchmodat, here, bench.path("/proc/self/maps"), 0) == negative(.notPermitted))
    #expect(bench.finish() == nil)
  }

  @Test func `proc holds the processes there are, not those there were`() throws {
    let bench = try bench()
    for _ in 0..<100 {
      let child = bench.call(220, 17)
      bench.call(124)
      #expect(bench.kernel.current?.pid == Int32(child))
      #expect(bench.open("/proc/self/nope", readOnly) == negative(.noEntry))
      bench.call(Number.exit, 0)
      bench.call(260, ~0, 0, 0, 0)
      #expect(bench.open("/proc/\(child)/maps", readOnly) == negative(.noEntry))
    }
    let proc = bench.kernel.tree.processes
    #expect(bench.kernel.processes.count == 101)
    // Removed names keep their places for a while.
    #expect(proc.entries.count < 40)
    #expect(proc[Array("2".utf8)] != nil)
    #expect(bench.finish() == nil)
  }

  @Test func `a directory is listed right while names go, and gives back their places`() throws {
    let bench = try bench()
    let tmp = try bench.kernel.tree.inode(at: Array("/tmp".utf8), from: bench.kernel.tree.root)
    for i in 0..<200 {
      bench.call(FileNumber.close, UInt64(bench.open("/tmp/\(i)")))
    }
    let fd = UInt64(bench.open("/tmp", readOnly))
    // "." and "..", then names of one to three digits, 24 bytes each.
    #expect(bench.call(FileNumber.getdents64, fd, Bench.bufferPages, 24 * 12) == 24 * 12)
    for i in 0..<195 { bench.call(FileNumber.unlinkat, here, bench.path("/tmp/\(i)"), 0) }
    #expect(tmp.entries.count < 30)
    #expect(bench.call(FileNumber.getdents64, fd, Bench.bufferPages, 4096) == 24 * 5)
    #expect(bench.loadString(Bench.bufferPages + 19) == "195")
    #expect(!tmp.isEmpty)
    #expect(bench.finish() == nil)
  }

  @Test func `msync of one of many areas of a file cleans the others that share the page`() throws {
    let bench = try bench()
    let fd = bench.makeFile("f", pages: 4)
    bench.call(FileNumber.fsync, UInt64(fd))
    let one = bench.mapFile(fd, pages: 4, shared: true)
    let other = bench.mapFile(bench.open("f"), pages: 2, shared: true, offset: 4096)
    let copy = bench.mapFile(fd, pages: 4, shared: false)
    func sync(_ page: UInt64) { bench.call(FileNumber.msync, one + page * 4096, 4096, 4) }
    for page in 0..<4 as Range<UInt64> { bench.store(UInt8(page), at: one + page * 4096) }
    bench.store(9, at: other)
    #expect(bench.load(copy) == 0)
    for page in 0..<4 as Range<UInt64> { sync(page) }
    // Each store is noticed again.
    #expect(bench.faults { bench.store(8, at: other) } == [1, 0])
    #expect(bench.faults { bench.store(8, at: one + 4096) } == [1, 0])
    #expect(bench.faults { bench.store(8, at: one + 3 * 4096) } == [1, 0])
    bench.dropCache(fd)
    #expect(bench.load(other) == 8)
    #expect(bench.finish() == nil)
  }

  @Test func `offsets beyond the largest file and huge pages are refused`() throws {
    let bench = try bench()
    let fd = bench.makeFile("f", pages: 1)
    let end: UInt64 = 0x7fff_ffff_ffff_f000
    func map(_ pages: UInt64, _ offset: UInt64, _ flags: UInt64 = 1) -> Int64 {
      bench.call(Number.mmap, 0, pages * 4096, 1, flags, UInt64(fd), offset)
    }
    #expect(map(1, end) == negative(.overflow))
    #expect(map(2, end - 4096) == negative(.overflow))
    #expect(map(1, end - 4096) > 0)
    #expect(map(1, 0, 0x4_0001) == negative(.invalid))
    #expect(bench.finish() == nil)
  }

  @Test func `fchmod of pipes, paths and sealed files`() throws {
    let bench = try bench()
    bench.call(59, Bench.bufferPages, 0)
    #expect(bench.call(Self.fchmod, 3, 0o600) == 0)
    bench.call(FileNumber.close, UInt64(bench.open("f")))
    let path = UInt64(bench.open("f", 0x20_0000))
    #expect(bench.call(Self.fchmod, path, 0o600) == negative(.badDescriptor))
    #expect(bench.call(FileNumber.fcntl, path, 3) == 0x20_0000)
    let sealed = UInt64(bench.call(FileNumber.memfdCreate, bench.path("m"), 8))
    #expect(bench.call(Self.fchmod, sealed, 0o777) == negative(.notPermitted))
    #expect(bench.call(Self.fchmod, sealed, 0o600) == 0)
    let program = UInt64(bench.call(FileNumber.memfdCreate, bench.path("m"), 2))
    #expect(bench.call(FileNumber.fcntl, program, 1033, 32) == 0)
    #expect(bench.call(FileNumber.fcntl, program, 1034) == 62)
    #expect(bench.call(Self.fchmod, program, 0o600) == negative(.notPermitted))
    #expect(bench.call(Self.fchmod, program, 0o711) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `an open file can be given another name`() throws {
    let bench = try bench()
    let fd = UInt64(bench.makeFile("f", pages: 1))
    bench.call(59, Bench.bufferPages, 0)
    let memory = UInt64(bench.call(FileNumber.memfdCreate, bench.path("m"), 0))
    #expect(link(bench, "", "l", from: fd, flags: 0x1000) == 0)
    #expect(link(bench, "", "m", from: fd) == negative(.noEntry))
    #expect(link(bench, "", "m", from: 4, flags: 0x1000) == negative(.crossDevice))
    #expect(link(bench, "", "m", from: memory, flags: 0x1000) == negative(.crossDevice))
    #expect(link(bench, "", "m", from: 99, flags: 0x1000) == negative(.badDescriptor))
    #expect(link(bench, "", "m", flags: 0x1000) == negative(.notPermitted))
    bench.call(FileNumber.unlinkat, here, bench.path("f"), 0)
    #expect(bench.pread(bench.open("l", readOnly), 1, at: 0) == [1])
    bench.call(FileNumber.unlinkat, here, bench.path("l"), 0)
    #expect(link(bench, "", "m", from: fd, flags: 0x1000) == negative(.noEntry))
    #expect(bench.finish() == nil)
  }

  @Test func `a file with a slash behind it is in the way`() throws {
    let bench = try bench()
    _ = bench.makeFile("f", pages: 1)
    #expect(bench.open("f/") == negative(.isDirectory))
    #expect(bench.open("f/", readWrite | create | exclusive) == negative(.isDirectory))
    #expect(bench.open("f/", readWrite) == negative(.notDirectory))
    #expect(bench.open("f/.") == negative(.notDirectory))
    #expect(bench.call(FileNumber.mkdirat, here, bench.path("f/"), 0) == negative(.exists))
    #expect(link(bench, "f", "f/") == negative(.exists))
    #expect(bench.finish() == nil)
  }

  @Test func `proc files have no end to seek from`() throws {
    let bench = try bench()
    for name in ["/proc/meminfo", "/proc/self/maps"] {
      let fd = UInt64(bench.open(name, readOnly))
      #expect(bench.call(FileNumber.lseek, fd, 0, 2) == negative(.invalid))
      #expect(bench.call(FileNumber.lseek, fd, 5, 0) == 5)
    }
    #expect(bench.finish() == nil)
  }

  @Test func `fallocate that keeps the size gives a memory file nothing behind its end`() throws {
    let bench = try bench()
    let file = UInt64(bench.call(FileNumber.memfdCreate, bench.path("m"), 0))
    #expect(bench.call(46, file, 4096) == 0)
    for offset in [0x3000, 0x3001, 0x3fff] as [UInt64] {
      #expect(bench.call(Self.fallocate, file, 1, offset, 10) == 0)
      #expect(bench.kernel.system.checkInvariants() == nil)
    }
    #expect(bench.finish() == nil)
  }

  @Test func `ioctl changes flags, and a full device takes nothing`() throws {
    let bench = try bench()
    bench.call(59, Bench.bufferPages, 0)
    bench.put([1, 0, 0, 0, 0, 0, 0, 0], at: Bench.bufferPages)
    #expect(bench.call(Self.ioctl, 3, 0x5421, Bench.bufferPages) == 0)
    #expect(bench.call(FileNumber.fcntl, 3, 3) == 0x800)
    #expect(bench.call(Self.ioctl, 3, 0x5421, Bench.bufferPages + 4) == 0)
    #expect(bench.call(FileNumber.fcntl, 3, 3) == 0)
    #expect(bench.call(Self.ioctl, 3, 0x5421, 8) == negative(.badAddress))
    #expect(bench.call(Self.ioctl, 3, 0x5451) == 0)
    #expect(bench.call(FileNumber.fcntl, 3, 1) == 1)
    #expect(bench.call(Self.ioctl, 3, 0x5450) == 0)
    #expect(bench.call(FileNumber.fcntl, 3, 1) == 0)
    #expect(bench.call(Self.ioctl, 3, 0x5401) == negative(.notTerminal))
    #expect(bench.messages.isEmpty)
    #expect(bench.call(Self.ioctl, 3, 0x5452) == negative(.notTerminal))
    #expect(bench.messages.count == 1)
    let full = bench.open("/dev/full", readWrite)
    #expect(bench.call(Number.write, UInt64(full), Bench.bufferPages, 1) == negative(.noSpace))
    #expect(bench.call(Number.read, UInt64(full), Bench.bufferPages, 1) == 1)
    #expect(bench.load(Bench.bufferPages) == 0)
    #expect(bench.call(Self.fallocate, 4, 0, 0, 9) == negative(.illegalSeek))
    #expect(bench.finish() == nil)
  }
}
