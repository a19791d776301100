@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

// Names, descriptors and status: the errors Linux gives, in its order.

@Suite struct FileCallTests {
  @Test func `openat finds, makes and refuses as Linux does`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    #expect(bench.open("none", readOnly) == negative(.noEntry))
    #expect(bench.open("", readOnly) == negative(.noEntry))
    #expect(bench.open("x") == 3)
    #expect(bench.open("x", readWrite | create | exclusive) == negative(.exists))
    #expect(bench.open("x/", readOnly) == negative(.notDirectory))
    #expect(bench.open("x/y", readOnly) == negative(.notDirectory))
    #expect(bench.open("new/", readWrite | create) == negative(.isDirectory))
    #expect(bench.open("none/y", readWrite | create) == negative(.noEntry))
    #expect(bench.open("/tmp", writeOnly) == negative(.isDirectory))
    #expect(bench.open("/tmp", readOnly | create) == negative(.isDirectory))
    #expect(bench.open("x", 0x1_0000) == negative(.notDirectory))
    #expect(bench.open("x", 0x1_0000 | create) == negative(.invalid))
    #expect(bench.open(String(repeating: "n", count: 256), readOnly) == negative(.nameTooLong))
    #expect(bench.open("../../x", readOnly) == 4)
    #expect(bench.open("/tmp/../dev/./shm/../../x", readOnly) == 5)
    #expect(bench.call(FileNumber.openat, here, 0x10, readOnly) == negative(.badAddress))
    #expect(
      bench.call(FileNumber.openat, 77, bench.path("x"), readOnly) == negative(.badDescriptor))
    #expect(bench.call(FileNumber.openat, 3, bench.path("x"), readOnly) == negative(.notDirectory))
    #expect(bench.call(FileNumber.openat, 77, bench.path("/x"), readOnly) == 6)
    #expect(bench.call(FileNumber.close, 4) == 0)
    #expect(bench.call(FileNumber.close, 4) == negative(.badDescriptor))
    #expect(bench.open("x", readOnly) == 4)
    #expect(bench.finish() == nil)
  }

  @Test func `a file lives on without a name until its last descriptor closes`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 3)
    let before = bench.kernel.system.cachedFrames
    #expect(bench.call(FileNumber.unlinkat, here, bench.path("f"), 0) == 0)
    #expect(bench.call(FileNumber.unlinkat, here, bench.path("f"), 0) == negative(.noEntry))
    #expect(bench.pread(fd, 3, at: 8192) == [3, 3, 3])
    let copy = UInt64(bitPattern: bench.call(FileNumber.dup, UInt64(fd)))
    bench.call(FileNumber.close, UInt64(fd))
    #expect(bench.kernel.system.cachedFrames == before)
    bench.call(FileNumber.close, copy)
    #expect(bench.kernel.system.cachedFrames == before - 3)
    #expect(bench.kernel.tree.disk.image?.used == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `a program too large to be read is refused, however little of it is there`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let fd = bench.call(FileNumber.openat, here, bench.path("p"), readWrite | create, 0o755)
    #expect(bench.pwrite(fd, [0x7f, 0x45, 0x4c, 0x46], at: 0) == 4)
    #expect(bench.call(FileNumber.ftruncate, UInt64(fd), 8 << 40) == 0)
    bench.call(FileNumber.close, UInt64(fd))
    #expect(bench.call(221, bench.path("p"), 0, 0) == negative(.noMemory))
    #expect(bench.finish() == nil)
  }

  @Test func `copies of a descriptor share its offset`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let fd = UInt64(bench.open("f"))
    bench.put(Array("abcdef".utf8), at: Bench.bufferPages)
    #expect(bench.call(Number.write, fd, Bench.bufferPages, 6) == 6)
    #expect(bench.call(FileNumber.dup3, fd, 9, 0) == 9)
    #expect(bench.call(FileNumber.lseek, 9, 2, 0) == 2)
    #expect(bench.call(Number.read, fd, Bench.bufferPages + 100, 2) == 2)
    #expect(bench.take(2, at: Bench.bufferPages + 100) == Array("cd".utf8))
    #expect(bench.call(FileNumber.lseek, fd, 0, 1) == 4)
    #expect(bench.call(FileNumber.dup3, fd, fd, 0) == negative(.invalid))
    #expect(bench.call(FileNumber.dup3, fd, 9, 1) == negative(.invalid))
    #expect(bench.call(FileNumber.dup3, 55, 9, 0) == negative(.badDescriptor))
    #expect(bench.call(FileNumber.dup3, fd, 5000, 0) == negative(.badDescriptor))
    #expect(bench.call(FileNumber.fcntl, fd, 0, 20) == 20)
    #expect(bench.call(FileNumber.fcntl, fd, 1030, 20) == 21)
    #expect(bench.call(FileNumber.fcntl, 21, 1) == 1)
    #expect(bench.call(FileNumber.fcntl, 20, 1) == 0)
    #expect(bench.call(FileNumber.fcntl, fd, 3) == 0x8002)
    #expect(bench.call(FileNumber.fcntl, fd, 4, appending) == 0)
    #expect(bench.call(FileNumber.lseek, fd, 0, 0) == 0)
    #expect(bench.call(Number.write, fd, Bench.bufferPages, 1) == 1)
    #expect(bench.call(FileNumber.lseek, 20, 0, 1) == 7)
    // A copy of the table, as fork makes it, shares the offsets too.
    let child = bench.process.files.copy()
    child.descriptors.closeForExec()
    #expect(child.descriptors.count == bench.process.files.descriptors.count - 1)
    try #expect(child.descriptors.file(fd).position == 7)
    child.release()
    #expect(bench.finish() == nil)
  }

  @Test func `positions are checked and may lie behind the end`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    let fd = UInt64(bench.makeFile("f", pages: 1))
    let minus = UInt64(bitPattern: -1)
    #expect(bench.call(FileNumber.lseek, fd, minus, 0) == negative(.invalid))
    #expect(bench.call(FileNumber.lseek, fd, minus, 2) == 4095)
    #expect(bench.call(FileNumber.lseek, fd, 0, 9) == negative(.invalid))
    #expect(bench.call(FileNumber.lseek, fd, 5000, 3) == negative(.noDeviceOrAddress))
    #expect(bench.call(FileNumber.lseek, fd, 10, 4) == 4096)
    #expect(bench.call(FileNumber.pread64, fd, Bench.bufferPages, 9, minus) == negative(.invalid))
    #expect(bench.call(FileNumber.pread64, 0, Bench.bufferPages, 9, 0) == negative(.illegalSeek))
    #expect(bench.call(FileNumber.lseek, 1, 0, 0) == negative(.illegalSeek))
    #expect(bench.pwrite(Int64(fd), [7], at: 3 * 4096 + 5) == 1)
    #expect(bench.call(FileNumber.lseek, fd, 0, 2) == 3 * 4096 + 6)
    #expect(bench.pread(Int64(fd), 4, at: 3 * 4096 + 3) == [0, 0, 7])
    #expect(bench.pread(Int64(fd), 2, at: 4095) == [1, 0])
    for advice in 0...5 as ClosedRange<UInt64> {
      #expect(bench.call(FileNumber.fadvise64, fd, UInt64(Int64.max), 0, advice) == 0)
      #expect(bench.call(FileNumber.fadvise64, fd, 5, UInt64(Int64.max), advice) == 0)
    }
    #expect(bench.call(FileNumber.fadvise64, fd, 0, 0, 6) == negative(.invalid))
    #expect(bench.call(FileNumber.fadvise64, fd, minus, 0, 0) == negative(.invalid))
    #expect(bench.call(FileNumber.ftruncate, fd, minus) == negative(.invalid))
    #expect(bench.call(FileNumber.ftruncate, fd, 1 << 60) == negative(.fileTooLarge))
    #expect(bench.call(FileNumber.truncate, bench.path("f"), 10) == 0)
    #expect(bench.call(FileNumber.lseek, fd, 0, 2) == 10)
    #expect(bench.call(FileNumber.truncate, bench.path("/tmp"), 10) == negative(.isDirectory))
    #expect(bench.finish() == nil)
  }

  @Test func `directories are made, listed, renamed and removed`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    func mkdir(_ name: String) -> Int64 {
      bench.call(FileNumber.mkdirat, here, bench.path(name), 0o777)
    }
    func rmdir(_ name: String) -> Int64 {
      bench.call(FileNumber.unlinkat, here, bench.path(name), 0x200)
    }
    func rename(_ old: String, _ new: String, _ flags: UInt64 = 0) -> Int64 {
      bench.call(
        FileNumber.renameat2, here, bench.path(old), here, bench.path(new, second: true), flags)
    }
    #expect(mkdir("d") == 0 && mkdir("d/e") == 0 && mkdir("d") == negative(.exists))
    #expect(mkdir("no/e") == negative(.noEntry) && mkdir(".") == negative(.exists))
    #expect(bench.call(FileNumber.chdir, bench.path("d/e")) == 0)
    #expect(bench.call(FileNumber.getcwd, Bench.bufferPages, 100) == 5)
    #expect(bench.loadString(Bench.bufferPages) == "/d/e")
    #expect(bench.call(FileNumber.getcwd, Bench.bufferPages, 4) == negative(.outOfRange))
    #expect(bench.open("../f") == 3 && bench.open("../g") == 4)
    #expect(rmdir("..") == negative(.notEmpty) && rmdir(".") == negative(.invalid))
    #expect(rmdir("/") == negative(.busy) && rmdir("/dev/shm") == negative(.busy))
    #expect(rmdir("/d") == negative(.notEmpty) && rmdir("../f") == negative(.notDirectory))
    #expect(bench.call(FileNumber.unlinkat, here, bench.path("/d"), 0) == negative(.isDirectory))
    #expect(rename("/d", "/d/e/x") == negative(.invalid))
    #expect(rename("../f", "/tmp/f") == negative(.crossDevice))
    #expect(rename("../f", "../g", 1) == negative(.exists))
    #expect(rename("../f", "../g") == 0)
    #expect(rename("/d/e", "/moved") == 0)
    #expect(bench.call(FileNumber.getcwd, Bench.bufferPages, 100) == 7)
    #expect(bench.open("../d/f", readOnly) == negative(.noEntry))
    // One record each for ".", ".." and g.
    let d = UInt64(bench.open("/d", readOnly))
    #expect(bench.call(FileNumber.getdents64, d, Bench.bufferPages, 20) == negative(.invalid))
    #expect(bench.call(FileNumber.getdents64, d, Bench.bufferPages, 4096) == 72)
    #expect(bench.loadString(Bench.bufferPages + 19) == ".")
    #expect(bench.loadString(Bench.bufferPages + 24 + 19) == "..")
    #expect(bench.loadString(Bench.bufferPages + 48 + 19) == "g")
    #expect(bench.load(Bench.bufferPages + 48 + 18) == 8)
    #expect(bench.call(FileNumber.getdents64, d, Bench.bufferPages, 4096) == 0)
    #expect(rmdir("/moved") == 0)
    #expect(bench.call(FileNumber.getcwd, Bench.bufferPages, 100) == negative(.noEntry))
    #expect(bench.open("x") == negative(.noEntry))
    #expect(bench.finish() == nil)
  }

  @Test func `links lead where they should and loops end`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    func link(_ target: String, _ name: String) -> Int64 {
      bench.call(FileNumber.symlinkat, bench.path(target), here, bench.path(name, second: true))
    }
    let fd = bench.makeFile("f", pages: 1, first: 42)
    #expect(link("f", "s") == 0 && link("s", "t") == 0 && link("loop", "loop") == 0)
    #expect(link("/tmp/../s", "/dev/shm/u") == 0 && link("x", "s") == negative(.exists))
    #expect(bench.pread(bench.open("/dev/shm/u", readOnly), 1, at: 0) == [42])
    #expect(bench.open("loop", readOnly) == negative(.tooManyLinks))
    #expect(bench.open("t", 0x2_0000) == negative(.tooManyLinks))
    #expect(
      bench.call(FileNumber.readlinkat, here, bench.path("t"), Bench.bufferPages, 99) == 1)
    #expect(bench.load(Bench.bufferPages) == UInt8(ascii: "s"))
    #expect(
      bench.call(FileNumber.readlinkat, here, bench.path("f"), Bench.bufferPages, 99)
        == negative(.invalid))
    func hardLink(_ old: String, _ new: String) -> Int64 {
      bench.call(
        FileNumber.linkat, here, bench.path(old), here, bench.path(new, second: true), 0)
    }
    #expect(hardLink("f", "h") == 0 && hardLink("/tmp", "h2") == negative(.crossDevice))
    #expect(hardLink("f", "/tmp/h") == negative(.crossDevice))
    #expect(bench.call(FileNumber.fstat, UInt64(fd), Bench.bufferPages) == 0)
    let words = (0..<16).map { bench.loadWord(Bench.bufferPages + 8 * UInt64($0)) ?? 0 }
    #expect(words[2] == 0o100644 | 2 << 32 && words[6] == 4096 && words[8] == 8)
    bench.call(FileNumber.unlinkat, here, bench.path("f"), 0)
    #expect(bench.open("s", readOnly) == negative(.noEntry))
    #expect(bench.pread(bench.open("h", readOnly), 1, at: 0) == [42])
    #expect(
      bench.call(FileNumber.newfstatat, here, bench.path("s"), Bench.bufferPages, 0)
        == negative(.noEntry))
    #expect(
      bench.call(FileNumber.newfstatat, here, bench.path("s"), Bench.bufferPages, 0x100) == 0)
    #expect(bench.call(FileNumber.faccessat, here, bench.path("h"), 1) == negative(.accessDenied))
    #expect(bench.call(FileNumber.faccessat, here, bench.path("h"), 6) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `devices behave, and descriptors have a limit`() throws {
    let bench = try Bench()
    bench.prepareFiles()
    bench.put([1, 2, 3], at: Bench.bufferPages)
    let null = UInt64(bench.open("/dev/null", readWrite))
    #expect(bench.call(Number.read, null, Bench.bufferPages, 3) == 0)
    #expect(bench.call(Number.write, null, 0x10, 3) == 3)
    let zero = bench.open("/dev/zero", readWrite)
    #expect(bench.call(Number.read, UInt64(zero), Bench.bufferPages, 5000) == 5000)
    #expect(bench.take(3, at: Bench.bufferPages) == [0, 0, 0])
    let mapped = bench.mapFile(zero, pages: 2, shared: false)
    bench.store(5, at: mapped)
    #expect(bench.load(mapped) == 5 && bench.load(mapped + 4096) == 0)
    let random = UInt64(bench.open("/dev/urandom", readOnly))
    #expect(bench.call(Number.read, random, Bench.bufferPages, 16) == 16)
    #expect(bench.take(16, at: Bench.bufferPages) != [UInt8](repeating: 0, count: 16))
    var last: Int64 = 0
    for _ in 0..<1100 where last >= 0 { last = bench.call(FileNumber.dup, null) }
    #expect(last == negative(.tooManyFiles))
    #expect(bench.process.files.descriptors.count == 1024)
    #expect(bench.open("more") == negative(.tooManyFiles))
    // Linux takes the descriptor before it looks for the file.
    #expect(bench.open("none", readOnly) == negative(.tooManyFiles))
    #expect(bench.open("", readOnly) == negative(.noEntry))
    #expect(bench.finish() == nil)
  }

  @Test func `a full disk is ENOSPC for write and SIGBUS for a mapping`() throws {
    let bench = try Bench { $0.diskBytes = 3 * 4096 }
    bench.prepareFiles()
    let fd = bench.makeFile("f", pages: 2)
    #expect(
      bench.pwrite(fd, [UInt8](repeating: 9, count: 3 * 4096), at: 2 * 4096) == 4096)
    #expect(bench.pwrite(fd, [9], at: 5 * 4096) == negative(.noSpace))
    #expect(bench.call(FileNumber.lseek, UInt64(fd), 0, 2) == 3 * 4096)
    bench.call(FileNumber.ftruncate, UInt64(fd), 4 * 4096)
    let p = bench.mapFile(fd, pages: 4, shared: true)
    #expect(bench.load(p + 3 * 4096) == 0)
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(!bench.touch(p + 3 * 4096, .write))
    #expect(bench.kernel.exitStatus == .killed(.busError))
    #expect(bench.finish() == nil)
  }
}
