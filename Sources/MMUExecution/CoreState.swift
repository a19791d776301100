import MMUMemory
package import MMUPaging
import RISCV

/// What the hot functions of the engines touch, behind one pointer: the plain half of `Core`.
package struct CoreState {
  package let mmu: UnsafeMutablePointer<MMUState>
  /// Registers (33 words; the last one swallows writes to x0), then the filters: see
  /// `TranslationContext` and `EngineWord`.
  package let context: UnsafeMutableRawPointer
  let memory: Unmanaged<PhysicalMemory>
  let watch: UnsafeMutablePointer<UInt8>
  let hasStaleCode: UnsafeMutablePointer<Bool>
  let base: UnsafeMutableRawPointer
  let ramBytes: UInt64

  package var programCounter: UInt64 = 0
  /// Instructions retired.
  package var retired: UInt64 = 0
  /// Cycles of the retired instructions themselves.
  package var baseCycles: UInt64 = 0
  package var loads: UInt64 = 0
  package var stores: UInt64 = 0
  package var atomics: UInt64 = 0
  /// Data lookups beyond one for each retired load, store and atomic: second halves, faulted attempts.
  package var extraDataLookups: UInt64 = 0
  /// Instructions fetched that did not retire.
  package var fetchedNotRetired: UInt64 = 0
  /// Fetches whose translation faulted.
  package var faultedFetches: UInt64 = 0
  /// Cycles charged from outside: the kernel's.
  package var outsideCycles: UInt64 = 0

  /// LR's reservation: a physical address, or all ones.
  var reservation: UInt64 = .max
  /// What stopped the last access; meaningful after a function said so.
  var trap = AccessTrap.none
  var trapAccess: UInt64 = 0
  var trapAddress: UInt64 = 0

  /// Base cost of each opcode.
  let costs: UnsafeMutablePointer<UInt64>
  /// The highest of them.
  let dearest: UInt64
  /// More than the MMU can add for one fetch and one access.
  let accessReserve: UInt64

  /// A register; x0 reads as zero.
  @inline(__always) subscript(register: UInt8) -> UInt64 {
    get { (context + Int(register) &* 8).load(as: UInt64.self) }
    nonmutating set {
      let slot = register == 0 ? 32 : Int(register)
      (context + slot &* 8).storeBytes(of: newValue, as: UInt64.self)
    }
  }

  /// Announces a write to the frame at a physical address.
  @inline(__always) func willWrite(_ place: UInt64) {
    let frame = place &>> 12
    if watch[Int(frame)] != 0 {
      memory._withUnsafeGuaranteedRef { $0.willWrite(FrameNumber(frame)) }
    }
  }

  /// The clock, as the guest sees it.
  var cycles: UInt64 {
    let counters = mmu.pointee.counters
    let index = MMUCounter.cycles.rawValue
    return baseCycles &+ outsideCycles &+ counters[index]
      &+ counters[index &+ index &+ 1]
  }
}

/// What can stop an access.
enum AccessTrap {
  case none
  /// The MMU's last fault.
  case translation
  /// The byte lies beyond RAM.
  case bus
  /// An atomic's address is not a multiple of its size.
  case misalignedAtomic
}

/// Offsets of the engine's own words in the context block, behind the 33 registers.
enum EngineWord {
  /// Virtual address of the page being executed.
  static var page: Int { 272 }
  /// Host address of its first operation.
  static var operations: Int { 280 }
  /// Packed totals at which a slice ends.
  static var limit: Int { 288 }
  /// The operation at which the slice was left.
  static var exitOperation: Int { 296 }
  /// `acc` at that moment.
  static var exitTotals: Int { 304 }
  /// Why: `SliceExit`.
  static var exitReason: Int { 312 }
  /// Where to go on, if the slice was left between pages.
  static var exitAddress: Int { 320 }
  /// The `CoreState`.
  static var core: Int { 328 }
  /// MMU cycles of the user side at which a slow access leaves the slice.
  static var cycleMark: Int { 336 }
}
