import MMUMemory
import MMUPaging

// Branches and jumps: the only operations that touch `acc`, and the places where a slice can end.

/// Why a slice was left.
enum SliceExit {
  /// The limit was reached before the operation at `exitOperation`.
  static var limit: UInt64 { 0 }
  /// The operation at `exitOperation` is for the stepper.
  static var step: UInt64 { 1 }
  /// The operation at `exitOperation` trapped; the trap stands in the core's state.
  static var trap: UInt64 { 2 }
  /// Execution goes on at `exitAddress`, in a page the fetch filter does not know, or at the limit.
  static var address: UInt64 { 3 }
  /// A stop may stand at the operation at `exitOperation`.
  static var stop: UInt64 { 4 }
}

/// Leaves the slice at an operation that has not been executed.
@inline(__always)
func leave(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64, _ reason: UInt64
) {
  c.storeBytes(
    of: UInt64(UInt(bitPattern: op)), toByteOffset: EngineWord.exitOperation, as: UInt64.self)
  c.storeBytes(of: acc, toByteOffset: EngineWord.exitTotals, as: UInt64.self)
  c.storeBytes(of: reason, toByteOffset: EngineWord.exitReason, as: UInt64.self)
}

@inline(__always)
func isOver(_ c: UnsafeMutableRawPointer, _ acc: UInt64) -> Bool {
  Int64(bitPattern: acc) >= c.load(fromByteOffset: EngineWord.limit, as: Int64.self)
}

/// Takes a branch inside the page.
@inline(__always)
func takeNear(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  let acc = acc &+ op.load(fromByteOffset: Operation.extra, as: UInt64.self)
  let target = op + Int(op.load(fromByteOffset: Operation.immediate, as: Int32.self))
  if isOver(c, acc) {
    leave(c, target, acc, SliceExit.limit)
    return
  }
  goOn(c, target, acc)
}

/// Goes on at a virtual address; `acc` holds true totals.
@inline(__always)
func goTo(_ c: UnsafeMutableRawPointer, _ address: UInt64, _ acc: UInt64) {
  let page = address & ~0xfff
  let entry =
    c + TranslationContext.fetchFilter
    + Int(truncatingIfNeeded: (address &>> 7) & UInt64((TranslationContext.fetchSlots - 1) << 5))
  if entry.load(as: UInt64.self) != page || isOver(c, acc) {
    c.storeBytes(of: address, toByteOffset: EngineWord.exitAddress, as: UInt64.self)
    leave(c, c, acc, SliceExit.address)
    return
  }
  let operations = entry.load(fromByteOffset: 8, as: UInt64.self)
  let touch = entry.load(fromByteOffset: 16, as: UInt.self)
  let clock = c.load(fromByteOffset: TranslationContext.fetchClock, as: UInt64.self) &+ 1
  c.storeBytes(of: clock, toByteOffset: TranslationContext.fetchClock, as: UInt64.self)
  UnsafeMutablePointer<UInt64>(bitPattern: touch).unsafelyUnwrapped.pointee = clock
  c.storeBytes(of: page, toByteOffset: EngineWord.page, as: UInt64.self)
  c.storeBytes(of: operations, toByteOffset: EngineWord.operations, as: UInt64.self)
  let op = UnsafeMutableRawPointer(
    bitPattern: UInt(operations &+ (address & 0xffc) &* 8)
  ).unsafelyUnwrapped
  goOn(c, op, acc &- op.load(fromByteOffset: Operation.prefix, as: UInt64.self))
}

/// Takes a branch that leaves the page.
@inline(__always)
func takeFar(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  let page = c.load(fromByteOffset: EngineWord.page, as: UInt64.self)
  goTo(
    c, page &+ immediate(op),
    acc &+ op.load(fromByteOffset: Operation.extra, as: UInt64.self))
}

/// Takes a branch inside the page if its two registers say so, else goes on.
@inline(__always)
func branch(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64,
  _ isTaken: (UInt64, UInt64) -> Bool
) {
  if isTaken(register(c, op, Operation.rs1), register(c, op, Operation.rs2)) {
    takeNear(c, op, acc)
    return
  }
  next(c, op, acc)
}

