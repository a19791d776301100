import RISCV

// Pairs of operations that often stand side by side, done by one handler: the first one's effect, then
// all that the second one does. The second keeps its place in the page, so a jump to it, a fault in it
// and the prefix sums are as without the pair; a load or store that comes first and is not answered by the
// filter goes the slow way alone.

/// rd = f(rs1, rs2), without going on.
@inline(__always)
private func compute(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ f: (UInt64, UInt64) -> UInt64
) {
  setRegister(c, op, f(register(c, op, Operation.rs1), register(c, op, Operation.rs2)))
}

/// rd = f(rs1, immediate), without going on.
@inline(__always)
private func computeImmediate(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ f: (UInt64, UInt64) -> UInt64
) {
  setRegister(c, op, f(register(c, op, Operation.rs1), immediate(op)))
}

@c(mmuemu_opAddiBeq)
private func opAddiBeq(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { $0 == $1 }
}

@c(mmuemu_opAddiBne)
private func opAddiBne(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { $0 != $1 }
}

@c(mmuemu_opAddiBlt)
private func opAddiBlt(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { signed($0) < signed($1) }
}

@c(mmuemu_opAddiBge)
private func opAddiBge(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { signed($0) >= signed($1) }
}

@c(mmuemu_opAddiBltu)
private func opAddiBltu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { $0 < $1 }
}

@c(mmuemu_opAddiBgeu)
private func opAddiBgeu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { $0 >= $1 }
}

@c(mmuemu_opAddBeq)
private func opAddBeq(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { $0 == $1 }
}

@c(mmuemu_opAddBne)
private func opAddBne(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { $0 != $1 }
}

@c(mmuemu_opAddBlt)
private func opAddBlt(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { signed($0) < signed($1) }
}

@c(mmuemu_opAddBge)
private func opAddBge(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { signed($0) >= signed($1) }
}

@c(mmuemu_opAddBltu)
private func opAddBltu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { $0 < $1 }
}

@c(mmuemu_opAddBgeu)
private func opAddBgeu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  branch(c, op + Operation.stride, acc) { $0 >= $1 }
}

@c(mmuemu_opAddiwBeq)
private func opAddiwBeq(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { word($0 &+ $1) }
  branch(c, op + Operation.stride, acc) { $0 == $1 }
}

@c(mmuemu_opAddiwBne)
private func opAddiwBne(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { word($0 &+ $1) }
  branch(c, op + Operation.stride, acc) { $0 != $1 }
}

@c(mmuemu_opAddiwBlt)
private func opAddiwBlt(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { word($0 &+ $1) }
  branch(c, op + Operation.stride, acc) { signed($0) < signed($1) }
}

@c(mmuemu_opAddiwBge)
private func opAddiwBge(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { word($0 &+ $1) }
  branch(c, op + Operation.stride, acc) { signed($0) >= signed($1) }
}

@c(mmuemu_opAddiwBltu)
private func opAddiwBltu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { word($0 &+ $1) }
  branch(c, op + Operation.stride, acc) { $0 < $1 }
}

@c(mmuemu_opAddiwBgeu)
private func opAddiwBgeu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { word($0 &+ $1) }
  branch(c, op + Operation.stride, acc) { $0 >= $1 }
}

@c(mmuemu_opAndiBeq)
private func opAndiBeq(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 & $1 }
  branch(c, op + Operation.stride, acc) { $0 == $1 }
}

@c(mmuemu_opAndiBne)
private func opAndiBne(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 & $1 }
  branch(c, op + Operation.stride, acc) { $0 != $1 }
}

@c(mmuemu_opAndiBlt)
private func opAndiBlt(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 & $1 }
  branch(c, op + Operation.stride, acc) { signed($0) < signed($1) }
}

@c(mmuemu_opAndiBge)
private func opAndiBge(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 & $1 }
  branch(c, op + Operation.stride, acc) { signed($0) >= signed($1) }
}

@c(mmuemu_opAndiBltu)
private func opAndiBltu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 & $1 }
  branch(c, op + Operation.stride, acc) { $0 < $1 }
}

@c(mmuemu_opAndiBgeu)
private func opAndiBgeu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 & $1 }
  branch(c, op + Operation.stride, acc) { $0 >= $1 }
}

@c(mmuemu_opAddiJal)
private func opAddiJal(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  setLink(c, op + Operation.stride)
  takeNear(c, op + Operation.stride, acc)
}

@c(mmuemu_opAddiAddi)
private func opAddiAddi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  withImmediate(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opAddiAdd)
private func opAddiAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  binary(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opAddAdd)
private func opAddAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  binary(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opAddAddi)
private func opAddAddi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  withImmediate(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opAddXor)
private func opAddXor(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  binary(c, op + Operation.stride, acc) { $0 ^ $1 }
}

@c(mmuemu_opXorAdd)
private func opXorAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 ^ $1 }
  binary(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opXorAddi)
private func opXorAddi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 ^ $1 }
  withImmediate(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opXorSlli)
private func opXorSlli(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 ^ $1 }
  withImmediate(c, op + Operation.stride, acc) { $0 &<< $1 }
}

