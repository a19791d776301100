/// Every latency of the machine, in cycles of its 3 GHz core.
///
/// The core is in-order and single-issue: an instruction costs its class's base cost, plus what the
/// memory-management unit adds, plus what the kernel charges. Data caches are not modelled: loads and
/// stores cost as in a hit of the first-level cache that the pipeline hides. Spec/CostModel.md derives
/// the figures and names their sources; "assumed" marks a choice without one.
public struct CostModel: Hashable, Sendable {
  /// Integer arithmetic, logic, shifts, LUI and AUIPC: one per cycle.
  public var alu: Cycles = 1
  /// MUL, MULH...: the 3-cycle latency of integer multiply on current x86 cores.
  public var multiply: Cycles = 3
  /// DIV, REM...: 18 cycles, about a 64-bit divide on Ice Lake and later.
  public var divide: Cycles = 18
  /// A load that hits: 1 cycle, its 4-5 cycle latency being hidden (assumed).
  public var load: Cycles = 1
  /// A store: retires into the store buffer.
  public var store: Cycles = 1
  /// A conditional branch, taken or not: no misprediction is modelled.
  public var branch: Cycles = 1
  /// JAL and JALR.
  public var jump: Cycles = 1
  /// An atomic read-modify-write, LR or SC: about 18 cycles for a locked operation on x86 that hits.
  public var atomic: Cycles = 18
  /// FENCE and FENCE.I.
  public var fence: Cycles = 1
  /// CSR reads and ECALL itself; hints cost as the instructions they are.
  public var system: Cycles = 1

  /// First-level TLB miss that hits the second-level TLB: 9 cycles (Skylake client, published
  /// second-hand; Golden Cove 9 in total).
  public var stlbHit: Cycles = 9
  /// Starting a page walk after a second-level miss: 9 cycles to find that out (as `stlbHit`).
  public var walkStart: Cycles = 9
  /// One paging-structure entry read by a walk: 4 cycles, the latency of the first-level data cache
  /// the walker reads through (Skylake client, published second-hand).
  public var entryRead: Cycles = 4
  /// Setting A or D in memory: a microcode assist of about 100 cycles (assumed; the order of
  /// magnitude Intel's optimization manual gives for assists).
  public var assist: Cycles = 100

  /// Entering the kernel by an exception and leaving it again (assumed: about 300 cycles on
  /// processors without page-table isolation).
  public var exceptionEntry: Cycles = 300
  /// Entering the kernel by ECALL and leaving it again: SYSCALL/SYSRET pairs measure 70-150 cycles.
  public var systemCallEntry: Cycles = 100
  /// Finding the area and deciding what a fault means (assumed: Linux spends about 500 cycles).
  public var faultHandling: Cycles = 500
  /// Choosing another thread and exchanging the registers, MOV CR3 apart (assumed: Linux needs about
  /// 1 us between two processes, most of it cache misses, which are not modelled).
  public var contextSwitch: Cycles = 1000
  /// Allocating or freeing a frame (assumed: the per-core free list of Linux).
  public var frameAllocation: Cycles = 60
  /// Filling a 4 KiB frame with zeros: 32 bytes a cycle.
  public var pageZero: Cycles = 128
  /// Copying a 4 KiB frame: 16 bytes a cycle.
  public var pageCopy: Cycles = 256
  /// Copying to or from user memory, for each 8 bytes begun.
  public var copyWord: Cycles = 1
  /// Making, splitting or removing an area (assumed).
  public var areaOperation: Cycles = 300
  /// Writing one paging-structure entry by the kernel.
  public var entryEdit: Cycles = 4
  /// INVLPG: about 100-200 cycles on current cores.
  public var invalidatePage: Cycles = 120
  /// Any flush of more than a page: MOV CR3, INVPCID.
  public var invalidateMany: Cycles = 200
  /// A request to the disk: 80 microseconds, about a random 4 KiB read of an NVMe solid-state disk.
  public var diskRequest: Cycles = 240_000
  /// Each 4 KiB of a request: 3 GB/s.
  public var diskPage: Cycles = 4_000

  /// Looking at one page for reclaim (assumed: a reverse-map walk and a list operation).
  public var pageScan: Cycles = 100
  /// Compressing a page of swap: LZ4 at 780 MB/s, its own benchmark's figure.
  public var compressPage: Cycles = 15_700
  /// Decompressing one: LZ4 at 4,970 MB/s, likewise.
  public var decompressPage: Cycles = 2_500

  /// Makes the default model.
  public init() {}
}
