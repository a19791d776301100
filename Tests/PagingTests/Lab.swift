import MMUMemory
import MMUPaging
import MMUTiming
import Testing

/// A small machine for tests that name every count: tables made by `map`, accesses by one word.
final class Lab {
  let memory = PhysicalMemory(bytes: 1 << 20)
  let mmu: MMU
  private var nextTable: UInt64 = 1
  private(set) var root: UInt64 = 0
  private var before: MMUCounters

  /// "tiny": L1 4K 4 sets x 2 ways, L1 2M 2 and 1G 1 entry (data only), ITLB 2 sets x 2; STLB 4K/2M
  /// 4 sets x 4 ways, none for 1G; structure caches PML4E 1, PDPTE 1, PDE 2.
  ///
  /// LRU.
  static var tiny: MMUConfiguration {
    var c = MMUConfiguration()
    c.instructionTLB = [
      TLBArray([.size4K], CacheGeometry(entries: 4, ways: 2)),
      TLBArray([.size2M], CacheGeometry(entries: 2)),
    ]
    c.dataTLB = [
      TLBArray([.size4K], CacheGeometry(entries: 8, ways: 2)),
      TLBArray([.size2M], CacheGeometry(entries: 2)),
      TLBArray([.size1G], CacheGeometry(entries: 1)),
    ]
    c.secondTLB = [TLBArray([.size4K, .size2M], CacheGeometry(entries: 16, ways: 4))]
    c.pml4eCache = CacheGeometry(entries: 1)
    c.pdpteCache = CacheGeometry(entries: 1)
    c.pdeCache = CacheGeometry(entries: 2)
    return c
  }

  /// `tiny` with one fully associative L1 data array for 4 KiB pages and no STLB.
  static func flat(_ entries: Int, _ replacement: Replacement = .lru) -> MMUConfiguration {
    var c = tiny
    c.dataTLB = [TLBArray([.size4K], CacheGeometry(entries: entries, replacement: replacement))]
    c.secondTLB = []
    return c
  }

  init(_ configuration: MMUConfiguration = Lab.tiny) {
    mmu = MMU(memory: memory, configuration: configuration)
    before = mmu.counters
    root = newSpace()
    try! mmu.writeControlRegister3(root)
    before = mmu.counters
  }

  /// A new, empty PML4: its physical address.
  func newSpace() -> UInt64 {
    defer { nextTable += 1 }
    return nextTable << 12
  }

  /// Where the entry of `level` for `address` stands; makes the tables above it.
  @discardableResult
  func place(_ address: UInt64, _ last: PagingLevel, root: UInt64? = nil) -> UInt64 {
    var table = root ?? self.root
    for level in PagingLevel.allCases {
      let place = table + level.index(address) * 8
      if level == last { return place }
      var entry = self[place]
      if entry == 0 {
        entry = newSpace() | 0x27  // P R/W U/S A
        self[place] = entry
      }
      table = entry & PageTableEntry.addressMask
    }
    preconditionFailure()
  }

  subscript(place: UInt64) -> UInt64 {
    get { try! memory.load(PhysicalAddress(place)) }
    set { try! memory.store(newValue, at: PhysicalAddress(place)) }
  }

  /// Maps a page to a frame number-alike of its own; entry bits default to P R/W U/S A D.
  @discardableResult
  func map(
    _ address: UInt64, bits: UInt64 = 0x67, _ size: PageSize = .size4K, to target: UInt64? = nil,
    root: UInt64? = nil
  ) -> UInt64 {
    let level: PagingLevel = size == .size4K ? .pt : size == .size2M ? .pd : .pdpt
    let place = place(address, level, root: root)
    let base = (target ?? address) & 0xff_ffff_f000 & ~size.offsetMask
    self[place] = base | bits | (size == .size4K ? 0 : 0x80)
    return place
  }

  /// Performs an access: nil, or the fault's error code.
  @discardableResult
  func access(
    _ kind: Access.Kind, _ address: UInt64, _ mode: Access.Mode = .user
  ) -> UInt64? {
    do {
      _ = try mmu.translate(linear: address, for: Access(kind, mode))
      return nil
    } catch {
      if case .pageFault(let fault) = error { return fault.errorCode.rawValue }
      return .max
    }
  }

  func read(_ pages: UInt64...) {
    for page in pages { #expect(access(.read, page) == nil) }
  }

  /// Starts counting anew.
  func mark() { before = mmu.counters }

  /// Expects exactly these counts since the last `mark` (both privileges together); a counter that is
  /// not named must be zero, but `cycles` and `walkCycles` may be left out.
  func expect(
    _ wanted: [MMUCounter: UInt64], _ what: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let made = mmu.counters - before
    for counter in MMUCounter.allCases {
      if wanted[counter] == nil && (counter == .cycles || counter == .walkCycles) { continue }
      let value = made[counter]
      if value != wanted[counter] ?? 0 {
        Issue.record(
          "\(counter.name) is \(value), expected \(wanted[counter] ?? 0). \(what?.rawValue ?? "")",
          sourceLocation: sourceLocation)
      }
    }
    mark()
  }
}

/// Page n of a run that starts at a page table's first entry; its page number is 65536 + n.
func page(_ n: UInt64) -> UInt64 { 0x1000_0000 + n * 4096 }
