import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

@Suite struct ReverseMapTests {
  private struct Place: Hashable {
    let space: ObjectIdentifier
    let address: UInt64
  }

  /// Every mapping of every frame, found by reading all tables.
  private func scan(_ system: SystemMemory) -> [UInt64: Set<Place>] {
    var result: [UInt64: Set<Place>] = [:]
    for space in system.spaces {
      space.tables.forEachTable(in: 0, AddressSpace.userLimit) { address, entries, count in
        for i in 0..<count where entries[i] != 0 {
          let frame = (entries[i] & PageTableEntry.addressMask) >> 12
          if frame == system.zeroFrame { continue }
          result[frame, default: []].insert(
            Place(space: ObjectIdentifier(space), address: address + UInt64(i) * 4096))
        }
      }
    }
    return result
  }

  /// What differs between the reverse map and the tables, if anything does.
  private func difference(_ system: SystemMemory) -> String? {
    for (frame, expected) in scan(system) {
      var found: Set<Place> = []
      system.forEachMapping(of: frame) { space, address in
        let isNew = found.insert(Place(space: ObjectIdentifier(space), address: address)).inserted
        if !isNew { found = [] }
        return isNew
      }
      if found != expected {
        return "frame \(frame): \(found.count) mappings found, \(expected.count) exist"
      }
    }
    return nil
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `the reverse map leads to all mappings of a frame and to nothing else`(
    seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed &* 48_611)
    func below(_ n: UInt64) -> UInt64 { random.next() % n }
    let bench = try Bench(ram: 32 << 20)
    bench.prepareFiles()
    let fd = bench.open("file")
    #expect(bench.pwrite(fd, [UInt8](repeating: 7, count: 16 * 4096), at: 0) == 16 * 4096)
    // Areas are moved about in this range; the forked children inherit what is there.
    let arena = bench.map(64)
    bench.call(Number.munmap, arena, 64 * 4096)
    func at(_ page: UInt64) -> UInt64 { arena + page * 4096 }
    var hasMoved = false
    for step in 0..<500 {
      let page = below(56)
      let pages = 1 + below(8)
      switch below(12) {
      case 0: bench.map(pages, at: at(page), flags: 0x10)
      case 1:
        bench.call(
          Number.mmap, at(page), pages * 4096, 3, below(2) == 0 ? 0x12 : 0x11, UInt64(fd), 0)
      case 2: bench.call(Number.munmap, at(page), pages * 4096)
      case 3, 10, 11:
        // MREMAP_MAYMOVE | MREMAP_FIXED, now and then | MREMAP_DONTUNMAP, of the rest of an area.
        guard let area = bench.kernel.current?.space?.area(at: VirtualAddress(at(page))) else {
          continue
        }
        let length = min(area.upper, at(64)) - at(page)
        let keeps: UInt64 = below(4) == 0 ? 4 : 0
        bench.call(216, at(page), length, length, 3 | keeps, at(below(64 - length / 4096)))
      case 4:
        if bench.kernel.system.spaces.count < 8 { bench.call(220, 17) }
      case 5: bench.call(124)
      case 6:
        // A child ends; the first process would end the run.
        if bench.kernel.current !== bench.process && below(3) == 0 { bench.call(94, 0) }
      case 7: bench.call(Number.mprotect, at(page), pages * 4096, below(2) == 0 ? 3 : 0)
      default:
        guard let space = bench.kernel.current?.space,
          let area = space.area(at: VirtualAddress(at(page))),
          area.permissions.contains(.write)
        else { continue }
        if !area.isAnonymous && area.filePage(of: at(page)) >= 16 { continue }
        bench.store(UInt8(truncatingIfNeeded: step), at: at(page))
      }
      hasMoved = hasMoved || bench.kernel.system.spaces.contains { $0.hasMovedPages }
      if step % 10 == 0, let problem = difference(bench.kernel.system) {
        Issue.record("seed \(seed), step \(step): \(problem)")
        break
      }
      if step % 100 == 0, let problem = bench.kernel.system.checkInvariants() {
        Issue.record("seed \(seed), step \(step): \(problem)")
        break
      }
    }
    #expect(hasMoved)
    while bench.kernel.current !== bench.process { bench.call(94, 0) }
    #expect(bench.finish() == nil)
    #expect(bench.kernel.system.families.allSatisfy { $0 == nil })
  }

  @Test func `a page a handler maps twice has no home, and is left alone`() throws {
    let services = try KernelServices(ram: 16 << 20)
    try services.space.insert(
      VirtualMemoryArea(VirtualAddress(0x10000), pages: 4, permissions: [.read, .write]))
    let frame = try #require(services.allocateFrame())
    services.map(PageNumber(0x10), to: frame, [.read])
    var found = 0
    services.space.system.forEachMapping(of: frame.rawValue) { _, address in
      found += address == 0x10000 ? 1 : 100
      return true
    }
    #expect(found == 1)
    services.frames.retain(frame)
    services.map(PageNumber(0x12), to: frame, [.read])
    services.space.system.forEachMapping(of: frame.rawValue) { _, _ in
      found += 1
      return true
    }
    #expect(found == 1)
    #expect(services.space.system.checkInvariants() == nil)
  }
}
