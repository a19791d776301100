import MMUMemory
import MMUPaging
import RISCV

/// A way to run a core; all give the same results.
protocol Engine {
  /// Runs `core` until a mark or until something else must act.
  func run(_ core: Core, until mark: RunMark, passing: Bool) -> StopReason
}

/// The definition of the core: one instruction at a time, one modelled lookup for each access.
struct ReferenceEngine: Engine {
  func run(_ core: Core, until mark: RunMark, passing: Bool) -> StopReason {
    var passing = passing
    while true {
      if core.instructions >= mark.instructions || core.cycles >= mark.cycles { return .mark }
      if let flag = core.interruptFlag, flag.pointee != 0 { return .interrupted }
      if !passing && core.stops.contains(core.programCounter) {
        return .arrived(core.programCounter)
      }
      passing = false
      if let reason = step(core) { return reason }
    }
  }

  /// Executes one instruction, or says why it did not retire (`regionHint` apart, which did).
  func step(_ core: Core) -> StopReason? {
    step(core, fetchedFrom: resolve(core.state.pointee.mmu, core.state.pointee.programCounter, 20))
  }

  /// The same when the program counter's page has just been resolved.
  func step(_ core: Core, fetchedFrom page: UInt64) -> StopReason? {
    let s = core.state
    let pc = s.pointee.programCounter
    let place = page & ~0xfff | (pc & 0xfff)
    if page == 0 || place >= s.pointee.ramBytes {
      s.pointee.trap = page == 0 ? .translation : .bus
      s.pointee.trapAddress = place
      return core.fetchFault()
    }
    let bits = UInt32(littleEndian: (s.pointee.base + Int(place)).load(as: UInt32.self))
    let instruction = decode(bits)
    if let reason = execute(s, instruction, pc, bits) {
      if case .regionHint = reason { return reason }
      // ECALL retires, or is counted as restarted, when its system call ends.
      if reason != .environmentCall { s.pointee.fetchedNotRetired &+= 1 }
      s.pointee.reservation = .max
      if case .fault = reason { return core.stopReason() }
      return reason
    }
    return nil
  }

