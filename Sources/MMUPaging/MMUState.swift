import MMUMemory
package import MMUTiming

/// Where pages of one size are looked up: an array and the size.
struct Probe {
  let store: TagStore
  let size: UInt64
  let shift: UInt64
  /// An engine stamps uses of these pages: the array's state is its stamps, taken from the clock that
  /// the engine can advance.
  let stamps: Bool
}

/// A TLB: its arrays, and the probes a lookup makes, smallest page first.
struct TLB {
  let arrays: UnsafeMutablePointer<TagStore>
  let arrayCount: Int
  let probes: UnsafeMutablePointer<Probe>
  let probeCount: Int
  /// How many of the probes a lookup has to make: those for large pages only once there was one.
  let active: UnsafeMutablePointer<Int>

  /// Makes the arrays of one TLB.
  ///
  /// - Parameter clock: the clock an engine can advance, for the array of 4 KiB pages.
  /// - Precondition: no page size has two arrays.
  init(
    _ configuration: [TLBArray], seed: inout UInt64, clock: UnsafeMutablePointer<UInt64>? = nil
  ) {
    let sizes = configuration.flatMap(\.sizes)
    precondition(Set(sizes).count == sizes.count, "a page size stands in two arrays of one TLB")
    arrays = .allocate(capacity: max(1, configuration.count))
    arrayCount = configuration.count
    var list: [Probe] = []
    for (i, array) in configuration.enumerated() {
      let shared = array.sizes.contains(.size4K) ? clock : nil
      let store = TagStore(array.geometry, seed: SplitMix.next(&seed), clock: shared)
      let stamps = shared != nil && array.geometry.replacement == .lru
      (arrays + i).initialize(to: store)
      for size in array.sizes {
        list.append(
          Probe(store: store, size: UInt64(size.rawValue), shift: size.shift, stamps: stamps))
      }
    }
    list.sort { $0.size < $1.size }
    probes = .allocate(capacity: max(1, list.count))
    probes.initialize(from: list, count: list.count)
    probeCount = list.count
    active = .allocate(capacity: 1)
    active.initialize(to: list.prefix { $0.size == 0 }.count)
  }

  /// The array of 4 KiB pages is looked up first, and scanned.
  var isPlain: Bool { probeCount > 0 && probes[0].size == 0 && probes[0].store.isPlain }

  func free() {
    active.deallocate()
    for i in 0..<arrayCount { arrays[i].free() }
    arrays.deallocate()
    probes.deallocate()
  }
}

/// Everything the hot functions of the MMU touch, behind one pointer.
package struct MMUState {
  var controls: PagingControls
  /// CR3 bits 51:12.
  package var root: UInt64
  /// CR3 bits 11:0 as written.
  var controlRegister3Low: UInt64
  /// The PCID translations are tagged with: zero while CR4.PCIDE = 0.
  package var pcid: UInt64

  var itlb: TLB
  var dtlb: TLB
  var stlb: TLB
  /// Caches of PML4, PDPT and PD entries; a nil one is not there.
  var structures: (TagStore?, TagStore?, TagStore?)

  /// Both data-side arrays of 4 KiB pages are `isPlain`, no other page was ever cached, and protection
  /// keys were never on.
  var isPlain: Bool

  package let context: UnsafeMutableRawPointer
  package let counters: UnsafeMutablePointer<UInt64>
  package let base: UnsafeMutableRawPointer
  package let ramBytes: UInt64
  package let watch: UnsafeMutablePointer<UInt8>
  let memory: Unmanaged<PhysicalMemory>
  package let costs: CostModel

  /// The last fault: 0 none, 1 #PF, 2 #GP, 3 bus error.
  package var faultKind = 0
  package var faultAddress: UInt64 = 0
  package var faultCode: UInt64 = 0
  package var controlRegister2: UInt64 = 0
  /// The instruction-TLB entry's stamp that the last fetch translation used.
  package var fetchTouch: UnsafeMutablePointer<UInt64>
  /// Whether the page of the last fetch translation stands in the instruction TLB; if not, the next
  /// fetch from it is a miss again.
  package var fetchIsCached = true
  /// Slots of the data filters, 128 bits, and of the fetch filter that may hold something: a fetch
  /// slot is filled by the engine, after a translation here that sets its bit.
  var usedDataSlots: (UInt64, UInt64) = (.max, .max)
  var usedFetchSlots = UInt64.max
}
