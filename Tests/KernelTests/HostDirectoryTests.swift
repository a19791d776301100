import Foundation
@testable import MMUKernel
import MMUMemory
import MMUPaging
import MMUTiming
import Testing

// Directories of the host in the guest's tree: what a program reads and writes there, and that
// nothing else of the host can be reached. HostDirectoryChangeTests has what the host does meanwhile.

extension Bench {
  /// All of a file, by its path.
  func content(_ path: String) -> String? {
    let fd = open(path, readOnly)
    if fd < 0 { return nil }
    defer { call(FileNumber.close, UInt64(fd)) }
    return String(decoding: pread(fd, 60000, at: 0), as: UTF8.self)
  }

  /// Makes a file of a text.
  func write(_ text: String, to path: String) -> Int64 {
    let fd = open(path, writeOnly | create | truncating)
    if fd < 0 { return fd }
    defer { call(FileNumber.close, UInt64(fd)) }
    return pwrite(fd, Array(text.utf8), at: 0)
  }

  /// A call with one path in the current directory.
  func at(_ number: UInt64, _ path: String, _ a: UInt64 = 0, _ b: UInt64 = 0) -> Int64 {
    call(number, here, self.path(path), a, b)
  }

  /// renameat2 and linkat.
  func rename(_ old: String, _ new: String) -> Int64 {
    call(FileNumber.renameat2, here, path(old), here, path(new, second: true), 0)
  }

  func link(_ old: String, _ new: String) -> Int64 {
    call(FileNumber.linkat, here, path(old), here, path(new, second: true), 0)
  }

  func symlink(_ target: String, _ path: String) -> Int64 {
    call(FileNumber.symlinkat, self.path(target, second: true), here, self.path(path))
  }

  /// The words of newfstatat, the link itself if it is one.
  func status(_ path: String) -> [UInt64]? {
    let at = Self.bufferPages + 0x8000
    if call(FileNumber.newfstatat, here, self.path(path), at, 0x100) < 0 { return nil }
    return (0..<16).map { loadWord(at + $0 * 8)! }
  }

  /// Names and types of getdents64, in order.
  func list(_ path: String, room: UInt64 = 60000) -> [(name: [UInt8], type: UInt8)] {
    var entries: [(name: [UInt8], type: UInt8)] = []
    let fd = open(path, readOnly)
    if fd < 0 { return [] }
    while case let count = call(FileNumber.getdents64, UInt64(fd), Self.bufferPages, room),
      count > 0
    {
      let bytes = take(Int(count), at: Self.bufferPages)
      var at = 0
      while at < bytes.count {
        let length = Int(bytes[at + 16]) + Int(bytes[at + 17]) << 8
        entries.append((Array(bytes[(at + 19)...].prefix { $0 != 0 }), bytes[at + 18]))
        at += length
      }
    }
    call(FileNumber.close, UInt64(fd))
    return entries
  }

  func names(_ path: String) -> [String] {
    list(path).map { String(decoding: $0.name, as: UTF8.self) }
  }
}

@Suite struct HostDirectoryTests {
  @Test func `a file of the host is read and mapped, cold the first time`() throws {
    let folder = try HostFolder()
    folder["f"] = (0..<20 * 4096 + 100).map { UInt8(truncatingIfNeeded: $0 / 4096 + 1) }
    let bench = try folder.bench(writable: false)
    let fd = bench.open("/h/f", readOnly)
    #expect(fd == 3)
    #expect(bench.call(FileNumber.lseek, 3, 0, 2) == 20 * 4096 + 100)
    let p = bench.mapFile(fd, pages: 21, shared: false)
    let q = bench.mapFile(fd, pages: 21, shared: true, protection: 1)
    let before = bench.clock
    #expect(bench.faults { bench.touch(p + 4096, .read) } == [0, 1])
    #expect(bench.clock - before > bench.kernel.system.costs.diskRequest)
    // The same frames serve read(), private and shared mappings.
    #expect(bench.faults { bench.touch(q + 4096, .read) } == [1, 0])
    #expect(bench.load(q + 3 * 4096) == 4)
    bench.store(99, at: p + 4096)
    #expect(bench.load(p + 4096) == 99 && bench.load(q + 4096) == 2)
    #expect(bench.pread(fd, 200, at: 20 * 4096) == [UInt8](repeating: 21, count: 100))
    #expect(bench.load(p + 20 * 4096 + 99) == 21 && bench.load(p + 20 * 4096 + 100) == 0)
    bench.call(FileNumber.close, 3)
    #expect(bench.finish() == nil)
    #expect(folder["f"]?[4096] == 2)
  }

