/// An integer register, by its number; the cases carry the ABI's names.
public enum Register: UInt8, CaseIterable, Sendable {
  case zero, ra, sp, gp, tp, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7
  case s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6

  /// The ABI's name: `a0`.
  public var name: String { Self.abiNames[Int(rawValue)] }

  /// The architecture's name: `x10`.
  public var xName: String { "x\(rawValue)" }

  /// Finds a register by ABI name, by architectural name, or as `fp` (s0); lower case only.
  public init?(named name: some StringProtocol) {
    if name == "fp" {
      self = .s0
      return
    }
    if let index = Self.abiNames.firstIndex(where: { $0 == name }) {
      self.init(rawValue: UInt8(index))
      return
    }
    guard name.first == "x", let number = UInt8(name.dropFirst()), number < 32,
      name.dropFirst() == String(number)
    else { return nil }
    self.init(rawValue: number)
  }

  /// The ABI names in the order of the numbers.
  public static let abiNames = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
  ]
}
