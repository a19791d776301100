import MMUMemory
import MMUPaging
import RISCV

// One function for each operation. Each does its work and goes on to the next operation's function
// by a call in tail position, which an optimised build makes a jump; a slice bounds how deep a debug
// build can nest them. Three words travel in host registers: the context block, the operation and
// `acc`, to which the operation's prefix word is added to give the true totals of the slice.

/// A threaded operation: context, operation, acc.
typealias Handler =
  @convention(c) (UnsafeMutableRawPointer, UnsafeMutableRawPointer, UInt64) -> Void

@inline(__always)
func goOn(_ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64) {
  unsafeBitCast(op.load(as: UInt.self), to: Handler.self)(c, op, acc)
}

@inline(__always)
func next(_ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64) {
  goOn(c, op + Operation.stride, acc)
}

@inline(__always)
func register(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ field: Int
) -> UInt64 {
  let number = op.load(fromByteOffset: field, as: UInt8.self)
  return (c + Int(number) &* 8).load(as: UInt64.self)
}

@inline(__always)
func setRegister(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ value: UInt64
) {
  let number = op.load(fromByteOffset: Operation.rd, as: UInt8.self)
  (c + Int(number) &* 8).storeBytes(of: value, as: UInt64.self)
}

@inline(__always)
func immediate(_ op: UnsafeMutableRawPointer) -> UInt64 {
  UInt64(bitPattern: Int64(op.load(fromByteOffset: Operation.immediate, as: Int32.self)))
}

/// rd = f(rs1, rs2).
@inline(__always)
func binary(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64,
  _ f: (UInt64, UInt64) -> UInt64
) {
  setRegister(c, op, f(register(c, op, Operation.rs1), register(c, op, Operation.rs2)))
  next(c, op, acc)
}

/// rd = f(rs1, immediate).
@inline(__always)
func withImmediate(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64,
  _ f: (UInt64, UInt64) -> UInt64
) {
  setRegister(c, op, f(register(c, op, Operation.rs1), immediate(op)))
  next(c, op, acc)
}

@inline(__always) func flag(_ condition: Bool) -> UInt64 { condition ? 1 : 0 }

@c(mmuemu_opLoadImmediate)
func opLoadImmediate(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  setRegister(c, op, op.load(fromByteOffset: Operation.extra, as: UInt64.self))
  next(c, op, acc)
}

@c(mmuemu_opAuipc)
func opAuipc(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  let page = c.load(fromByteOffset: EngineWord.page, as: UInt64.self)
  setRegister(c, op, page &+ op.load(fromByteOffset: Operation.extra, as: UInt64.self))
  next(c, op, acc)
}

@c(mmuemu_opFence)
func opFence(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  next(c, op, acc)
}

@c(mmuemu_opAddi)
func opAddi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { $0 &+ $1 }
}

@c(mmuemu_opSlti)
func opSlti(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { flag(signed($0) < signed($1)) }
}

@c(mmuemu_opSltiu)
func opSltiu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { flag($0 < $1) }
}

@c(mmuemu_opXori)
func opXori(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { $0 ^ $1 }
}

@c(mmuemu_opOri)
func opOri(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { $0 | $1 }
}

@c(mmuemu_opAndi)
func opAndi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { $0 & $1 }
}

@c(mmuemu_opSlli)
func opSlli(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { $0 &<< $1 }
}

@c(mmuemu_opSrli)
func opSrli(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { $0 &>> $1 }
}

@c(mmuemu_opSrai)
func opSrai(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { UInt64(bitPattern: signed($0) &>> signed($1)) }
}

@c(mmuemu_opAddiw)
func opAddiw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { word($0 &+ $1) }
}

@c(mmuemu_opSlliw)
func opSlliw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { word($0 &<< $1) }
}

@c(mmuemu_opSrliw)
func opSrliw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { word(UInt64(low32($0) &>> low32($1))) }
}

@c(mmuemu_opSraiw)
func opSraiw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  withImmediate(c, op, acc) { word(UInt64(bitPattern: signed(word($0)) &>> signed($1))) }
}

@c(mmuemu_opAdd)
func opAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { $0 &+ $1 }
}

@c(mmuemu_opSub)
func opSub(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { $0 &- $1 }
}

@c(mmuemu_opSll)
func opSll(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { $0 &<< $1 }
}

@c(mmuemu_opSlt)
func opSlt(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { flag(signed($0) < signed($1)) }
}

@c(mmuemu_opSltu)
func opSltu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { flag($0 < $1) }
}

@c(mmuemu_opXor)
func opXor(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { $0 ^ $1 }
}

@c(mmuemu_opSrl)
func opSrl(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { $0 &>> $1 }
}

@c(mmuemu_opSra)
func opSra(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { UInt64(bitPattern: signed($0) &>> signed($1)) }
}

@c(mmuemu_opOr)
func opOr(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { $0 | $1 }
}

@c(mmuemu_opAnd)
func opAnd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { $0 & $1 }
}

@c(mmuemu_opAddw)
func opAddw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { word($0 &+ $1) }
}

@c(mmuemu_opSubw)
func opSubw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { word($0 &- $1) }
}

@c(mmuemu_opSllw)
func opSllw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { word($0 &<< ($1 & 31)) }
}

@c(mmuemu_opSrlw)
func opSrlw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { word(UInt64(low32($0) &>> low32($1))) }
}

@c(mmuemu_opSraw)
func opSraw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { UInt64(bitPattern: signed(word($0)) &>> signed($1 & 31)) }
}

@c(mmuemu_opMul)
func opMul(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { $0 &* $1 }
}

@c(mmuemu_opMulh)
func opMulh(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { mulh($0, $1) }
}

@c(mmuemu_opMulhsu)
func opMulhsu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { mulhsu($0, $1) }
}

@c(mmuemu_opMulhu)
func opMulhu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { mulhu($0, $1) }
}

@c(mmuemu_opDiv)
func opDiv(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { div($0, $1) }
}

@c(mmuemu_opDivu)
func opDivu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { divu($0, $1) }
}

@c(mmuemu_opRem)
func opRem(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { rem($0, $1) }
}

@c(mmuemu_opRemu)
func opRemu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { remu($0, $1) }
}

@c(mmuemu_opDivw)
func opDivw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { divw($0, $1) }
}

@c(mmuemu_opDivuw)
func opDivuw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { divuw($0, $1) }
}

@c(mmuemu_opRemw)
func opRemw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { remw($0, $1) }
}

@c(mmuemu_opRemuw)
func opRemuw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { remuw($0, $1) }
}

@c(mmuemu_opMulw)
func opMulw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  binary(c, op, acc) { word($0 &* $1) }
}