  @Test func `status tells size, type, permissions and links, but neither owner nor times`() throws
  {
    let folder = try HostFolder()
    folder["f"] = [1, 2, 3]
    chmod(folder.path + "/f", 0o750)
    link(folder.path + "/f", folder.path + "/g")
    folder.makeDirectory("d")
    folder.makeLink("l", to: "f")
    let bench = try folder.bench(writable: false)
    let f = try #require(bench.status("/h/f"))
    #expect(f[0] == 0x30 && f[2] == 0o100750 | 2 << 32 && f[3] == 0 && f[6] == 3 && f[8] == 8)
    let epoch: UInt64 = 1_735_689_600
    #expect(f[9...14] == [epoch, 0, epoch, 0, epoch, 0])
    #expect(bench.status("/h/g")?[1] == f[1])
    #expect(bench.status("/h/d")?[2] == 0o040755 | 1 << 32)
    #expect(bench.status("/h/l")?[2] == 0o120777 | 1 << 32)
    // Numbers are given in the order in which files are met, and stay.
    #expect(bench.status("/h")?[1] == 2 && f[1] == 3 && bench.status("/h/d")?[1] == 4)
    #expect(bench.finish() == nil)
  }

  @Test func `what is written reaches the host on fsync, msync and the last close`() throws {
    let folder = try HostFolder()
    folder["f"] = [UInt8](repeating: 7, count: 10000)
    let bench = try folder.bench()
    let fd = bench.open("/h/f")
    #expect(bench.pwrite(fd, [1, 2, 3], at: 5000) == 3)
    #expect(folder["f"]?[5000] == 7)
    #expect(bench.call(FileNumber.fsync, UInt64(fd)) == 0)
    #expect(folder["f"]?[4999..<5004] == [7, 1, 2, 3, 7])
    let p = bench.mapFile(fd, pages: 3, shared: true)
    bench.store(42, at: p + 9000)
    #expect(bench.call(FileNumber.msync, p, 3 * 4096, 4) == 0)
    #expect(folder["f"]?[9000] == 42 && folder["f"]?.count == 10000)
    // Behind the end there is nothing to write; a hole reads as zeros on both sides.
    bench.store(9, at: p + 10001)
    #expect(bench.pwrite(fd, [5], at: 50000) == 1)
    #expect(bench.pread(fd, 2, at: 10001) == [0, 0])
    bench.store(43, at: p)
    bench.call(FileNumber.close, UInt64(fd))
    #expect(folder["f"]?.count == 10000 && folder["f"]?[0] == 7)
    // The mapping was the last to hold the file.
    bench.call(Number.munmap, p, 3 * 4096)
    #expect(folder["f"]?.count == 50001 && folder["f"]?[0] == 43 && folder["f"]?[50000] == 5)
    #expect(folder["f"]?[10001] == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `files are made, extended, cut and read back`() throws {
    let folder = try HostFolder()
    let bench = try folder.bench()
    #expect(bench.write("first", to: "/h/new") == 5)
    #expect(folder.text("new") == "first")
    // The host's umask may have taken more.
    #expect(bench.status("/h/new").map { $0[2] & ~0o77 } == 0o100600 | 1 << 32)
    let fd = bench.open("/h/new", writeOnly | appending)
    #expect(bench.pwrite(fd, Array(" second".utf8), at: 0) == 7)
    #expect(bench.call(FileNumber.ftruncate, UInt64(fd), 8192) == 0)
    #expect(folder["new"]?.count == 8192)
    #expect(bench.call(FileNumber.truncate, bench.path("/h/new"), 8) == 0)
    bench.call(FileNumber.close, UInt64(fd))
    #expect(folder.text("new") == "first se" && bench.content("/h/new") == "first se")
    #expect(bench.write("x", to: "/h/new") == 1 && folder.text("new") == "x")
    #expect(bench.at(53, "/h/new", 0o4711) == 0)
    #expect(bench.status("/h/new")?[2] == 0o100711 | 1 << 32)
    #expect(bench.open("/h/new", readWrite | create | exclusive) == negative(.exists))
    // Cut on the host at once, and what is added later is zeros.
    let again = bench.open("/h/new")
    #expect(bench.pwrite(again, [UInt8](repeating: 1, count: 9000), at: 0) == 9000)
    bench.dropCache(again)
    #expect(bench.call(FileNumber.ftruncate, UInt64(again), 100) == 0)
    #expect(bench.call(FileNumber.ftruncate, UInt64(again), 9000) == 0)
    #expect(bench.pread(again, 3, at: 99) == [1, 0, 0] && bench.pread(again, 1, at: 8000) == [0])
    #expect(bench.finish() == nil)
    #expect(folder["new"]?.count == 9000 && folder["new"]?[5000] == 0)
  }

