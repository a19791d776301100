import MMUMemory
import MMUPaging

/// Translations by where they end: first level, second level, walk behind a cached entry, whole walk.
var translationWorkloads: [Workload] {
  [
    Workload(
      name: "tlb-hit", event: "translation", summary: "one page, first-level hit", count: 1_000_000
    ) {
      let bench = PagedMemory(pages: 1)
      return { bench.touch(count: 1_000_000, stride: 0) }
    },
    Workload(
      name: "stlb-hit", event: "translation", summary: "512 pages in turn, second-level hit",
      count: 1_000_000
    ) {
      let bench = PagedMemory(pages: 512)
      return { bench.touch(count: 1_000_000, stride: 1) }
    },
    Workload(
      name: "walk", event: "translation",
      summary: "8,192 pages in turn, walk behind a cached PD entry", count: 1_000_000
    ) {
      let bench = PagedMemory(pages: 8192)
      return { bench.touch(count: 1_000_000, stride: 1) }
    },
    Workload(
      name: "walk-cold", event: "translation", summary: "all four levels after INVLPG",
      count: 200_000
    ) {
      let bench = PagedMemory(pages: 1)
      return {
        for _ in 0..<200_000 {
          bench.mmu.invalidatePage(0x4000_0000)
          bench.touch(count: 1, stride: 0)
        }
      }
    },
  ]
}

/// Some pages mapped one after the other from 1 GiB on.
private final class PagedMemory {
  let memory = PhysicalMemory(bytes: 64 << 20)
  let mmu: MMU
  private let pages: UInt64
  private var page: UInt64 = 0

  init(pages: UInt64) {
    self.pages = pages
    mmu = MMU(memory: memory)
    var next: UInt64 = 2
    let root: UInt64 = 1 << 12
    for page in 0..<pages {
      let address: UInt64 = 0x4000_0000 + page << 12
      var table = root
      for level in PagingLevel.allCases {
        let entry = (memory.base + Int(table + level.index(address) * 8))
          .assumingMemoryBound(to: UInt64.self)
        if entry.pointee == 0 {
          entry.pointee = next << 12 | 0x67
          next += 1
        }
        table = entry.pointee & PageTableEntry.addressMask
      }
    }
    do {
      try mmu.writeControlRegister3(root)
    } catch {
      preconditionFailure("CR3 refused")
    }
  }

  func touch(count: Int, stride: UInt64) {
    let state = mmu.state
    let access = Access(.read, .user).bits
    for _ in 0..<count {
      if resolve(state, 0x4000_0000 + page << 12, access) == 0 {
        preconditionFailure("a mapped page faulted")
      }
      page = (page + stride) % pages
    }
  }
}