@c(mmuemu_opXorSrli)
private func opXorSrli(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 ^ $1 }
  withImmediate(c, op + Operation.stride, acc) { $0 &>> $1 }
}

@c(mmuemu_opXorXor)
private func opXorXor(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 ^ $1 }
  binary(c, op + Operation.stride, acc) { $0 ^ $1 }
}

@c(mmuemu_opSlliXor)
private func opSlliXor(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &<< $1 }
  binary(c, op + Operation.stride, acc) { $0 ^ $1 }
}

@c(mmuemu_opSrliXor)
private func opSrliXor(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &>> $1 }
  binary(c, op + Operation.stride, acc) { $0 ^ $1 }
}

@c(mmuemu_opSlliAdd)
private func opSlliAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &<< $1 }
  binary(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opSlliSrli)
private func opSlliSrli(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &<< $1 }
  withImmediate(c, op + Operation.stride, acc) { $0 &>> $1 }
}

@c(mmuemu_opSrliAdd)
private func opSrliAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &>> $1 }
  binary(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opSrliAndi)
private func opSrliAndi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &>> $1 }
  withImmediate(c, op + Operation.stride, acc) { $0 & $1 }
}

@c(mmuemu_opMulAdd)
private func opMulAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &* $1 }
  binary(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opXoriAdd)
private func opXoriAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 ^ $1 }
  binary(c, op + Operation.stride, acc) { $0 &+ $1 }
}

@c(mmuemu_opAddLd)
private func opAddLd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  load(c, op + Operation.stride, acc, UInt64.self) { $0 }
}

@c(mmuemu_opAddLw)
private func opAddLw(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  load(c, op + Operation.stride, acc, Int32.self) { UInt64(bitPattern: Int64($0)) }
}

@c(mmuemu_opAddLbu)
private func opAddLbu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  load(c, op + Operation.stride, acc, UInt8.self) { UInt64($0) }
}

@c(mmuemu_opAddiLd)
private func opAddiLd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  load(c, op + Operation.stride, acc, UInt64.self) { $0 }
}

@c(mmuemu_opAddiSd)
private func opAddiSd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  store(c, op + Operation.stride, acc, UInt64.self)
}

@c(mmuemu_opAddSd)
private func opAddSd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  store(c, op + Operation.stride, acc, UInt64.self)
}

@c(mmuemu_opAddiLbu)
private func opAddiLbu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  computeImmediate(c, op) { $0 &+ $1 }
  load(c, op + Operation.stride, acc, UInt8.self) { UInt64($0) }
}

@c(mmuemu_opAddSb)
private func opAddSb(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  store(c, op + Operation.stride, acc, UInt8.self)
}

@c(mmuemu_opAddSlli)
private func opAddSlli(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  compute(c, op) { $0 &+ $1 }
  withImmediate(c, op + Operation.stride, acc) { $0 &<< $1 }
}

@c(mmuemu_opLdLd)
private func opLdLd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt64.self, { $0 }) { c, op, acc in
    load(c, op + Operation.stride, acc, UInt64.self) { $0 }
  }
}

@c(mmuemu_opSdSd)
private func opSdSd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  store(c, op, acc, UInt64.self) { c, op, acc in
    store(c, op + Operation.stride, acc, UInt64.self)
  }
}

@c(mmuemu_opLdAdd)
private func opLdAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt64.self, { $0 }) { c, op, acc in
    binary(c, op + Operation.stride, acc) { $0 &+ $1 }
  }
}

@c(mmuemu_opLdAddi)
private func opLdAddi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt64.self, { $0 }) { c, op, acc in
    withImmediate(c, op + Operation.stride, acc) { $0 &+ $1 }
  }
}

@c(mmuemu_opSdAddi)
private func opSdAddi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  store(c, op, acc, UInt64.self) { c, op, acc in
    withImmediate(c, op + Operation.stride, acc) { $0 &+ $1 }
  }
}

@c(mmuemu_opLbuAddi)
private func opLbuAddi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt8.self, { UInt64($0) }) { c, op, acc in
    withImmediate(c, op + Operation.stride, acc) { $0 &+ $1 }
  }
}

@c(mmuemu_opLbuBne)
private func opLbuBne(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt8.self, { UInt64($0) }) { c, op, acc in
    branch(c, op + Operation.stride, acc) { $0 != $1 }
  }
}

@c(mmuemu_opLbuBeq)
private func opLbuBeq(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt8.self, { UInt64($0) }) { c, op, acc in
    branch(c, op + Operation.stride, acc) { $0 == $1 }
  }
}

@c(mmuemu_opLdBgeu)
private func opLdBgeu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt64.self, { $0 }) { c, op, acc in
    branch(c, op + Operation.stride, acc) { $0 >= $1 }
  }
}

@c(mmuemu_opLdBltu)
private func opLdBltu(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt64.self, { $0 }) { c, op, acc in
    branch(c, op + Operation.stride, acc) { $0 < $1 }
  }
}

@c(mmuemu_opLdBne)
private func opLdBne(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt64.self, { $0 }) { c, op, acc in
    branch(c, op + Operation.stride, acc) { $0 != $1 }
  }
}