  @Test func `directories, links and names change on the host`() throws {
    let folder = try HostFolder()
    folder["f"] = [1]
    let bench = try folder.bench()
    #expect(bench.at(FileNumber.mkdirat, "/h/d", 0o700) == 0)
    #expect(bench.at(FileNumber.mkdirat, "/h/d", 0o700) == negative(.exists))
    #expect(bench.rename("/h/f", "/h/d/g") == 0 && folder["d/g"] == [1] && folder["f"] == nil)
    #expect(bench.link("/h/d/g", "/h/k") == 0 && folder["k"] == [1])
    #expect(bench.status("/h/k")?[1] == bench.status("/h/d/g")?[1])
    #expect(bench.symlink("d/g", "/h/s") == 0 && bench.content("/h/s") == "\u{1}")
    #expect(bench.call(FileNumber.chdir, bench.path("/h/d")) == 0)
    #expect(bench.rename("/h/d", "/h/e") == 0)
    #expect(bench.call(FileNumber.getcwd, Bench.bufferPages, 100) == 5)
    #expect(bench.loadString(Bench.bufferPages) == "/h/e")
    #expect(bench.content("g") == "\u{1}" && bench.content("../k") == "\u{1}")
    #expect(bench.at(FileNumber.unlinkat, "/h/e", 0x200) == negative(.notEmpty))
    #expect(bench.at(FileNumber.unlinkat, "/h/e", 0) == negative(.isDirectory))
    #expect(bench.at(FileNumber.unlinkat, "/h/k", 0) == 0 && !folder.exists("k"))
    #expect(bench.at(FileNumber.unlinkat, "g", 0) == 0)
    #expect(bench.at(FileNumber.unlinkat, "/h/e", 0x200) == 0 && !folder.exists("e"))
    #expect(bench.open("x") == negative(.noEntry))
    #expect(bench.call(FileNumber.getcwd, Bench.bufferPages, 100) == negative(.noEntry))
    #expect(bench.at(FileNumber.unlinkat, "/h/s", 0) == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    // The mount is a file system of its own.
    #expect(bench.call(FileNumber.chdir, bench.path("/")) == 0)
    #expect(bench.write("y", to: "/h/y") == 1 && bench.write("z", to: "/z") == 1)
    #expect(bench.rename("/h/y", "/y") == negative(.crossDevice))
    #expect(bench.rename("/z", "/h/z") == negative(.crossDevice))
    #expect(bench.link("/h/y", "/y") == negative(.crossDevice))
    #expect(bench.rename("/h", "/i") == negative(.busy))
    #expect(bench.at(FileNumber.unlinkat, "/h", 0x200) == negative(.busy))
    #expect(bench.finish() == nil)
  }

