import MMUMemory
import MMUPaging
import RISCV

/// The reference engine with an observer of data accesses: the loop that a run is recorded in, so that
/// no other loop asks whether anybody listens.
struct RecordingEngine: Engine {
  /// Sees the page of each access of an instruction that retires, two if it lies across a boundary.
  let observer: (PageNumber, _ isWrite: Bool) -> Void
  private let reference = ReferenceEngine()

  init(_ observer: @escaping (PageNumber, _ isWrite: Bool) -> Void) { self.observer = observer }

  func run(_ core: Core, until mark: RunMark, passing: Bool) -> StopReason {
    var passing = passing
    while true {
      if core.instructions >= mark.instructions || core.cycles >= mark.cycles { return .mark }
      if let flag = core.interruptFlag, flag.pointee != 0 { return .interrupted }
      if !passing && core.stops.contains(core.programCounter) {
        return .arrived(core.programCounter)
      }
      passing = false
      let page = resolve(core.state.pointee.mmu, core.state.pointee.programCounter, 20)
      let access = access(core.state, fetchedFrom: page)
      if let reason = reference.step(core, fetchedFrom: page) { return reason }
      guard let access else { continue }
      let first = VirtualAddress(truncating: access.address).page
      observer(first, access.isWrite)
      let last = VirtualAddress(truncating: access.address &+ access.size &- 1).page
      if last != first { observer(last, access.isWrite) }
    }
  }

  /// What the instruction at hand is going to access.
  private func access(
    _ state: UnsafeMutablePointer<CoreState>, fetchedFrom page: UInt64
  ) -> (address: UInt64, size: UInt64, isWrite: Bool)? {
    let place = page & ~0xfff | (state.pointee.programCounter & 0xfff)
    guard page != 0, place < state.pointee.ramBytes else { return nil }
    let bits = UInt32(
      littleEndian: (state.pointee.base + Int(place)).load(as: UInt32.self))
    let instruction = decode(bits)
    let base = state.pointee[instruction.rs1]
    let address = base &+ UInt64(bitPattern: Int64(instruction.immediate))
    switch instruction.opcode {
    case .lb, .lbu: return (address, 1, false)
    case .lh, .lhu: return (address, 2, false)
    case .lw, .lwu: return (address, 4, false)
    case .ld: return (address, 8, false)
    case .sb: return (address, 1, true)
    case .sh: return (address, 2, true)
    case .sw: return (address, 4, true)
    case .sd: return (address, 8, true)
    case let opcode where opcode.instructionClass == .atomic:
      // Aligned, so within one page; LR too asks for the right to write.
      return (base, 1, true)
    default: return nil
    }
  }
}
