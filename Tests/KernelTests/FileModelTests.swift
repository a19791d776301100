@testable import MMUKernel
import MMUMemory
import Testing

// Random file operations and mapped accesses against byte arrays: whatever way a byte takes, through
// write() or a mapping, it must be there for every other way, and nothing else.

private struct ModelMapping {
  let address: UInt64
  let file: Int
  let first: Int
  let pages: Int
  let isShared: Bool
  /// Pages written privately.
  var copies: [Int: [UInt8]] = [:]
}

@Suite struct FileModelTests {
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `files are byte arrays, whether written, mapped, cut, synchronized or dropped`(
    seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed &* 7919)
    func below(_ n: Int) -> Int { Int(random.next() % UInt64(n)) }
    let folder = try HostFolder()
    let bench = try folder.bench()
    let names = ["a", "dir/../b", "/tmp/c", "/dev/shm/d", "h/e"]
    bench.call(FileNumber.mkdirat, here, bench.path("dir"), 0o755)
    let files = names.map { ModelFile(isOnDisk: !$0.hasPrefix("/")) }
    let descriptors = names.map { bench.open($0) }
    try #require(descriptors == [3, 4, 5, 6, 7])
    var mappings: [ModelMapping] = []
    let limit = 16
    var problem = ""
    for step in 0..<3000 {
      let f = below(files.count)
      let fd = descriptors[f]
      var what = ""
      switch below(14) {
      case 0, 1:
        let at = below(limit * 4096 - 9000)
        let count = below(3) == 0 ? 4096 : below(9000)
        let start = below(2) == 0 ? at & ~4095 : at
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ step) }
        what = "write \(count) at \(start)"
        if bench.pwrite(fd, bytes, at: UInt64(start)) != count { problem = "short" }
        files[f].write(bytes, at: start)
      case 2, 3:
        let at = below(limit * 4096)
        let count = below(12_000)
        what = "read \(count) at \(at)"
        let expected = at < files[f].size ? files[f].bytes[at..<min(files[f].size, at + count)] : []
        if bench.pread(fd, count, at: UInt64(at)) != Array(expected) { problem = "other bytes" }
      case 4:
        let size = below(limit * 4096)
        what = "truncate to \(size)"
        bench.call(FileNumber.ftruncate, UInt64(fd), UInt64(size))
        files[f].resize(to: size)
        for m in mappings.indices where mappings[m].file == f {
          let end = files[f].pages
          mappings[m].copies = mappings[m].copies.filter { $0.key < end }
        }
      case 5:
        if mappings.count > 12 { continue }
        let first = below(limit - 8)
        let pages = 1 + below(8)
        let isShared = below(2) == 0
        what = "map \(first)+\(pages)"
        let address = bench.mapFile(
          fd, pages: UInt64(pages), shared: isShared, offset: UInt64(first) * 4096)
        mappings.append(
          ModelMapping(address: address, file: f, first: first, pages: pages, isShared: isShared))
      case 6:
        if mappings.isEmpty { continue }
        let m = mappings.remove(at: below(mappings.count))
        what = "unmap"
        bench.call(Number.munmap, m.address, UInt64(m.pages) * 4096)
      case 7:
        what = "fsync and drop"
        bench.dropCache(fd)
        if files[f].isOnDisk { files[f].zeroTail() }
      case 8:
        what = "advise \(step % 4)"
        bench.call(FileNumber.fadvise64, UInt64(fd), 0, 0, UInt64(step % 4))
      default:
        if mappings.isEmpty { continue }
        let m = below(mappings.count)
        let mapping = mappings[m]
        // The end of the file is where things go wrong.
        let last = files[mapping.file].pages - 1
        let isInside = (mapping.first..<mapping.first + mapping.pages).contains(last)
        let page =
          isInside && below(2) == 0 ? last : mapping.first + below(mapping.pages)
        if page >= files[mapping.file].pages { continue }
        let offset = below(4096)
        let address = mapping.address + UInt64((page - mapping.first) * 4096 + offset)
        let kind = below(8)
        if kind == 0 {
          what = "msync"
          bench.call(FileNumber.msync, mapping.address, UInt64(mapping.pages) * 4096, 4)
          if mapping.isShared && files[mapping.file].isOnDisk && isInside {
            files[mapping.file].zeroTail()
          }
        } else if kind < 4 {
          what = "store to page \(page)"
          let value = UInt8(truncatingIfNeeded: step | 1)
          bench.store(value, at: address)
          if mapping.isShared {
            files[mapping.file].bytes[page * 4096 + offset] = value
          } else {
            let old = Array(files[mapping.file].bytes[page * 4096..<(page + 1) * 4096])
            mappings[m].copies[page, default: old][offset] = value
          }
        } else {
          what = "load from page \(page)"
          let expected =
            mapping.copies[page]?[offset] ?? files[mapping.file].bytes[page * 4096 + offset]
          let got = bench.load(address)
          if got != expected { problem = "\(got.map { "\($0)" } ?? "-") instead of \(expected)" }
        }
      }
      if step % 25 == 0, let found = bench.kernel.system.checkInvariants() { problem = found }
      if !problem.isEmpty {
        Issue.record("seed \(seed), step \(step), file \(f), \(what): \(problem)")
        break
      }
    }
    #expect(bench.finish() == nil)
    #expect(folder["e"] == Array(files[4].bytes.prefix(files[4].size)))
  }
}