  @Test func `nothing of a directory given to read can be changed`() throws {
    let folder = try HostFolder()
    folder["f"] = [1, 2]
    folder["g"] = [3]
    folder.makeDirectory("d")
    let bench = try folder.bench(writable: false)
    let eROFS = negative(.readOnlyFileSystem)
    #expect(bench.open("/h/f", writeOnly) == eROFS)
    #expect(bench.open("/h/f", readWrite) == eROFS)
    #expect(bench.open("/h/f", readOnly | truncating) == eROFS)
    #expect(bench.open("/h/new", readOnly | create) == eROFS)
    #expect(bench.open("/h/f", readOnly | create | exclusive) == negative(.exists))
    #expect(bench.at(FileNumber.mkdirat, "/h/n", 0o777) == eROFS)
    #expect(bench.at(FileNumber.mkdirat, "/h/d", 0o777) == negative(.exists))
    #expect(bench.at(FileNumber.unlinkat, "/h/f", 0) == eROFS)
    #expect(bench.at(FileNumber.unlinkat, "/h/none", 0) == eROFS)
    #expect(bench.at(FileNumber.unlinkat, "/h/d", 0x200) == eROFS)
    #expect(bench.symlink("f", "/h/s") == eROFS)
    #expect(bench.link("/h/f", "/h/k") == eROFS)
    #expect(bench.rename("/h/f", "/h/k") == eROFS)
    #expect(bench.rename("/h/f", "/k") == negative(.crossDevice))
    #expect(bench.call(FileNumber.truncate, bench.path("/h/f"), 0) == eROFS)
    #expect(bench.at(53, "/h/f", 0o777) == eROFS)
    #expect(bench.at(FileNumber.faccessat, "/h/f", 2) == eROFS)
    #expect(bench.at(FileNumber.faccessat, "/h/f", 4) == 0)
    // Opening to read what O_CREAT finds is no change.
    let fd = bench.open("/h/f", readOnly | create)
    #expect(fd == 3)
    #expect(bench.call(52, 3, 0o777) == eROFS)
    #expect(bench.call(FileNumber.ftruncate, 3, 0) == negative(.invalid))
    #expect(bench.pwrite(fd, [9], at: 0) == negative(.badDescriptor))
    let mapped = bench.call(Number.mmap, 0, 4096, 3, 1, 3, 0)
    #expect(mapped == negative(.accessDenied))
    let p = bench.mapFile(fd, pages: 1, shared: true, protection: 1)
    #expect(bench.call(Number.mprotect, p, 4096, 3) == negative(.accessDenied))
    #expect(bench.finish() == nil)
    #expect(folder["f"] == [1, 2] && folder["g"] == [3])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["d", "f", "g"])
  }

