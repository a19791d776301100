import MMUMemory
import MMUPaging
import RISCV

// Loads, stores and atomics. The filter in front of the TLB answers most; the rest goes through the
// model in a function of its own, so that the quick way needs no stack frame.

/// A filter's slot for an address.
@inline(__always)
private func slot(
  _ c: UnsafeMutableRawPointer, _ filter: Int, _ address: UInt64
) -> UnsafeMutableRawPointer {
  c + filter
    + Int(truncatingIfNeeded: (address &>> 7) & UInt64((TranslationContext.dataSlots - 1) << 5))
}

/// Stamps the first-level entry that the filter hit.
@inline(__always)
private func touchEntry(_ c: UnsafeMutableRawPointer, _ slot: UnsafeMutableRawPointer) {
  let clock = c.load(fromByteOffset: TranslationContext.dataClock, as: UInt64.self) &+ 1
  c.storeBytes(of: clock, toByteOffset: TranslationContext.dataClock, as: UInt64.self)
  let stamp = slot.load(fromByteOffset: 16, as: UInt.self)
  UnsafeMutablePointer<UInt64>(bitPattern: stamp).unsafelyUnwrapped.pointee = clock
}

/// What follows a load or a store that the filter answered.
typealias Continuation = (UnsafeMutableRawPointer, UnsafeMutableRawPointer, UInt64) -> Void

@inline(__always)
func load<T: FixedWidthInteger>(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64, _ type: T.Type,
  _ extend: (T) -> UInt64, then: Continuation = next
) {
  let address = register(c, op, Operation.rs1) &+ immediate(op)
  let slot = slot(c, TranslationContext.readFilter, address)
  let mask = ~0xfff | UInt64(MemoryLayout<T>.size - 1)
  if address & mask != slot.load(as: UInt64.self) {
    opLoadSlow(c, op, acc)
    return
  }
  let host = address &+ slot.load(fromByteOffset: 8, as: UInt64.self)
  touchEntry(c, slot)
  let value = UnsafeRawPointer(bitPattern: UInt(host)).unsafelyUnwrapped.load(as: T.self)
  setRegister(c, op, extend(T(littleEndian: value)))
  then(c, op, acc)
}

@inline(__always)
func store<T: FixedWidthInteger>(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64, _ type: T.Type,
  then: Continuation = next
) {
  let address = register(c, op, Operation.rs1) &+ immediate(op)
  let slot = slot(c, TranslationContext.writeFilter, address)
  let mask = ~0xfff | UInt64(MemoryLayout<T>.size - 1)
  if address & mask != slot.load(as: UInt64.self) {
    opStoreSlow(c, op, acc)
    return
  }
  let host = address &+ slot.load(fromByteOffset: 8, as: UInt64.self)
  touchEntry(c, slot)
  let value = T(truncatingIfNeeded: register(c, op, Operation.rs2)).littleEndian
  UnsafeMutableRawPointer(bitPattern: UInt(host)).unsafelyUnwrapped.storeBytes(
    of: value, as: T.self)
  then(c, op, acc)
}

@inline(__always)
private func coreState(_ c: UnsafeMutableRawPointer) -> UnsafeMutablePointer<CoreState> {
  UnsafeMutablePointer<CoreState>(
    bitPattern: c.load(fromByteOffset: EngineWord.core, as: UInt.self)
  ).unsafelyUnwrapped
}

/// Tells whether the cycle mark is near, so that the stepper must go on.
@inline(__always)
private func isNearMark(
  _ c: UnsafeMutableRawPointer, _ core: UnsafeMutablePointer<CoreState>
) -> Bool {
  core.pointee.mmu.pointee.counters[MMUCounter.cycles.rawValue]
    >= c.load(fromByteOffset: EngineWord.cycleMark, as: UInt64.self)
}

@inline(never)
@c(mmuemu_opLoadSlow)
func opLoadSlow(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  let core = coreState(c)
  if isNearMark(c, core) {
    leave(c, op, acc, SliceExit.step)
    return
  }
  let address = register(c, op, Operation.rs1) &+ immediate(op)
  let width = op.load(fromByteOffset: Operation.width, as: UInt8.self)
  var value: UInt64 = 0
  if !slowLoad(core, address, 1 &<< UInt64(width & 3), &value) {
    leave(c, op, acc, SliceExit.trap)
    return
  }
  if width < 3 {
    // Sign-extends 8, 16 or 32 bits.
    let shift = 64 &- 8 &<< UInt64(width)
    value = UInt64(bitPattern: signed(value &<< shift) &>> signed(shift))
  }
  setRegister(c, op, value)
  next(c, op, acc)
}

@inline(never)
@c(mmuemu_opStoreSlow)
func opStoreSlow(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  let core = coreState(c)
  if isNearMark(c, core) {
    leave(c, op, acc, SliceExit.step)
    return
  }
  let address = register(c, op, Operation.rs1) &+ immediate(op)
  let width = op.load(fromByteOffset: Operation.width, as: UInt8.self)
  let value = register(c, op, Operation.rs2)
  if !slowStore(core, address, 1 &<< UInt64(width & 3), value) {
    leave(c, op, acc, SliceExit.trap)
    return
  }
  if core.pointee.hasStaleCode.pointee {
    // The store hit decoded code, perhaps this very page.
    leave(c, op + Operation.stride, acc, SliceExit.limit)
    return
  }
  next(c, op, acc)
}

@inline(never)
@c(mmuemu_opAtomic)
func opAtomic(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  let core = coreState(c)
  if isNearMark(c, core) {
    leave(c, op, acc, SliceExit.step)
    return
  }
  let opcode = Opcode(rawValue: UInt8(truncatingIfNeeded: immediate(op))).unsafelyUnwrapped
  var value: UInt64 = 0
  let address = register(c, op, Operation.rs1)
  if !slowAtomic(core, opcode, address, register(c, op, Operation.rs2), &value) {
    leave(c, op, acc, SliceExit.trap)
    return
  }
  setRegister(c, op, value)
  if core.pointee.hasStaleCode.pointee {
    leave(c, op + Operation.stride, acc, SliceExit.limit)
    return
  }
  next(c, op, acc)
}

@c(mmuemu_opLb)
func opLb(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, Int8.self) { UInt64(bitPattern: Int64($0)) }
}

@c(mmuemu_opLh)
func opLh(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, Int16.self) { UInt64(bitPattern: Int64($0)) }
}

@c(mmuemu_opLw)
func opLw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, Int32.self) { UInt64(bitPattern: Int64($0)) }
}

@c(mmuemu_opLd)
func opLd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt64.self) { $0 }
}

@c(mmuemu_opLbu)
func opLbu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt8.self) { UInt64($0) }
}

@c(mmuemu_opLhu)
func opLhu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt16.self) { UInt64($0) }
}

@c(mmuemu_opLwu)
func opLwu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt32.self) { UInt64($0) }
}

@c(mmuemu_opSb)
func opSb(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  store(c, op, acc, UInt8.self)
}

@c(mmuemu_opSh)
func opSh(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  store(c, op, acc, UInt16.self)
}

@c(mmuemu_opSw)
func opSw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  store(c, op, acc, UInt32.self)
}

@c(mmuemu_opSd)
func opSd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  store(c, op, acc, UInt64.self)
}