/// The same for a branch that leaves the page.
@inline(__always)
func branchFar(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64,
  _ isTaken: (UInt64, UInt64) -> Bool
) {
  if isTaken(register(c, op, Operation.rs1), register(c, op, Operation.rs2)) {
    takeFar(c, op, acc)
    return
  }
  next(c, op, acc)
}

@inline(__always)
func setLink(_ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer) {
  let page = c.load(fromByteOffset: EngineWord.page, as: UInt64.self)
  setRegister(
    c, op, page &+ UInt64(op.load(fromByteOffset: Operation.link, as: UInt16.self)))
}

@c(mmuemu_opBeq)
func opBeq(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branch(c, op, acc) { $0 == $1 }
}

@c(mmuemu_opBeqFar)
func opBeqFar(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branchFar(c, op, acc) { $0 == $1 }
}

@c(mmuemu_opBne)
func opBne(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branch(c, op, acc) { $0 != $1 }
}

@c(mmuemu_opBneFar)
func opBneFar(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branchFar(c, op, acc) { $0 != $1 }
}

@c(mmuemu_opBlt)
func opBlt(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branch(c, op, acc) { signed($0) < signed($1) }
}

@c(mmuemu_opBltFar)
func opBltFar(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branchFar(c, op, acc) { signed($0) < signed($1) }
}

@c(mmuemu_opBge)
func opBge(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branch(c, op, acc) { signed($0) >= signed($1) }
}

@c(mmuemu_opBgeFar)
func opBgeFar(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branchFar(c, op, acc) { signed($0) >= signed($1) }
}

@c(mmuemu_opBltu)
func opBltu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branch(c, op, acc) { $0 < $1 }
}

@c(mmuemu_opBltuFar)
func opBltuFar(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branchFar(c, op, acc) { $0 < $1 }
}

@c(mmuemu_opBgeu)
func opBgeu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branch(c, op, acc) { $0 >= $1 }
}

@c(mmuemu_opBgeuFar)
func opBgeuFar(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  branchFar(c, op, acc) { $0 >= $1 }
}

@c(mmuemu_opJump)
func opJump(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  takeNear(c, op, acc)
}

@c(mmuemu_opJal)
func opJal(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  setLink(c, op)
  takeNear(c, op, acc)
}

@c(mmuemu_opJalFar)
func opJalFar(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  setLink(c, op)
  takeFar(c, op, acc)
}

@c(mmuemu_opJalr)
func opJalr(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  let target = (register(c, op, Operation.rs1) &+ immediate(op)) & ~1
  if target & 2 != 0 {
    leave(c, op, acc, SliceExit.step)
    return
  }
  setLink(c, op)
  let acc =
    acc &+ (op + Operation.stride).load(fromByteOffset: Operation.prefix, as: UInt64.self)
  let page = c.load(fromByteOffset: EngineWord.page, as: UInt64.self)
  if target ^ page > 0xfff || isOver(c, acc) {
    goTo(c, target, acc)
    return
  }
  let operations = c.load(fromByteOffset: EngineWord.operations, as: UInt64.self)
  let to = UnsafeMutableRawPointer(
    bitPattern: UInt(operations &+ (target & 0xffc) &* 8)
  ).unsafelyUnwrapped
  goOn(c, to, acc &- to.load(fromByteOffset: Operation.prefix, as: UInt64.self))
}

// Behind the last instruction of a page.
@c(mmuemu_opNextPage)
func opNextPage(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  let page = c.load(fromByteOffset: EngineWord.page, as: UInt64.self)
  goTo(
    c, page &+ 4096, acc &+ op.load(fromByteOffset: Operation.prefix, as: UInt64.self))
}

@c(mmuemu_opLeave)
func opLeave(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  leave(c, op, acc, SliceExit.step)
}

@c(mmuemu_opStop)
func opStop(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  leave(c, op, acc, SliceExit.stop)
}
