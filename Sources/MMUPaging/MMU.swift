public import MMUMemory
public import MMUTiming

/// The memory-management unit of one core: paging with its TLBs, structure caches and counters.
///
///     let mmu = MMU(memory: memory)
///     try mmu.writeControlRegister3(root.address.rawValue)
///     let place = try mmu.translate(VirtualAddress(0x1000), for: Access(.read, .user))
///
/// Not thread-safe: a core has its own.
public final class MMU {
  /// The memory the tables stand in.
  public let memory: PhysicalMemory
  /// What it was built as.
  public let configuration: MMUConfiguration
  package let state: UnsafeMutablePointer<MMUState>

  /// Makes an MMU with empty caches, CR3 = 0.
  ///
  /// - Parameters:
  ///   - memory: the RAM that holds the tables.
  ///   - configuration: geometry and control bits.
  ///   - costs: the latencies it charges.
  ///   - seed: of random replacement.
  public init(
    memory: PhysicalMemory, configuration: MMUConfiguration = MMUConfiguration(),
    costs: CostModel = CostModel(), seed: UInt64 = 1
  ) {
    self.memory = memory
    self.configuration = configuration
    let context = UnsafeMutableRawPointer.allocate(
      byteCount: TranslationContext.bytes, alignment: 64)
    context.initializeMemory(as: UInt8.self, repeating: 0, count: TranslationContext.bytes)
    let counters = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * MMUCounter.allCases.count)
    counters.initialize(repeating: 0, count: 2 * MMUCounter.allCases.count)
    var seed = seed
    func clock(_ offset: Int) -> UnsafeMutablePointer<UInt64> {
      (context + offset).assumingMemoryBound(to: UInt64.self)
    }
    func structure(_ geometry: CacheGeometry?) -> TagStore? {
      geometry.map { TagStore($0, seed: SplitMix.next(&seed)) }
    }
    state = .allocate(capacity: 1)
    state.initialize(
      to: MMUState(
        controls: configuration.controls, root: 0, controlRegister3Low: 0, pcid: 0,
        itlb: TLB(
          configuration.instructionTLB, seed: &seed, clock: clock(TranslationContext.fetchClock)),
        dtlb: TLB(configuration.dataTLB, seed: &seed, clock: clock(TranslationContext.dataClock)),
        stlb: TLB(configuration.secondTLB, seed: &seed),
        structures: (
          structure(configuration.pml4eCache), structure(configuration.pdpteCache),
          structure(configuration.pdeCache)
        ),
        isPlain: false, context: context, counters: counters, base: memory.base,
        ramBytes: memory.bytes,
        watch: memory.watch, memory: Unmanaged.passUnretained(memory), costs: costs,
        fetchTouch: clock(TranslationContext.noTouch)))
    state.pointee.isPlain =
      state.pointee.dtlb.isPlain && state.pointee.stlb.isPlain
      && !configuration.controls.protectionKeys
    dropFilters(state)
  }

  deinit {
    let s = state
    s.pointee.itlb.free()
    s.pointee.dtlb.free()
    s.pointee.stlb.free()
    s.pointee.structures.0?.free()
    s.pointee.structures.1?.free()
    s.pointee.structures.2?.free()
    s.pointee.counters.deallocate()
    s.pointee.context.deallocate()
    s.deinitialize(count: 1)
    s.deallocate()
  }

  /// All counters at this moment.
  public var counters: MMUCounters { MMUCounters(state.pointee.counters) }

  /// Cycles the MMU has added so far, for both privileges.
  public var cycles: Cycles {
    state.pointee.counters[MMUCounter.cycles.rawValue]
      &+ state.pointee.counters[MMUCounter.cycles.rawValue + MMUCounter.allCases.count]
  }

  /// CR2: the address of the last page fault.
  public var controlRegister2: UInt64 { state.pointee.controlRegister2 }

  /// Translates an access to a canonical address, with everything the processor does on the way:
  /// lookups, a walk if need be, A and D, fills.
  ///
  /// The byte itself is not touched.
  /// - Throws: `PageFault`; nothing in the architectural state has changed then but CR2 and, possibly,
  ///   A flags of the entries passed. An entry beyond RAM reads as not present here; `resolve` tells
  ///   it apart.
  public func translate(
    _ address: VirtualAddress, for access: Access
  ) throws(PageFault) -> PhysicalAddress {
    do {
      return try translate(linear: address.rawValue, for: access)
    } catch {
      switch error {
      case .pageFault(let fault): throw fault
      case .generalProtection, .busError:
        throw PageFault(
          address: address,
          errorCode: ErrorCode(rawValue: state.pointee.controls.errorBits(access.bits)),
          access: access)
      }
    }
  }

  /// Translates an access to any 64-bit linear address.
  ///
  /// - Throws: #PF, #GP(0) for a non-canonical address, or a bus error if a table lies beyond RAM.
  public func translate(
    linear address: UInt64, for access: Access
  ) throws(TranslationFault) -> PhysicalAddress {
    let page = resolve(state, address, access.bits)
    if page == 0 { throw lastFault(access.bits) }
    return PhysicalAddress(page & ~0xfff | (address & 0xfff))
  }

  /// The fault that the last `resolve` of zero stands for.
  package func lastFault(_ access: UInt64) -> TranslationFault {
    let s = state.pointee
    switch s.faultKind {
    case 1:
      return .pageFault(
        PageFault(
          address: VirtualAddress(truncating: s.faultAddress),
          errorCode: ErrorCode(rawValue: s.faultCode), access: Access(bits: access)))
    case 2: return .generalProtection(s.faultAddress)
    default: return .busError(PhysicalAddress(s.faultAddress))
    }
  }
}