  @Test func `neither dots nor symbolic links lead out of the directory`() throws {
    let outside = try HostFolder()
    outside["secret"] = Array("host".utf8)
    let folder = try HostFolder()
    let back = String(repeating: "../", count: 40)
    folder.makeDirectory("d")
    folder.makeLink("absolute", to: outside.path + "/secret")
    folder.makeLink("relative", to: back + outside.path.dropFirst() + "/secret")
    folder.makeLink("directory", to: outside.path)
    folder.makeLink("d/up", to: back)
    folder.makeLink("self", to: "self")
    folder.makeLink("inside", to: "/h/d/../file")
    folder["file"] = Array("in".utf8)
    let bench = try folder.bench()
    for path in [
      "absolute", "relative", "directory/secret", "d/../../" + outside.path + "/secret",
      back + outside.path + "/secret", "d/up" + outside.path + "/secret",
    ] {
      #expect(bench.content("/h/" + path) == nil, "\(path)")
      // Nor by making something there.
      #expect(bench.open("/h/" + path, writeOnly | create) == negative(.noEntry), "\(path)")
    }
    #expect(bench.open("/h/self", readOnly) == negative(.tooManyLinks))
    #expect(bench.content("/h/inside") == "in")
    #expect(bench.content("/h/d/up/h/file") == "in")
    // What stands outside in the guest's own tree is what they lead to.
    var made = ""
    for name in outside.path.split(separator: "/") {
      made += "/" + name
      _ = bench.at(FileNumber.mkdirat, made, 0o755)
    }
    #expect(bench.write("guest", to: outside.path + "/secret") == 5)
    for path in ["absolute", "relative", "directory/secret", "d/up" + outside.path + "/secret"] {
      #expect(bench.content("/h/" + path) == "guest", "\(path)")
    }
    #expect(bench.call(FileNumber.chdir, bench.path("/h/d")) == 0)
    #expect(bench.content("../../" + outside.path + "/secret") == "guest")
    // A link that leads out is itself removed, renamed and given names, not what it names.
    #expect(bench.link("/h/absolute", "/h/link") == 0)
    #expect(bench.at(FileNumber.unlinkat, "/h/absolute", 0) == 0)
    #expect(bench.rename("/h/relative", "/h/renamed") == 0)
    #expect(bench.finish() == nil)
    #expect(outside.text("secret") == "host")
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == ["secret"])
  }

  @Test func `the door to the host takes single names and follows nothing`() throws {
    let folder = try HostFolder()
    folder.makeDirectory("d")
    folder["d/f"] = [1]
    folder.makeLink("l", to: "d/f")
    folder.makeLink("m", to: "d")
    let directory = try SystemHostDirectory(folder.path)
    for name in ["", ".", "..", "d/f", "/etc", "d/..", "a\0b"] {
      let name = Array(name.utf8)
      #expect(throws: Errno.invalid) { try directory.status(of: name) }
      #expect(throws: Errno.invalid) { try directory.file(name, writing: true) }
      #expect(throws: Errno.invalid) { try directory.directory(name) }
      #expect(throws: Errno.invalid) { try directory.makeFile(name, mode: 0o644) }
      #expect(throws: Errno.invalid) { try directory.makeDirectory(name, mode: 0o644) }
      #expect(throws: Errno.invalid) { try directory.remove(name, isDirectory: false) }
      #expect(throws: Errno.invalid) {
        try directory.rename(Array("d".utf8), to: directory, as: name)
      }
      #expect(throws: Errno.invalid) {
        try directory.makeLink(Array("l".utf8), in: directory, as: name)
      }
    }
    #expect(throws: Errno.stale) { try directory.file(Array("l".utf8), writing: false) }
    #expect(throws: Errno.self) { try directory.directory(Array("m".utf8)) }
    #expect(throws: Errno.exists) { try directory.makeFile(Array("l".utf8), mode: 0o644) }
    #expect(try directory.status(of: Array("l".utf8)).kind == .symbolicLink)
    #expect(throws: Errno.notDirectory) { try SystemHostDirectory(folder.path + "/d/f") }
    #expect(throws: Errno.noEntry) { try SystemHostDirectory(folder.path + "/none") }
    #expect(Errno(HostError(number: EMFILE)) == .fileTableFull)
  }

  @Test func `fifos, sockets and devices are seen and never opened`() throws {
    let folder = try HostFolder()
    mkfifo(folder.path + "/fifo", 0o644)
    let isRoot = mknod(folder.path + "/null", S_IFCHR | 0o666, 0x103) == 0
    let bench = try folder.bench()
    for name in isRoot ? ["fifo", "null"] : ["fifo"] {
      for flags in [readOnly, writeOnly, readWrite, readOnly | 0x800] {
        #expect(bench.open("/h/" + name, flags) == negative(.accessDenied))
      }
      #expect(bench.call(FileNumber.truncate, bench.path("/h/" + name), 0) == negative(.invalid))
    }
    #expect(bench.status("/h/fifo")?[2] == 0o010644 | 1 << 32)
    #expect(bench.list("/h").map(\.type) == (isRoot ? [4, 4, 1, 2] : [4, 4, 1]))
    #expect(bench.at(FileNumber.unlinkat, "/h/fifo", 0) == 0 && !folder.exists("fifo"))
    #expect(bench.finish() == nil)
  }

  @Test func `listings are sorted by bytes, however many and whatever the names`() throws {
    let folder = try HostFolder()
    var names: [[UInt8]] = (0..<2000).map { Array("file-\($0 &* 7919 % 2000)".utf8) }
    names += [[0xff, 0xfe], [0xc3, 0x28], Array("B".utf8), Array("a b\n".utf8), Array("ä".utf8)]
    for name in names {
      let path = Array(folder.path.utf8) + [0x2f] + name + [0]
      let fd = path.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer {
        Foundation.open($0.baseAddress!, O_WRONLY | O_CREAT, 0o644)
      }
      try #require(fd >= 0)
      close(fd)
    }
    let bench = try folder.bench()
    let expected =
      [Array(".".utf8), Array("..".utf8)] + names.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(bench.list("/h").map(\.name) == expected)
    #expect(bench.list("/h", room: 300).map(\.name) == expected)
    let numbers = names.map { name in
      let at = Bench.bufferPages + 0x8000
      bench.put(Array("/h/".utf8) + name + [0], at: Bench.pathPage)
      #expect(bench.call(FileNumber.newfstatat, here, Bench.pathPage, at, 0) == 0)
      return bench.loadWord(at + 8)!
    }
    #expect(Set(numbers).count == names.count)
    bench.put(Array("/h/".utf8) + [0xff, 0xfe, 0], at: Bench.pathPage)
    #expect(bench.call(FileNumber.unlinkat, here, Bench.pathPage, 0) == 0)
    #expect(bench.list("/h").count == expected.count - 1)
    #expect(bench.finish() == nil)
  }
}
