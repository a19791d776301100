import MMUMemory
import MMUPaging
import RISCV

// Loads, stores and atomics through the model, one lookup for every page touched. Both engines use
// them: the reference engine for every access, the fast one for those its filter does not know. All
// return whether the access was done; if not, the trap stands in the state and nothing has changed.

/// Access bits of a user-mode read, write and fetch.
private let userRead: UInt64 = 4
private let userWrite: UInt64 = 6

/// Notes why an access could not be done, and the lookups it made nevertheless.
@inline(never)
private func fail(
  _ core: UnsafeMutablePointer<CoreState>, _ trap: AccessTrap, _ access: UInt64, _ address: UInt64,
  earlier lookups: UInt64 = 0
) -> Bool {
  core.pointee.trap = trap
  core.pointee.trapAccess = access
  core.pointee.trapAddress = address
  // A non-canonical address is refused before any lookup.
  let own: UInt64 = VirtualAddress.isCanonical(address) ? 1 : 0
  core.pointee.extraDataLookups &+= lookups &+ own
  return false
}

/// Translates the bytes of an access: the host address of the first, and of the second page's first
/// byte if it crosses into one.
///
/// Both pages are translated before either is used.
@inline(__always)
private func locate(
  _ core: UnsafeMutablePointer<CoreState>, _ address: UInt64, _ size: UInt64, _ access: UInt64
) -> (first: UInt64, second: UInt64)? {
  let first = resolveUserData(core.pointee.mmu, address, access)
  if first == 0 {
    _ = fail(core, .translation, access, address)
    return nil
  }
  let place = first & ~0xfff | (address & 0xfff)
  if (address & 0xfff) &+ size <= 4096 {
    if place >= core.pointee.ramBytes {
      _ = fail(core, .bus, access, address)
      core.pointee.trapAddress = place
      return nil
    }
    return (place, 0)
  }
  let next = (address | 0xfff) &+ 1
  let second = resolveUserData(core.pointee.mmu, next, access)
  if second == 0 {
    _ = fail(core, .translation, access, next, earlier: 1)
    return nil
  }
  if max(place, second) >= core.pointee.ramBytes {
    _ = fail(core, .bus, access, next, earlier: 1)
    core.pointee.trapAddress = max(place, second & ~1)
    return nil
  }
  return (place, second)
}

/// Loads 1, 2, 4 or 8 bytes, not extended.
@inline(__always)
func slowLoad(
  _ core: UnsafeMutablePointer<CoreState>, _ address: UInt64, _ size: UInt64,
  _ value: inout UInt64
) -> Bool {
  guard let place = locate(core, address, size, userRead) else { return false }
  let base = core.pointee.base
  if place.second == 0 {
    let at = base + Int(place.first)
    switch size {
    case 1: value = UInt64(at.load(as: UInt8.self))
    case 2: value = UInt64(UInt16(littleEndian: at.loadUnaligned(as: UInt16.self)))
    case 4: value = UInt64(UInt32(littleEndian: at.loadUnaligned(as: UInt32.self)))
    default: value = UInt64(littleEndian: at.loadUnaligned(as: UInt64.self))
    }
    return true
  }
  core.pointee.extraDataLookups &+= 1
  value = 0
  let inFirst = 4096 &- (address & 0xfff)
  for i in 0..<size {
    let at = i < inFirst ? place.first &+ i : (place.second & ~1) &+ i &- inFirst
    value |= UInt64((base + Int(at)).load(as: UInt8.self)) &<< (8 &* i)
  }
  return true
}

/// Stores the low 1, 2, 4 or 8 bytes of `value`.
@inline(__always)
func slowStore(
  _ core: UnsafeMutablePointer<CoreState>, _ address: UInt64, _ size: UInt64, _ value: UInt64
) -> Bool {
  guard let place = locate(core, address, size, userWrite) else { return false }
  let base = core.pointee.base
  core.pointee.willWrite(place.first)
  if place.second == 0 {
    let at = base + Int(place.first)
    switch size {
    case 1: at.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
    case 2: at.storeBytes(of: UInt16(truncatingIfNeeded: value).littleEndian, as: UInt16.self)
    case 4: at.storeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian, as: UInt32.self)
    default: at.storeBytes(of: value.littleEndian, as: UInt64.self)
    }
    return true
  }
  core.pointee.extraDataLookups &+= 1
  core.pointee.willWrite(place.second)
  let inFirst = 4096 &- (address & 0xfff)
  for i in 0..<size {
    let at = i < inFirst ? place.first &+ i : (place.second & ~1) &+ i &- inFirst
    (base + Int(at)).storeBytes(of: UInt8(truncatingIfNeeded: value &>> (8 &* i)), as: UInt8.self)
  }
  return true
}

/// Executes LR, SC or an AMO; `result` is what rd receives.
///
/// All translate as writes, once.
@inline(never)
func slowAtomic(
  _ core: UnsafeMutablePointer<CoreState>, _ opcode: Opcode, _ address: UInt64, _ operand: UInt64,
  _ result: inout UInt64
) -> Bool {
  if opcode.rawValue >= Opcode.lrD.rawValue {
    var old: Int64 = 0
    guard atomic(core, opcode, address, Int64(bitPattern: operand), &old) else { return false }
    result = UInt64(bitPattern: old)
  } else {
    var old: Int32 = 0
    guard atomic(core, opcode, address, Int32(truncatingIfNeeded: operand), &old) else {
      return false
    }
    result = UInt64(bitPattern: Int64(old))
  }
  return true
}

/// The atomics of one width; `result` is the old value, or SC's verdict.
@inline(__always)
private func atomic<Word: FixedWidthInteger & SignedInteger>(
  _ core: UnsafeMutablePointer<CoreState>, _ opcode: Opcode, _ address: UInt64, _ operand: Word,
  _ result: inout Word
) -> Bool {
  let size = UInt64(MemoryLayout<Word>.size)
  if address & (size &- 1) != 0 {
    core.pointee.trap = .misalignedAtomic
    core.pointee.trapAddress = address
    return false
  }
  guard let place = locate(core, address, size, userWrite) else { return false }
  core.pointee.atomics &+= 1
  let reserved = core.pointee.reservation
  if opcode == .lrW || opcode == .lrD {
    core.pointee.reservation = place.first
  } else if opcode == .scW || opcode == .scD {
    core.pointee.reservation = .max
  }
  func unsigned(_ word: Word) -> Word.Magnitude { Word.Magnitude(truncatingIfNeeded: word) }
  let old = core.pointee.memory._withUnsafeGuaranteedRef {
    $0.update(Word.self, at: PhysicalAddress(place.first)) { (old: Word) -> Word? in
      switch opcode {
      case .lrW, .lrD: nil
      case .scW, .scD: reserved == place.first ? operand : nil
      case .amoswapW, .amoswapD: operand
      case .amoaddW, .amoaddD: old &+ operand
      case .amoxorW, .amoxorD: old ^ operand
      case .amoandW, .amoandD: old & operand
      case .amoorW, .amoorD: old | operand
      case .amominW, .amominD: min(old, operand)
      case .amomaxW, .amomaxD: max(old, operand)
      case .amominuW, .amominuD: unsigned(old) < unsigned(operand) ? old : operand
      case .amomaxuW, .amomaxuD: unsigned(old) > unsigned(operand) ? old : operand
      default: preconditionFailure("\(opcode) is no atomic")
      }
    }
  }
  let isConditional = opcode == .scW || opcode == .scD
  result = isConditional ? (reserved == place.first ? 0 : 1) : old
  return true
}