  /// Executes a fetched instruction.
  ///
  /// A placeholder fault stands for the trap noted in the state.
  private func execute(
    _ s: UnsafeMutablePointer<CoreState>, _ i: Instruction, _ pc: UInt64, _ bits: UInt32
  ) -> StopReason? {
    let core = s.pointee
    let a = core[i.rs1]
    let b = core[i.rs2]
    let immediate = UInt64(bitPattern: Int64(i.immediate))
    let shift = immediate & 63
    var next = pc &+ 4

    func set(_ value: UInt64) { core[i.rd] = value }
    func branch(_ taken: Bool) -> StopReason? {
      guard taken else { return nil }
      next = pc &+ immediate
      return next & 3 != 0 ? .misalignedFetch(target: next) : nil
    }
    func load(_ size: UInt64, _ extend: (UInt64) -> UInt64) -> StopReason? {
      var value: UInt64 = 0
      guard slowLoad(s, a &+ immediate, size, &value) else { return .noted }
      s.pointee.loads &+= 1
      set(extend(value))
      return nil
    }
    func store(_ size: UInt64) -> StopReason? {
      guard slowStore(s, a &+ immediate, size, b) else { return .noted }
      s.pointee.stores &+= 1
      return nil
    }
    var reason: StopReason?
    switch i.opcode {
    case .illegal: return .illegalInstruction(bits)
    case .lui: set(immediate)
    case .auipc: set(pc &+ immediate)
    case .jal:
      reason = branch(true)
      if reason == nil { set(pc &+ 4) }
    case .jalr:
      next = (a &+ immediate) & ~1
      if next & 2 != 0 { return .misalignedFetch(target: next) }
      set(pc &+ 4)
    case .beq: reason = branch(a == b)
    case .bne: reason = branch(a != b)
    case .blt: reason = branch(signed(a) < signed(b))
    case .bge: reason = branch(signed(a) >= signed(b))
    case .bltu: reason = branch(a < b)
    case .bgeu: reason = branch(a >= b)
    case .lb: reason = load(1) { UInt64(bitPattern: Int64(Int8(truncatingIfNeeded: $0))) }
    case .lh: reason = load(2) { UInt64(bitPattern: Int64(Int16(truncatingIfNeeded: $0))) }
    case .lw: reason = load(4) { word($0) }
    case .ld: reason = load(8) { $0 }
    case .lbu: reason = load(1) { $0 }
    case .lhu: reason = load(2) { $0 }
    case .lwu: reason = load(4) { $0 }
    case .sb: reason = store(1)
    case .sh: reason = store(2)
    case .sw: reason = store(4)
    case .sd: reason = store(8)
    case .addi: set(a &+ immediate)
    case .slti: set(signed(a) < signed(immediate) ? 1 : 0)
    case .sltiu: set(a < immediate ? 1 : 0)
    case .xori: set(a ^ immediate)
    case .ori: set(a | immediate)
    case .andi: set(a & immediate)
    case .slli: set(a &<< shift)
    case .srli: set(a &>> shift)
    case .srai: set(UInt64(bitPattern: signed(a) &>> signed(shift)))
    case .add: set(a &+ b)
    case .sub: set(a &- b)
    case .sll: set(a &<< (b & 63))
    case .slt: set(signed(a) < signed(b) ? 1 : 0)
    case .sltu: set(a < b ? 1 : 0)
    case .xor: set(a ^ b)
    case .srl: set(a &>> (b & 63))
    case .sra: set(UInt64(bitPattern: signed(a) &>> signed(b & 63)))
    case .or: set(a | b)
    case .and: set(a & b)
    case .addiw: set(word(a &+ immediate))
    case .slliw: set(word(a &<< (immediate & 31)))
    case .srliw: set(word(UInt64(low32(a) &>> low32(immediate & 31))))
    case .sraiw: set(UInt64(bitPattern: signed(word(a)) &>> signed(immediate & 31)))
    case .addw: set(word(a &+ b))
    case .subw: set(word(a &- b))
    case .sllw: set(word(a &<< (b & 31)))
    case .srlw: set(word(UInt64(low32(a) &>> low32(b & 31))))
    case .sraw: set(UInt64(bitPattern: signed(word(a)) &>> signed(b & 31)))
    case .fence, .fenceI: break  // Stores to decoded code are seen at once.
    case .ecall: return .environmentCall
    case .ebreak: return .breakpoint
    case .csrrw, .csrrwi: return .illegalInstruction(bits)  // All our CSRs are read-only.
    case .csrrs, .csrrc, .csrrsi, .csrrci:
      guard i.rs1 == 0, let value = core.readCSR(i.immediate) else {
        return .illegalInstruction(bits)
      }
      set(value)
    case .mul: set(a &* b)
    case .mulh: set(MMUExecution.mulh(a, b))
    case .mulhsu: set(MMUExecution.mulhsu(a, b))
    case .mulhu: set(MMUExecution.mulhu(a, b))
    case .div: set(MMUExecution.div(a, b))
    case .divu: set(MMUExecution.divu(a, b))
    case .rem: set(MMUExecution.rem(a, b))
    case .remu: set(MMUExecution.remu(a, b))
    case .mulw: set(word(a &* b))
    case .divw: set(MMUExecution.divw(a, b))
    case .divuw: set(MMUExecution.divuw(a, b))
    case .remw: set(MMUExecution.remw(a, b))
    case .remuw: set(MMUExecution.remuw(a, b))
    case .lrW, .scW, .amoswapW, .amoaddW, .amoxorW, .amoandW, .amoorW, .amominW, .amomaxW,
      .amominuW, .amomaxuW, .lrD, .scD, .amoswapD, .amoaddD, .amoxorD, .amoandD, .amoorD,
      .amominD, .amomaxD, .amominuD, .amomaxuD:
      var value: UInt64 = 0
      guard slowAtomic(s, i.opcode, a, b, &value) else { return .noted }
      set(value)
    case .roiBegin: reason = .regionHint(true)
    case .roiEnd: reason = .regionHint(false)
    }
    if case .misalignedFetch = reason { return reason }
    if reason == .noted { return reason }
    s.pointee.programCounter = next
    s.pointee.retired &+= 1
    s.pointee.baseCycles &+= core.costs[Int(i.opcode.rawValue)]
    return reason
  }
}

extension StopReason {
  /// Stands for the trap that is noted in the core's state.
  fileprivate static var noted: StopReason { .fault(.generalProtection(0)) }
}

extension Core {
  /// Counts and reports a fetch that failed; the trap is noted in the state.
  func fetchFault() -> StopReason {
    // A non-canonical address is refused before any lookup.
    if VirtualAddress.isCanonical(programCounter) { state.pointee.faultedFetches &+= 1 }
    state.pointee.reservation = .max
    state.pointee.trapAccess = 20
    return stopReason()
  }

  /// The trap noted by the last access.
  func stopReason() -> StopReason {
    switch state.pointee.trap {
    case .translation: .fault(mmu.lastFault(state.pointee.trapAccess))
    case .bus: .fault(.busError(PhysicalAddress(state.pointee.trapAddress)))
    case .misalignedAtomic: .misalignedAtomic(address: state.pointee.trapAddress)
    case .none: preconditionFailure("an access failed without a trap")
    }
  }
}

extension CoreState {
  /// The counters a user program may read: cycle, time (10 MHz, at 3 GHz cycles) and instret.
  func readCSR(_ number: Int32) -> UInt64? {
    switch UInt16(truncatingIfNeeded: number) & 0xfff {
    case ControlStatusRegister.cycle.rawValue: cycles
    case ControlStatusRegister.time.rawValue: cycles / 300
    case ControlStatusRegister.instret.rawValue: retired
    default: nil
    }
  }
}
