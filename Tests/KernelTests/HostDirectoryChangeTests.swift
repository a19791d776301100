import Foundation
@testable import MMUKernel
import MMUMemory
import MMUPaging
import Synchronization
import Testing

// What happens when the host changes a directory, runs out of something or refuses, and how a run ends.

@Suite struct HostDirectoryChangeTests {
  @Test
  func `two openings of one file share its pages; the host is asked again after the last close`()
    throws
  {
    let folder = try HostFolder()
    folder["f"] = Array("old".utf8)
    Foundation.link(folder.path + "/f", folder.path + "/g")
    let bench = try folder.bench()
    let a = bench.open("/h/f")
    let b = bench.open("/h/g", readOnly)
    #expect(bench.pwrite(a, Array("new".utf8), at: 0) == 3)
    #expect(bench.pread(b, 9, at: 0) == Array("new".utf8))
    bench.call(FileNumber.close, UInt64(a))
    #expect(folder.text("f") == "old")
    bench.call(FileNumber.close, UInt64(b))
    #expect(folder.text("f") == "new")
    // Warm as long as the host leaves it alone.
    let cached = bench.kernel.system.cachedFrames
    #expect(bench.content("/h/f") == "new" && bench.kernel.system.cachedFrames == cached)
    folder["f"] = Array("changed".utf8)
    #expect(bench.content("/h/f") == "changed" && bench.status("/h/g")?[6] == 7)
    // Also if it is changed while open, by both sides even.
    let c = bench.open("/h/f")
    #expect(bench.pread(c, 9, at: 0) == Array("changed".utf8))
    folder["f"] = Array("CHANGED".utf8)
    #expect(bench.pwrite(c, [0x21], at: 7) == 1)
    bench.call(FileNumber.close, UInt64(c))
    #expect(bench.content("/h/f") == folder.text("f"))
    // Other names given by the guest are no change.
    let kept = bench.kernel.system.cachedFrames
    #expect(bench.rename("/h/f", "/h/x") == 0 && bench.link("/h/x", "/h/y") == 0)
    #expect(bench.at(FileNumber.unlinkat, "/h/g", 0) == 0)
    #expect(bench.faults { _ = bench.content("/h/x") } == [0, 0])
    #expect(bench.kernel.system.cachedFrames == kept)
    #expect(bench.finish() == nil)
  }

  @Test func `a file removed or replaced by the host stays what it was for those who have it open`()
    throws
  {
    let folder = try HostFolder()
    folder["f"] = [UInt8](repeating: 5, count: 9000)
    let bench = try folder.bench()
    let fd = bench.open("/h/f")
    let p = bench.mapFile(fd, pages: 3, shared: true)
    folder["f"] = nil
    #expect(bench.load(p + 8192) == 5)
    bench.store(6, at: p)
    #expect(bench.call(FileNumber.fsync, UInt64(fd)) == 0)
    #expect(bench.open("/h/f", readOnly) == negative(.noEntry))
    folder["f"] = [1]
    #expect(bench.content("/h/f") == "\u{1}")
    #expect(bench.pread(fd, 1, at: 8999) == [5])
    #expect(bench.finish() == nil)
    #expect(folder["f"] == [1])
  }

  @Test func `a file that the host cuts reads as zeros where it is mapped`() throws {
    let folder = try HostFolder()
    folder["f"] = [UInt8](repeating: 5, count: 5 * 4096)
    let bench = try folder.bench()
    let fd = bench.open("/h/f")
    let p = bench.mapFile(fd, pages: 5, shared: true)
    bench.call(Number.madvise, p, 5 * 4096, 1)
    #expect(bench.load(p) == 5)
    truncate(folder.path + "/f", 100)
    #expect(bench.load(p + 4 * 4096) == 0 && bench.pread(fd, 1, at: 2 * 4096) == [0])
    bench.store(7, at: p + 4 * 4096 + 4095)
    #expect(bench.call(FileNumber.msync, p, 5 * 4096, 4) == 0)
    #expect(folder["f"]?.count == 5 * 4096 && folder["f"]?.last == 7)
    #expect(bench.finish() == nil)
  }