@c(mmuemu_opLdBeq)
private func opLdBeq(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt64.self, { $0 }) { c, op, acc in
    branch(c, op + Operation.stride, acc) { $0 == $1 }
  }
}

@c(mmuemu_opLdMul)
private func opLdMul(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, UInt64.self, { $0 }) { c, op, acc in
    binary(c, op + Operation.stride, acc) { $0 &* $1 }
  }
}

@c(mmuemu_opSdLd)
private func opSdLd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  store(c, op, acc, UInt64.self) { c, op, acc in
    load(c, op + Operation.stride, acc, UInt64.self) { $0 }
  }
}

@c(mmuemu_opLwAdd)
private func opLwAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, Int32.self, { UInt64(bitPattern: Int64($0)) }) { c, op, acc in
    binary(c, op + Operation.stride, acc) { $0 &+ $1 }
  }
}

@c(mmuemu_opLwAddi)
private func opLwAddi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  load(c, op, acc, Int32.self, { UInt64(bitPattern: Int64($0)) }) { c, op, acc in
    withImmediate(c, op + Operation.stride, acc) { $0 &+ $1 }
  }
}

@c(mmuemu_opSbAddi)
private func opSbAddi(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  store(c, op, acc, UInt8.self) { c, op, acc in
    withImmediate(c, op + Operation.stride, acc) { $0 &+ $1 }
  }
}

@c(mmuemu_opSbAdd)
private func opSbAdd(
  _ c: UnsafeMutableRawPointer, _ op: UnsafeMutableRawPointer, _ acc: UInt64
) {
  store(c, op, acc, UInt8.self) { c, op, acc in
    binary(c, op + Operation.stride, acc) { $0 &+ $1 }
  }
}

/// The pairs there are.
let pairHandlers: [(Opcode, Opcode, Handler)] = [
  (.addi, .beq, opAddiBeq),
  (.addi, .bne, opAddiBne),
  (.addi, .blt, opAddiBlt),
  (.addi, .bge, opAddiBge),
  (.addi, .bltu, opAddiBltu),
  (.addi, .bgeu, opAddiBgeu),
  (.add, .beq, opAddBeq),
  (.add, .bne, opAddBne),
  (.add, .blt, opAddBlt),
  (.add, .bge, opAddBge),
  (.add, .bltu, opAddBltu),
  (.add, .bgeu, opAddBgeu),
  (.addiw, .beq, opAddiwBeq),
  (.addiw, .bne, opAddiwBne),
  (.addiw, .blt, opAddiwBlt),
  (.addiw, .bge, opAddiwBge),
  (.addiw, .bltu, opAddiwBltu),
  (.addiw, .bgeu, opAddiwBgeu),
  (.andi, .beq, opAndiBeq),
  (.andi, .bne, opAndiBne),
  (.andi, .blt, opAndiBlt),
  (.andi, .bge, opAndiBge),
  (.andi, .bltu, opAndiBltu),
  (.andi, .bgeu, opAndiBgeu),
  (.addi, .jal, opAddiJal),
  (.addi, .addi, opAddiAddi),
  (.addi, .add, opAddiAdd),
  (.add, .add, opAddAdd),
  (.add, .addi, opAddAddi),
  (.add, .xor, opAddXor),
  (.xor, .add, opXorAdd),
  (.xor, .addi, opXorAddi),
  (.xor, .slli, opXorSlli),
  (.xor, .srli, opXorSrli),
  (.xor, .xor, opXorXor),
  (.slli, .xor, opSlliXor),
  (.srli, .xor, opSrliXor),
  (.slli, .add, opSlliAdd),
  (.slli, .srli, opSlliSrli),
  (.srli, .add, opSrliAdd),
  (.srli, .andi, opSrliAndi),
  (.mul, .add, opMulAdd),
  (.xori, .add, opXoriAdd),
  (.add, .ld, opAddLd),
  (.add, .lw, opAddLw),
  (.add, .lbu, opAddLbu),
  (.addi, .ld, opAddiLd),
  (.addi, .sd, opAddiSd),
  (.add, .sd, opAddSd),
  (.addi, .lbu, opAddiLbu),
  (.add, .sb, opAddSb),
  (.add, .slli, opAddSlli),
  (.ld, .ld, opLdLd),
  (.sd, .sd, opSdSd),
  (.ld, .add, opLdAdd),
  (.ld, .addi, opLdAddi),
  (.sd, .addi, opSdAddi),
  (.lbu, .addi, opLbuAddi),
  (.lbu, .bne, opLbuBne),
  (.lbu, .beq, opLbuBeq),
  (.ld, .bgeu, opLdBgeu),
  (.ld, .bltu, opLdBltu),
  (.ld, .bne, opLdBne),
  (.ld, .beq, opLdBeq),
  (.ld, .mul, opLdMul),
  (.sd, .ld, opSdLd),
  (.lw, .add, opLwAdd),
  (.lw, .addi, opLwAddi),
  (.sb, .addi, opSbAddi),
  (.sb, .add, opSbAdd),
]
