public import MMUMemory

/// What is done to memory, and with whose rights.
public struct Access: Hashable, Sendable {
  /// What is done.
  public enum Kind: UInt8, CaseIterable, Sendable {
    /// A data read.
    case read
    /// A data write, or a read-modify-write.
    case write
    /// An instruction fetch.
    case fetch
  }

  /// The privilege of the access.
  public enum Mode: UInt8, CaseIterable, Sendable {
    /// CPL 0, 1 or 2.
    case supervisor
    /// CPL 3.
    case user
  }

  /// What is done.
  public let kind: Kind
  /// With whose rights.
  public let mode: Mode

  /// Makes an access.
  @inlinable public init(_ kind: Kind, _ mode: Mode) {
    self.kind = kind
    self.mode = mode
  }

  /// The access as the bits of an error code it would set: W/R, U/S and I/D.
  @inlinable package var bits: UInt64 {
    (kind == .write ? 2 : 0) | (mode == .user ? 4 : 0) | (kind == .fetch ? 16 : 0)
  }

  /// The access of `bits`.
  @inlinable package init(bits: UInt64) {
    self.init(
      bits & 16 != 0 ? .fetch : bits & 2 != 0 ? .write : .read, bits & 4 != 0 ? .user : .supervisor)
  }
}

/// The error code of a page fault.
///
/// Intel SDM Vol. 3A, "Page-Fault Exceptions" (§4.7).
public struct ErrorCode: OptionSet, Hashable, Sendable {
  /// The code the processor pushes.
  public let rawValue: UInt64
  /// Makes a code.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// P: the page was present; a right or a reserved bit forbade the access.
  @inlinable public static var present: Self { Self(rawValue: 1 << 0) }
  /// W/R: the access was a write.
  @inlinable public static var write: Self { Self(rawValue: 1 << 1) }
  /// U/S: the access was a user-mode one.
  @inlinable public static var user: Self { Self(rawValue: 1 << 2) }
  /// RSVD: a reserved bit was set in an entry.
  @inlinable public static var reservedBit: Self { Self(rawValue: 1 << 3) }
  /// I/D: the access was a fetch, and EFER.NXE or CR4.SMEP is on.
  @inlinable public static var fetch: Self { Self(rawValue: 1 << 4) }
  /// PK: a protection key forbade the access.
  @inlinable public static var protectionKey: Self { Self(rawValue: 1 << 5) }
}

extension ErrorCode: CustomStringConvertible {
  /// The code in hex and the set bits by name, as in `0x7 (P W/R U/S)`.
  public var description: String {
    let names = ["P", "W/R", "U/S", "RSVD", "I/D", "PK"]
    let set = names.indices.filter { rawValue & (1 << UInt64($0)) != 0 }.map { names[$0] }
    return "0x" + String(rawValue, radix: 16) + " (" + set.joined(separator: " ") + ")"
  }
}

/// #PF: an access that the paging structures do not allow.
///
/// Nothing in the architectural state has changed, the instruction can be restarted.
public struct PageFault: Error, Hashable, Sendable {
  /// CR2: the full linear address accessed.
  public let address: VirtualAddress
  /// Why.
  public let errorCode: ErrorCode
  /// What was tried.
  public let access: Access

  /// Makes a fault.
  public init(address: VirtualAddress, errorCode: ErrorCode, access: Access) {
    self.address = address
    self.errorCode = errorCode
    self.access = access
  }
}

/// #GP(0): a value or a linear address the processor refuses before looking at any table.
public struct GeneralProtection: Error, Hashable, Sendable {
  /// Makes the fault.
  public init() {}
}

/// Everything that can come of a translation but a physical address.
public enum TranslationFault: Error, Hashable, Sendable {
  /// #PF.
  case pageFault(PageFault)
  /// #GP(0): the linear address (given) is not canonical; CR2 is not written.
  case generalProtection(UInt64)
  /// A paging-structure entry, or the byte itself, lies beyond RAM.
  case busError(PhysicalAddress)
}