  @Test func `a link swapped in between finding and opening is found again, by the guest`() throws {
    let outside = try HostFolder()
    outside["secret"] = Array("host".utf8)
    let folder = try HostFolder()
    folder["f"] = Array("in".utf8)
    folder["other"] = Array("other".utf8)
    folder.makeDirectory("d")
    folder["d/secret"] = Array("inside".utf8)
    let watch = Watch()
    let bench = try folder.bench(through: watch)
    // A file becomes a link to one outside, a link to one inside, another file.
    func swap(_ change: @escaping () -> Void) {
      watch.beforeOpen = { _ in
        watch.beforeOpen = { _ in }
        change()
      }
    }
    swap {
      folder["f"] = nil
      folder.makeLink("f", to: outside.path + "/secret")
    }
    #expect(bench.open("/h/f", readWrite) == negative(.noEntry))
    folder["f"] = nil
    folder["f"] = Array("in".utf8)
    swap {
      folder["f"] = nil
      folder.makeLink("f", to: "other")
    }
    #expect(bench.content("/h/f") == "other")
    folder["f"] = nil
    folder["f"] = Array("in".utf8)
    swap { Foundation.rename(folder.path + "/other", folder.path + "/f") }
    #expect(bench.content("/h/f") == "other")
    // A directory becomes a link to one outside: on the way, and under a program that is in it.
    swap {
      Foundation.rename(folder.path + "/d", folder.path + "/moved")
      folder.makeLink("d", to: outside.path)
    }
    #expect(bench.content("/h/d/secret") == nil)
    folder["d"] = nil
    Foundation.rename(folder.path + "/moved", folder.path + "/d")
    #expect(bench.content("/h/d/secret") == "inside")
    #expect(bench.call(FileNumber.chdir, bench.path("/h/d")) == 0)
    Foundation.rename(folder.path + "/d", folder.path + "/moved")
    folder.makeLink("d", to: outside.path)
    #expect(bench.content("secret") == nil)
    #expect(bench.write("x", to: "new") == negative(.stale))
    #expect(bench.list(".").isEmpty)
    #expect(bench.finish() == nil)
    #expect(outside.text("secret") == "host")
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == ["secret"])
  }

  @Test func `somebody who swaps names all the while lets nothing through`() throws {
    let outside = try HostFolder()
    outside["f"] = Array("host".utf8)
    let folder = try HostFolder()
    folder.makeDirectory("d")
    folder["d/f"] = Array("in".utf8)
    folder["f"] = Array("in".utf8)
    folder.makeLink("e", to: outside.path)
    folder.makeLink("g", to: outside.path + "/f")
    let bench = try folder.bench()
    let path = folder.path
    let isOver = Mutex(false)
    let swapper = Thread {
      func exchange(_ a: String, _ b: String) {
        Foundation.rename(path + "/" + a, path + "/swap")
        Foundation.rename(path + "/" + b, path + "/" + a)
        Foundation.rename(path + "/swap", path + "/" + b)
      }
      while !isOver.withLock({ $0 }) {
        exchange("d", "e")
        exchange("f", "g")
      }
      isOver.withLock { $0 = false }
    }
    swapper.start()
    var seen: [String: Int] = [:]
    for i in 0..<1500 {
      for name in ["/h/d/f", "/h/f", "/h/e/f"] {
        seen[bench.content(name) ?? "none", default: 0] += 1
        if i % 5 == 0 { _ = bench.write("in", to: name) }
      }
    }
    isOver.withLock { $0 = true }
    while isOver.withLock({ $0 }) {}
    #expect(seen.keys.allSatisfy { ["in", "none", ""].contains($0) }, "\(seen)")
    #expect(seen["in", default: 0] > 0)
    #expect(bench.finish() == nil)
    #expect(outside.text("f") == "host" && outside.names == ["f"])
  }

  @Test func `what the host moves out of the directory is out of reach, open or not`() throws {
    let outside = try HostFolder()
    let folder = try HostFolder()
    folder.makeDirectory("d")
    folder.makeDirectory("d/e")
    folder["d/e/f"] = [1]
    let bench = try folder.bench()
    let fd = UInt64(bench.open("/h/d/e", readOnly))
    #expect(bench.call(FileNumber.chdir, bench.path("/h/d/e")) == 0)
    Foundation.rename(folder.path + "/d", outside.path + "/d")
    outside["d/e/later"] = [2]
    #expect(bench.open("later", readOnly) == negative(.noEntry))
    #expect(bench.call(FileNumber.openat, fd, bench.path("later"), 0) == negative(.noEntry))
    #expect(bench.call(FileNumber.getdents64, fd, Bench.bufferPages, 4096) == negative(.noEntry))
    #expect(bench.call(FileNumber.getcwd, Bench.bufferPages, 100) == negative(.noEntry))
    #expect(bench.open("../../../" + outside.path + "/d/e/later", readOnly) == negative(.noEntry))
    // Directories exchanged so that one is found below itself make no ring of the guest's tree.
    folder.makeDirectory("a")
    folder.makeDirectory("a/b")
    #expect(bench.call(FileNumber.chdir, bench.path("/h/a/b")) == 0)
    let a = UInt64(bench.open("/h/a", readOnly))
    Foundation.rename(folder.path + "/a/b", folder.path + "/b")
    Foundation.rename(folder.path + "/a", folder.path + "/b/a")
    _ = bench.at(FileNumber.faccessat, "/h/b/a", 0)
    #expect(bench.content("a/b/a/b/a/b/none") == nil)
    _ = bench.call(FileNumber.openat, a, bench.path("b"), 0)
    #expect(bench.call(FileNumber.getcwd, Bench.bufferPages, 100) == 5)
    #expect(bench.finish() == nil)
  }

  @Test func `errors of the host are the guest's, and descriptors are given back`() throws {
    let folder = try HostFolder()
    folder["f"] = [UInt8](repeating: 1, count: 5 * 4096)
    var deep = "d"
    for _ in 0..<20 {
      folder.makeDirectory(deep)
      deep += "/d"
    }
    let watch = Watch()
    try useDescriptors(folder, deep, watch)
    #expect(watch.openNow == 0)
  }

  private func useDescriptors(_ folder: HostFolder, _ deep: String, _ watch: Watch) throws {
    let bench = try folder.bench(through: watch)
    watch.openError = .fileTableFull
    #expect(bench.open("/h/f", readOnly) == negative(.fileTableFull))
    #expect(bench.open("/h/new") == negative(.fileTableFull))
    #expect(bench.open("/h/d/d", readOnly) == negative(.fileTableFull))
    watch.openError = .accessDenied
    #expect(bench.open("/h/f", readOnly) == negative(.accessDenied))
    watch.openError = nil
    watch.most = 0
    #expect(bench.open("/h/" + deep.dropLast(2), readOnly) == 3)
    #expect(watch.most <= 4)
    #expect(bench.call(FileNumber.getcwd, Bench.bufferPages, 100) == 2)
    #expect(watch.openNow <= 2)
    // A page that cannot be read is EIO, and SIGBUS where it is mapped.
    watch.readError = .inputOutput
    let fd = bench.open("/h/f")
    #expect(bench.call(FileNumber.pread64, UInt64(fd), Bench.bufferPages, 9, 0) == -5)
    #expect(bench.pwrite(fd, [1], at: 5) == -5)
    watch.readError = nil
    #expect(bench.pread(fd, 1, at: 4096) == [1])
    #expect(bench.call(FileNumber.fadvise64, UInt64(fd), 0, 0, 4) == 0)
    let p = bench.mapFile(fd, pages: 5, shared: false)
    watch.readError = .inputOutput
    #expect(bench.load(p) == nil)
    #expect(bench.process.exitStatus == .killed(.busError))
    #expect(bench.finish() == nil)
    // The directory itself, and the one walked to last.
    #expect(watch.openNow <= 2)
  }

  @Test func `pages the host refuses stay dirty, and are named if it never takes them`() throws {
    let folder = try HostFolder()
    let watch = Watch()
    let bench = try folder.bench(through: watch)
    let fd = bench.open("/h/f")
    #expect(bench.pwrite(fd, [UInt8](repeating: 1, count: 9000), at: 0) == 9000)
    watch.writeError = .noSpace
    #expect(bench.call(FileNumber.fsync, UInt64(fd)) == negative(.noSpace))
    let p = bench.mapFile(fd, pages: 3, shared: true)
    #expect(bench.call(FileNumber.msync, p, 3 * 4096, 4) == negative(.noSpace))
    #expect(bench.call(FileNumber.ftruncate, UInt64(fd), 5) == negative(.noSpace))
    bench.call(Number.munmap, p, 3 * 4096)
    bench.call(FileNumber.close, UInt64(fd))
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(folder["f"] == [] && bench.content("/h/f")?.utf8.count == 9000)
    watch.writeError = nil
    bench.call(81)
    #expect(folder["f"]?.count == 9000)
    #expect(bench.write("lost", to: "/h/g") == 4)
    watch.writeError = .noSpace
    #expect(bench.write("lost", to: "/h/k") == 4)
    #expect(bench.finish() == nil)
    #expect(folder.text("g") == "lost" && folder["k"] == [])
    let message = bench.messages.last?.text
    #expect(message == "/h/k: the host refused 1 page the guest wrote (ENOSPC); it is lost")
  }

  @Test func `what the host refused at the last close the flusher writes, and closes`() throws {
    let folder = try HostFolder()
    let watch = Watch()
    let bench = try folder.bench(through: watch)
    watch.writeError = .noSpace
    #expect(bench.write("late", to: "/h/f") == 4)
    #expect(folder["f"] == [] && bench.kernel.system.writeback.dirtyPages == 1)
    watch.writeError = nil
    bench.clock += 200_000_000_000
    bench.trap(.timer)
    #expect(folder.text("f") == "late")
    #expect(bench.kernel.system.checkInvariants() == nil)
    #expect(bench.finish() == nil)
  }

  @Test func `files without a name give their pages back, and nothing is written to them`() throws {
    let folder = try HostFolder()
    let bench = try folder.bench()
    let before = bench.kernel.system.cachedFrames
    for name in ["/h/a", "/h/b"] {
      let fd = bench.open(name)
      #expect(bench.pwrite(fd, [UInt8](repeating: 1, count: 9000), at: 0) == 9000)
      #expect(bench.at(FileNumber.unlinkat, name, 0) == 0)
      #expect(bench.pread(fd, 1, at: 8000) == [1])
      bench.call(FileNumber.close, UInt64(fd))
      // A number is free for the next file only when nobody can know it any more.
      #expect(bench.status(name) == nil)
    }
    #expect(bench.kernel.system.cachedFrames == before)
    // Unless the host has given them another name meanwhile.
    let fd = bench.open("/h/a")
    Foundation.link(folder.path + "/a", folder.path + "/other")
    #expect(bench.pwrite(fd, [7], at: 0) == 1)
    #expect(bench.at(FileNumber.unlinkat, "/h/a", 0) == 0)
    bench.call(FileNumber.close, UInt64(fd))
    #expect(folder["other"] == [7])
    #expect(bench.kernel.system.cachedFrames == before + 1)
    #expect(bench.at(FileNumber.unlinkat, "/h/other", 0) == 0)
    #expect(bench.write("a", to: "/h/c") == 1 && bench.write("b", to: "/h/d") == 1)
    #expect(bench.rename("/h/c", "/h/d") == 0)
    #expect(bench.kernel.system.cachedFrames == before + 1)
    #expect(folder.text("d") == "a" && !folder.exists("c"))
    #expect(bench.finish() == nil)
  }

  @Test func `what a program wrote is on the host however it ends`() throws {
    for way in 0..<3 {
      let folder = try HostFolder()
      folder["f"] = [UInt8](repeating: 0, count: 4096)
      let bench = try folder.bench()
      let fd = bench.open("/h/f")
      let p = bench.mapFile(fd, pages: 1, shared: true)
      bench.store(1, at: p + 10)
      #expect(bench.pwrite(fd, [2], at: 5000) == 1)
      switch way {
      case 0: bench.touch(8, .write)  // SIGSEGV
      case 1: bench.call(94, 3)  // exit_group
      default: break  // a limit: the run is cut off
      }
      bench.kernel.shutDown()
      #expect(bench.kernel.system.checkInvariants() == nil)
      #expect(bench.kernel.system.openFiles == 0 && bench.kernel.system.leakedFrames == 0)
      #expect(folder["f"]?[10] == 1 && folder["f"]?[5000] == 2, "way \(way)")
    }
  }

  @Test func `frames taken back from files of the host are read again`() throws {
    let folder = try HostFolder()
    let bench = try folder.bench()
    let pages = 5000  // more than RAM
    let fd = bench.open("/h/f")
    for i in 0..<pages {
      let byte = UInt8(truncatingIfNeeded: i)
      guard bench.pwrite(fd, [byte, 1], at: UInt64(i) * 4096) == 2 else {
        Issue.record("page \(i)")
        break
      }
    }
    for i in stride(from: 0, to: pages, by: 7) {
      #expect(bench.pread(fd, 2, at: UInt64(i) * 4096) == [UInt8(truncatingIfNeeded: i), 1])
    }
    #expect(bench.finish() == nil)
    #expect(folder["f"]?.count == (pages - 1) * 4096 + 2)
  }

  @Test func `places for directories`() {
    #expect(
      HostMount.names(of: "/a//b/./c/")?.map { String(decoding: $0, as: UTF8.self) } == [
        "a", "b", "c",
      ])
    for path in ["", "/", "//", "/.", "a", "/dev", "/dev/x", "/proc/", "/a/../b", "/a\0b"] {
      #expect(HostMount.names(of: path) == nil, "\(path)")
    }
  }
}
