// The arithmetic whose results are not Swift's own: division by zero and overflow, high halves, and
// the word forms. RISC-V Unprivileged ISA, "M" chapter. Both engines call these.

@inline(__always) func signed(_ x: UInt64) -> Int64 { Int64(bitPattern: x) }

/// The low 32 bits, sign-extended.
@inline(__always) func word(_ x: UInt64) -> UInt64 {
  UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: x)))
}

@inline(__always) func low32(_ x: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: x) }

@inline(__always) func mulh(_ a: UInt64, _ b: UInt64) -> UInt64 {
  UInt64(bitPattern: signed(a).multipliedFullWidth(by: signed(b)).high)
}

@inline(__always) func mulhu(_ a: UInt64, _ b: UInt64) -> UInt64 {
  a.multipliedFullWidth(by: b).high
}

@inline(__always) func mulhsu(_ a: UInt64, _ b: UInt64) -> UInt64 {
  mulhu(a, b) &- (signed(a) < 0 ? b : 0)
}

@inline(__always) func div(_ a: UInt64, _ b: UInt64) -> UInt64 {
  if b == 0 { return .max }
  if b == .max { return 0 &- a }
  return UInt64(bitPattern: signed(a) / signed(b))
}

@inline(__always) func divu(_ a: UInt64, _ b: UInt64) -> UInt64 { b == 0 ? .max : a / b }

@inline(__always) func rem(_ a: UInt64, _ b: UInt64) -> UInt64 {
  if b == 0 { return a }
  if b == .max { return 0 }
  return UInt64(bitPattern: signed(a) % signed(b))
}

@inline(__always) func remu(_ a: UInt64, _ b: UInt64) -> UInt64 { b == 0 ? a : a % b }

@inline(__always) func divw(_ a: UInt64, _ b: UInt64) -> UInt64 {
  word(div(word(a), word(b)))
}

@inline(__always) func divuw(_ a: UInt64, _ b: UInt64) -> UInt64 {
  low32(b) == 0 ? .max : word(UInt64(low32(a) / low32(b)))
}

@inline(__always) func remw(_ a: UInt64, _ b: UInt64) -> UInt64 {
  word(rem(word(a), word(b)))
}

@inline(__always) func remuw(_ a: UInt64, _ b: UInt64) -> UInt64 {
  low32(b) == 0 ? word(a) : word(UInt64(low32(a) % low32(b)))
}
