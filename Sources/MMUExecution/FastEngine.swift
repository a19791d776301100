import MMUMemory
import MMUPaging
import RISCV

/// The fast engine: threaded code over decoded frames, in slices short enough that the packed
/// totals cannot overflow.
///
/// Near a mark, and for whatever is rare, it lets the reference engine step.
package final class FastEngine: Engine {
  private let state: UnsafeMutablePointer<CoreState>
  private let context: UnsafeMutableRawPointer
  private let memory: PhysicalMemory
  private let handlers: HandlerTable
  /// The decoded page of each frame: a host address, or zero.
  private let pages: UnsafeMutablePointer<UInt>
  private let frameCount: Int
  private var decoded: [FrameNumber] = []
  private var spare: [UnsafeMutableRawPointer] = []
  private let reference = ReferenceEngine()
  /// What `enter` resolved if the instruction TLB does not cache that page; else zero.
  private var uncached: UInt64 = 0

  /// Instructions after which a slice ends at the next taken branch.
  ///
  /// A slice overshoots by up to two pages, and its loads must stay below 4,096.
  package var sliceLength: UInt64 = defaultSliceLength
  /// The largest overshoot of a slice, in instructions.
  private static let overshoot: UInt64 = 2 * 1024

  private static var defaultSliceLength: UInt64 {
    #if DEBUG
      return 100
    #else
      return 2000
    #endif
  }

  init(_ core: Core) {
    state = core.state
    context = core.state.pointee.context
    memory = core.memory
    handlers = HandlerTable()
    frameCount = Int(memory.frameCount)
    let bytes = UInt64(frameCount * MemoryLayout<UInt>.size + 4095) & ~4095
    pages = Platform.map(bytes: bytes, hugePages: false).assumingMemoryBound(to: UInt.self)
    context.storeBytes(
      of: UInt(bitPattern: state), toByteOffset: EngineWord.core, as: UInt.self)
  }

  deinit {
    for frame in decoded { drop(frame) }
    for page in spare { page.deallocate() }
    let bytes = UInt64(frameCount * MemoryLayout<UInt>.size + 4095) & ~4095
    Platform.unmap(pages, bytes: bytes)
    handlers.free()
  }

  /// Forgets everything decoded; no counter can change by it.
  package func dropDecodedPages() {
    for frame in decoded { drop(frame) }
    decoded.removeAll()
    dropFetchFilter(state.pointee.mmu)
  }

  private func drop(_ frame: FrameNumber) {
    let index = Int(frame.rawValue)
    guard let page = UnsafeMutableRawPointer(bitPattern: pages[index]) else { return }
    pages[index] = 0
    spare.append(page)
  }

  /// Drops what others wrote to since the last slice.
  private func dropStale() {
    for frame in memory.takeStaleCode() { drop(frame) }
    dropFetchFilter(state.pointee.mmu)
  }

  func run(_ core: Core, until mark: RunMark, passing: Bool) -> StopReason {
    var passing = passing
    let s = state
    while true {
      let retired = s.pointee.retired
      if retired >= mark.instructions || s.pointee.cycles >= mark.cycles { return .mark }
      if let flag = core.interruptFlag, flag.pointee != 0 { return .interrupted }
      if memory.hasStaleCode.pointee { dropStale() }
      let room = budget(mark)
      // Before the fetch: its lookup belongs to what comes after the stop.
      if !passing && core.stops.contains(core.programCounter) {
        return .arrived(core.programCounter)
      }
      if room == 0 || passing {
        passing = false
        if let reason = reference.step(core) { return reason }
        continue
      }
      guard let page = enter(core) else {
        if uncached == 0 { return core.fetchFault() }
        // Each fetch from such a page is a miss of its own: step.
        if let reason = reference.step(core, fetchedFrom: uncached) { return reason }
        continue
      }
      if let reason = slice(core, page, room, mark) { return reason }
    }
  }

  /// Runs one slice from the program counter, which lies in the page decoded at `page`.
  private func slice(
    _ core: Core, _ page: UnsafeMutableRawPointer, _ room: UInt64, _ mark: RunMark
  ) -> StopReason? {
    let s = state
    let start = s.pointee.programCounter
    context.storeBytes(of: start & ~0xfff, toByteOffset: EngineWord.page, as: UInt64.self)
    context.storeBytes(
      of: UInt(bitPattern: page), toByteOffset: EngineWord.operations, as: UInt.self)
    context.storeBytes(of: room &<< 48, toByteOffset: EngineWord.limit, as: UInt64.self)
    let first = page + Int((start & 0xffc) &* 8)
    goOn(context, first, 0 &- first.load(fromByteOffset: Operation.prefix, as: UInt64.self))

    let reason = context.load(fromByteOffset: EngineWord.exitReason, as: UInt64.self)
    var totals = context.load(fromByteOffset: EngineWord.exitTotals, as: UInt64.self)
    if reason == SliceExit.address {
      s.pointee.programCounter = context.load(
        fromByteOffset: EngineWord.exitAddress, as: UInt64.self)
    } else {
      let operation = context.load(fromByteOffset: EngineWord.exitOperation, as: UInt.self)
      let operations = context.load(fromByteOffset: EngineWord.operations, as: UInt.self)
      s.pointee.programCounter =
        context.load(fromByteOffset: EngineWord.page, as: UInt64.self)
        &+ UInt64(operation &- operations) / 8
      totals &+= UnsafeRawPointer(bitPattern: operation).unsafelyUnwrapped
        .load(fromByteOffset: Operation.prefix, as: UInt64.self)
    }
    s.pointee.retired &+= totals &>> 48
    s.pointee.baseCycles &+= (totals &>> 24) & 0xff_ffff
    s.pointee.stores &+= (totals &>> 12) & 0xfff
    s.pointee.loads &+= totals & 0xfff
    switch reason {
    case SliceExit.trap:
      s.pointee.fetchedNotRetired &+= 1
      s.pointee.reservation = .max
      return core.stopReason()
    case SliceExit.step, SliceExit.stop:
      if s.pointee.retired >= mark.instructions || s.pointee.cycles >= mark.cycles {
        return .mark
      }
      if reason == SliceExit.stop && core.stops.contains(core.programCounter) {
        return .arrived(core.programCounter)
      }
      return reference.step(core)
    default: return nil
    }
  }

  /// Instructions the next slice may run before it looks at the mark again; zero: step instead.
  ///
  /// It also sets the cycle count at which a slow access must leave the slice.
  private func budget(_ mark: RunMark) -> UInt64 {
    let s = state
    var room = sliceLength
    if mark.instructions != .max {
      let left = mark.instructions &- s.pointee.retired
      if left <= Self.overshoot { return 0 }
      room = min(room, left &- Self.overshoot)
    }
    var cycleMark = UInt64.max
    if mark.cycles != .max {
      // No instruction costs more by itself, and no access adds more than the reserve.
      let dearest = s.pointee.dearest
      let left = mark.cycles &- s.pointee.cycles
      let base = (room &+ Self.overshoot) &* dearest
      let reserve = s.pointee.accessReserve
      if left <= base &+ reserve { return 0 }
      cycleMark =
        s.pointee.mmu.pointee.counters[MMUCounter.cycles.rawValue] &+ left &- base &- reserve
    }
    context.storeBytes(of: cycleMark, toByteOffset: EngineWord.cycleMark, as: UInt64.self)
    return room
  }

  /// The decoded page at the program counter, through the fetch filter or the model; nil if the fetch
  /// faults.
  private func enter(_ core: Core) -> UnsafeMutableRawPointer? {
    let address = state.pointee.programCounter
    let entry =
      context + TranslationContext.fetchFilter
      + Int((address &>> 7) & UInt64((TranslationContext.fetchSlots - 1) << 5))
    if entry.load(as: UInt64.self) == address & ~0xfff {
      let clock = context.load(fromByteOffset: TranslationContext.fetchClock, as: UInt64.self) &+ 1
      context.storeBytes(of: clock, toByteOffset: TranslationContext.fetchClock, as: UInt64.self)
      let touch = entry.load(fromByteOffset: 16, as: UInt.self)
      UnsafeMutablePointer<UInt64>(bitPattern: touch).unsafelyUnwrapped.pointee = clock
      return UnsafeMutableRawPointer(bitPattern: entry.load(fromByteOffset: 8, as: UInt.self))
    }
    let mmu = state.pointee.mmu
    let found = resolve(mmu, address, 20)
    uncached = 0
    let frame = FrameNumber(found &>> 12)
    if found == 0 || frame.rawValue >= UInt64(frameCount) {
      state.pointee.trapAddress = found & ~0xfff | (address & 0xfff)
      state.pointee.trap = found == 0 ? .translation : .bus
      return nil
    }
    if !mmu.pointee.fetchIsCached {
      uncached = found
      return nil
    }
    let page = decodedPage(frame, core.stops)
    entry.storeBytes(of: address & ~0xfff, as: UInt64.self)
    entry.storeBytes(of: UInt(bitPattern: page), toByteOffset: 8, as: UInt.self)
    entry.storeBytes(
      of: UInt(bitPattern: mmu.pointee.fetchTouch), toByteOffset: 16, as: UInt.self)
    return page
  }

  /// The decoded form of a frame; decodes it if need be.
  private func decodedPage(_ frame: FrameNumber, _ stops: [UInt64]) -> UnsafeMutableRawPointer {
    let index = Int(frame.rawValue)
    if let page = UnsafeMutableRawPointer(bitPattern: pages[index]) { return page }
    let page =
      spare.popLast()
      ?? .allocate(byteCount: (Operation.slots + 1) * Operation.stride, alignment: 64)
    decodePage(
      memory.pointer(to: frame), into: page, handlers: handlers, costs: state.pointee.costs,
      stops: stops)
    pages[index] = UInt(bitPattern: page)
    decoded.append(frame)
    memory.watch[index] |= FrameWatch.code.rawValue
    // Stores to this frame must be seen from now on.
    dropDataFilter(state.pointee.mmu)
    return page
  }
}
