/// A decoded instruction: eight bytes, trivially copyable.
///
///     let instruction = decode(0x0010_0513)  // addi a0, zero, 1
///     instruction.opcode == .addi && instruction.rd == 10 && instruction.immediate == 1
///
/// What `immediate` holds depends on the format:
///
///     loads, stores, branches, jal, jalr, addi...   sign-extended value, in bytes for offsets
///     lui, auipc                                    the value, already shifted left by 12
///     shifts                                        the shift amount
///     csr*                                          the CSR's number (an immediate operand is in rs1)
///     lr, sc, amo*                                  `MemoryOrdering` (aq, rl)
///     fence                                         bits 31...20: fm, predecessors, successors
///     illegal                                       the whole word
public struct Instruction: Equatable, Hashable, Sendable {
  /// What to do.
  public var opcode: Opcode
  /// Destination register's number, 0 where the format has none.
  public var rd: UInt8
  /// First source register's number, 0 where the format has none; the 5-bit immediate of csrrwi, csrrsi, csrrci.
  public var rs1: UInt8
  /// Second source register's number, 0 where the format has none.
  public var rs2: UInt8
  /// The immediate operand; see the type.
  public var immediate: Int32

  /// Joins the fields as given; nothing is checked.
  @inlinable
  public init(
    _ opcode: Opcode, rd: UInt8 = 0, rs1: UInt8 = 0, rs2: UInt8 = 0, immediate: Int32 = 0
  ) {
    self.opcode = opcode
    self.rd = rd
    self.rs1 = rs1
    self.rs2 = rs2
    self.immediate = immediate
  }

  /// The aq and rl bits of an atomic.
  @inlinable public var ordering: MemoryOrdering {
    MemoryOrdering(rawValue: UInt8(truncatingIfNeeded: immediate) & 3)
  }

  /// A fence's mode: 0, or 8 for fence.tso.
  @inlinable public var fenceMode: UInt8 { UInt8(truncatingIfNeeded: immediate >> 8) & 15 }

  /// The accesses a fence orders before it.
  @inlinable public var fencePredecessors: FenceSet {
    FenceSet(rawValue: UInt8(truncatingIfNeeded: immediate >> 4) & 15)
  }

  /// The accesses a fence orders after it.
  @inlinable public var fenceSuccessors: FenceSet {
    FenceSet(rawValue: UInt8(truncatingIfNeeded: immediate) & 15)
  }
}

/// The ordering bits of an atomic instruction (RISC-V Unprivileged ISA, "A" chapter).
public struct MemoryOrdering: OptionSet, Hashable, Sendable {
  /// The two bits as they stand in the word, at bit 25.
  public let rawValue: UInt8

  /// Takes the two bits.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// rl: earlier accesses are seen before this one.
  @inlinable public static var release: Self { Self(rawValue: 1 << 0) }
  /// aq: later accesses are seen after this one.
  @inlinable public static var acquire: Self { Self(rawValue: 1 << 1) }
}

/// A predecessor or successor set of a fence.
public struct FenceSet: OptionSet, Hashable, Sendable {
  /// The four bits as they stand in the word.
  public let rawValue: UInt8

  /// Takes the four bits.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// w: memory writes.
  @inlinable public static var writes: Self { Self(rawValue: 1 << 0) }
  /// r: memory reads.
  @inlinable public static var reads: Self { Self(rawValue: 1 << 1) }
  /// o: device output.
  @inlinable public static var output: Self { Self(rawValue: 1 << 2) }
  /// i: device input.
  @inlinable public static var input: Self { Self(rawValue: 1 << 3) }
}
