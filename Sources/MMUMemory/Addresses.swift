// Addresses and page numbers: newtypes over the raw integers, so that a frame is never taken for an
// address or a virtual address for a physical one.

/// The size a leaf entry of the paging structures can map.
public enum PageSize: UInt8, CaseIterable, Sendable {
  /// 4 KiB, mapped by an entry of a page table.
  case size4K
  /// 2 MiB, mapped by an entry of a page directory with PS set.
  case size2M
  /// 1 GiB, mapped by an entry of a page-directory-pointer table with PS set.
  case size1G

  /// log2 of the size in bytes: 12, 21 or 30.
  @inlinable public var shift: UInt64 { 12 + 9 * UInt64(rawValue) }
  /// The size in bytes.
  @inlinable public var bytes: UInt64 { 1 << shift }
  /// The bits of an address that lie inside a page of this size.
  @inlinable public var offsetMask: UInt64 { bytes - 1 }
}

/// Bytes in a base page and in a frame.
public let pageBytes: UInt64 = 4096

/// A canonical 48-bit linear address: bits 63:47 are all equal.
///
/// A value in hand is always canonical; what is not is refused when it is made.
public struct VirtualAddress: Hashable, Comparable, Sendable {
  /// The 64-bit address.
  public let rawValue: UInt64

  /// Tells whether `raw` can be an address under 4-level paging.
  @inlinable public static func isCanonical(_ raw: UInt64) -> Bool {
    UInt64(bitPattern: Int64(bitPattern: raw &<< 16) &>> 16) == raw
  }

  /// Makes an address of a canonical value.
  ///
  /// - Precondition: `raw` is canonical.
  @inlinable public init(_ raw: UInt64) {
    precondition(Self.isCanonical(raw), "non-canonical virtual address")
    rawValue = raw
  }

  /// Makes an address, or nil if `raw` is not canonical.
  @inlinable public init?(exactly raw: UInt64) {
    guard Self.isCanonical(raw) else { return nil }
    rawValue = raw
  }

  /// Makes an address of the low 48 bits of `raw`, sign-extended.
  @inlinable public init(truncating raw: UInt64) {
    rawValue = UInt64(bitPattern: Int64(bitPattern: raw &<< 16) &>> 16)
  }

  /// The number of the 4 KiB page that holds the address.
  @inlinable public var page: PageNumber { PageNumber(rawValue >> 12) }
  /// The byte inside the 4 KiB page.
  @inlinable public var pageOffset: UInt64 { rawValue & 0xfff }

  /// Orders by the unsigned 64-bit value: the user half comes first.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// The number of a 4 KiB virtual page: a virtual address without its low 12 bits, shifted down.
public struct PageNumber: Hashable, Comparable, Sendable {
  /// The address divided by 4096.
  public let rawValue: UInt64
  /// Makes a page number.
  @inlinable public init(_ raw: UInt64) { rawValue = raw }
  /// The address of the page's first byte.
  @inlinable public var address: VirtualAddress { VirtualAddress(truncating: rawValue << 12) }
  /// Orders by number.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A byte's place in physical memory.
public struct PhysicalAddress: Hashable, Comparable, Sendable {
  /// The byte's distance from the start of physical memory.
  public let rawValue: UInt64
  /// Makes a physical address; it may lie beyond the RAM there is.
  @inlinable public init(_ raw: UInt64) { rawValue = raw }
  /// The frame that holds the byte.
  @inlinable public var frame: FrameNumber { FrameNumber(rawValue >> 12) }
  /// Orders by value.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// The number of a 4 KiB frame of physical memory.
public struct FrameNumber: Hashable, Comparable, Sendable {
  /// The physical address divided by 4096.
  public let rawValue: UInt64
  /// Makes a frame number.
  @inlinable public init(_ raw: UInt64) { rawValue = raw }
  /// The address of the frame's first byte.
  @inlinable public var address: PhysicalAddress { PhysicalAddress(rawValue << 12) }
  /// Orders by number.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A process-context identifier: the 12-bit tag of translations (CR3[11:0] while CR4.PCIDE = 1).
public struct PCID: Hashable, Sendable {
  /// 0...4095.
  public let rawValue: UInt16
  /// Makes an identifier.
  ///
  /// - Precondition: `raw` is below 4096.
  @inlinable public init(_ raw: UInt16) {
    precondition(raw < 4096, "a PCID has 12 bits")
    rawValue = raw
  }
}
