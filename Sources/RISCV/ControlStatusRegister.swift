/// A control and status register, by its number.
///
/// Our core has the user's counters only; the other names exist so that a program that mentions them
/// assembles, disassembles readably, and traps as on a real core in user mode.
public struct ControlStatusRegister: RawRepresentable, Equatable, Hashable, Sendable {
  /// The 12-bit number.
  public let rawValue: UInt16

  /// Takes the number; bits above the twelfth are dropped.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue & 0xFFF }

  /// Cycles since the core started.
  @inlinable public static var cycle: Self { Self(rawValue: 0xC00) }
  /// The wall clock of the emulated machine.
  @inlinable public static var time: Self { Self(rawValue: 0xC01) }
  /// Instructions retired.
  @inlinable public static var instret: Self { Self(rawValue: 0xC02) }

  /// Whether writing it is illegal by its number alone (the two upper bits are ones).
  @inlinable public var isReadOnly: Bool { rawValue >> 10 == 3 }

  /// The specification's name, if it has one.
  public var name: String? {
    let names = Self.names
    var (low, high) = (0, names.count)
    while low < high {
      let middle = (low + high) / 2
      if names[middle].number < rawValue { low = middle + 1 } else { high = middle }
    }
    guard low < names.count, names[low].number == rawValue else { return nil }
    return names[low].name
  }

  /// All named registers, in the order of their numbers.
  public static let names: [(number: UInt16, name: String)] = {
    var table: [(number: UInt16, name: String)] = [
      (0x001, "fflags"), (0x002, "frm"), (0x003, "fcsr"),
      (0xC00, "cycle"), (0xC01, "time"), (0xC02, "instret"),
      (0x100, "sstatus"), (0x104, "sie"), (0x105, "stvec"), (0x106, "scounteren"),
      (0x10A, "senvcfg"), (0x140, "sscratch"), (0x141, "sepc"), (0x142, "scause"),
      (0x143, "stval"), (0x144, "sip"), (0x180, "satp"),
      (0x300, "mstatus"), (0x301, "misa"), (0x302, "medeleg"), (0x303, "mideleg"),
      (0x304, "mie"), (0x305, "mtvec"), (0x306, "mcounteren"), (0x30A, "menvcfg"),
      (0x320, "mcountinhibit"), (0x340, "mscratch"), (0x341, "mepc"), (0x342, "mcause"),
      (0x343, "mtval"), (0x344, "mip"), (0xB00, "mcycle"), (0xB02, "minstret"),
      (0xF11, "mvendorid"), (0xF12, "marchid"), (0xF13, "mimpid"), (0xF14, "mhartid"),
      (0xF15, "mconfigptr"),
    ]
    for index in UInt16(3)..<32 {
      table.append((0xC00 + index, "hpmcounter\(index)"))
      table.append((0xB00 + index, "mhpmcounter\(index)"))
      table.append((0x320 + index, "mhpmevent\(index)"))
    }
    for index in UInt16(0)..<16 {
      table.append((0x3B0 + index, "pmpaddr\(index)"))
      if index % 2 == 0, index < 8 { table.append((0x3A0 + index / 2 * 2, "pmpcfg\(index)")) }
    }
    return table.sorted { $0.number < $1.number }
  }()
}
