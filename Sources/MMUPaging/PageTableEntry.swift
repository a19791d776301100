public import MMUMemory

/// A level of the paging structures, named by the table an entry stands in; iterated root to leaf.
public enum PagingLevel: Int, CaseIterable, Sendable {
  /// Bits 47:39 of the address select a PML4 entry.
  case pml4
  /// Bits 38:30 select a page-directory-pointer-table entry; with PS set it maps 1 GiB.
  case pdpt
  /// Bits 29:21 select a page-directory entry; with PS set it maps 2 MiB.
  case pd
  /// Bits 20:12 select a page-table entry, which maps 4 KiB.
  case pt

  /// The lowest address bit that selects an entry of this level: 39, 30, 21 or 12.
  @inlinable public var shift: UInt64 { 39 &- 9 &* UInt64(truncatingIfNeeded: rawValue) }

  /// The entry number (0...511) that `address` selects at this level.
  @inlinable public func index(_ address: UInt64) -> UInt64 { (address &>> shift) & 511 }

  /// The size of the page a leaf of this level maps; nil for the PML4.
  @inlinable public var leafSize: PageSize? {
    self == .pml4 ? nil : PageSize(rawValue: UInt8(truncatingIfNeeded: 3 &- rawValue))
  }
}

/// An 8-byte entry of any paging structure.
///
/// Intel SDM Vol. 3A, "4-Level Paging", Tables 4-15 to 4-20.
///
///     63  62:59  58:52    51:12            11:9     8  7   6  5  4    3    2    1    0
///     XD  key    ignored  frame or table   ignored  G  PS  D  A  PCD  PWT  U/S  R/W  P
public struct PageTableEntry: Hashable, Sendable {
  /// The entry as it stands in memory.
  public var rawValue: UInt64

  /// Makes an entry of its bits.
  @inlinable public init(_ raw: UInt64) { rawValue = raw }

  /// Makes an entry that points to `frame` with the given bits.
  @inlinable public init(_ frame: FrameNumber, _ bits: PageTableEntry...) {
    rawValue = bits.reduce(frame.rawValue << 12) { $0 | $1.rawValue }
  }

  /// P: the entry is valid; with P = 0 nothing else in it is looked at.
  @inlinable public static var present: Self { Self(1 << 0) }
  /// R/W: writes are allowed through this entry.
  @inlinable public static var writable: Self { Self(1 << 1) }
  /// U/S: user-mode accesses are allowed through this entry.
  @inlinable public static var user: Self { Self(1 << 2) }
  /// PWT: write-through; no effect on translation.
  @inlinable public static var writeThrough: Self { Self(1 << 3) }
  /// PCD: cache disable; no effect on translation.
  @inlinable public static var cacheDisable: Self { Self(1 << 4) }
  /// A: the processor has used this entry.
  @inlinable public static var accessed: Self { Self(1 << 5) }
  /// D: the processor has written through this leaf; ignored elsewhere.
  @inlinable public static var dirty: Self { Self(1 << 6) }
  /// PS: this page-directory or page-directory-pointer entry is a leaf.
  @inlinable public static var largePage: Self { Self(1 << 7) }
  /// G: the leaf's translation outlives MOV CR3 and serves every PCID, if CR4.PGE = 1.
  @inlinable public static var global: Self { Self(1 << 8) }
  /// XD: instructions may not be fetched through this entry; reserved while EFER.NXE = 0.
  @inlinable public static var executeDisable: Self { Self(1 << 63) }
  /// Bits 51:12, where a table's or a 4 KiB frame's address stands.
  @inlinable public static var addressMask: UInt64 { 0x000f_ffff_ffff_f000 }

  /// Tells whether all bits of `bits` are set.
  @inlinable public func contains(_ bits: Self) -> Bool {
    rawValue & bits.rawValue == bits.rawValue
  }

  /// P.
  @inlinable public var isPresent: Bool { rawValue & 1 != 0 }

  /// The physical address in bits 51:12.
  @inlinable public var address: PhysicalAddress {
    PhysicalAddress(rawValue & Self.addressMask)
  }

  /// The frame in bits 51:12.
  @inlinable public var frame: FrameNumber { address.frame }

  /// Bits 62:59: the protection key of a leaf.
  @inlinable public var protectionKey: Int { Int((rawValue &>> 59) & 15) }

  /// Both entries' bits.
  @inlinable public static func | (a: Self, b: Self) -> Self { Self(a.rawValue | b.rawValue) }
}

extension PageTableEntry: CustomStringConvertible {
  /// The address and the names of the set bits, as in `0x3758000 P R/W A`.
  public var description: String {
    let names: [(Self, String)] = [
      (.present, "P"), (.writable, "R/W"), (.user, "U/S"), (.accessed, "A"), (.dirty, "D"),
      (.largePage, "PS"), (.global, "G"), (.executeDisable, "XD"),
    ]
    let set = names.filter { contains($0.0) }.map(\.1)
    return (["0x" + String(address.rawValue, radix: 16)] + set).joined(separator: " ")
  }
}
