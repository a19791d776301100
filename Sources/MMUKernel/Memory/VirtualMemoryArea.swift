public import MMUMemory
public import MMUPaging

/// What a program may do with memory: PROT_READ, PROT_WRITE, PROT_EXEC.
public struct MemoryPermissions: OptionSet, Hashable, Sendable, CustomStringConvertible {
  /// The bits of mmap's `prot`.
  public let rawValue: UInt8
  /// Makes a set of the bits.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// PROT_READ.
  @inlinable public static var read: Self { Self(rawValue: 1) }
  /// PROT_WRITE.
  @inlinable public static var write: Self { Self(rawValue: 2) }
  /// PROT_EXEC.
  @inlinable public static var execute: Self { Self(rawValue: 4) }

  /// Tells whether an access is permitted.
  ///
  /// As on x86: whatever can be accessed at all can be read, there being no bit against it.
  @inlinable public func allow(_ access: Access.Kind) -> Bool {
    switch access {
    case .read: rawValue != 0
    case .write: contains(.write)
    case .fetch: contains(.execute)
    }
  }

  /// Three letters or dashes: `rw-`.
  public var description: String {
    (contains(.read) ? "r" : "-") + (contains(.write) ? "w" : "-")
      + (contains(.execute) ? "x" : "-")
  }
}

/// A range of pages of one address space that are used alike: Linux's `vm_area_struct`.
///
///     var heap = VirtualMemoryArea(
///       VirtualAddress(0x10000), pages: 16, permissions: [.read, .write])
///
/// A plain value of fixed size; the address space keeps them sorted and disjoint.
public struct VirtualMemoryArea: Hashable, Sendable {
  /// Properties beyond the permissions.
  public struct Flags: OptionSet, Hashable, Sendable {
    /// The bits; ours, not Linux's.
    public let rawValue: UInt32
    /// Makes a set.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// VM_GROWSDOWN: a fault below it extends it.
    @inlinable public static var growsDown: Self { Self(rawValue: 1 << 0) }
    /// MAP_NORESERVE was given: not held against the overcommit limit.
    @inlinable public static var noReserve: Self { Self(rawValue: 1 << 1) }
    /// Named `[heap]` in stories and maps.
    @inlinable public static var heap: Self { Self(rawValue: 1 << 2) }
    /// Named `[stack]`.
    @inlinable public static var stack: Self { Self(rawValue: 1 << 3) }
    /// MAP_LOCKED was given: pages are made present at once and stay.
    @inlinable public static var locked: Self { Self(rawValue: 1 << 4) }
    /// MADV_DONTFORK: a child does not get it.
    @inlinable public static var notForked: Self { Self(rawValue: 1 << 5) }
    /// MADV_WIPEONFORK: a child gets it empty.
    @inlinable public static var wipedOnFork: Self { Self(rawValue: 1 << 6) }
    /// MLOCK_ONFAULT or MCL_ONFAULT: what is locked is not made present.
    @inlinable public static var lockedOnFault: Self { Self(rawValue: 1 << 7) }
    /// VM_ACCOUNT: private memory that is, or was, writable is held against the overcommit limit.
    @inlinable public static var accounted: Self { Self(rawValue: 1 << 8) }
    /// MADV_DONTDUMP.
    @inlinable public static var notDumped: Self { Self(rawValue: 1 << 9) }
    /// MADV_HUGEPAGE.
    @inlinable public static var hugePages: Self { Self(rawValue: 1 << 10) }
    /// MADV_NOHUGEPAGE.
    @inlinable public static var noHugePages: Self { Self(rawValue: 1 << 11) }
    /// MADV_MERGEABLE.
    @inlinable public static var mergeable: Self { Self(rawValue: 1 << 16) }
    /// MAP_SHARED: writes are everybody's who maps the file.
    @inlinable public static var shared: Self { Self(rawValue: 1 << 12) }
    /// A shared mapping of a file that was not opened for writing: mprotect cannot allow it.
    @inlinable public static var neverWritten: Self { Self(rawValue: 1 << 13) }
    /// MADV_RANDOM.
    @inlinable public static var randomReads: Self { Self(rawValue: 1 << 14) }
    /// MADV_SEQUENTIAL.
    @inlinable public static var sequentialReads: Self { Self(rawValue: 1 << 15) }
    /// MAP_HUGETLB: its pages come from the pool of 2 MiB.
    @inlinable public static var pool2M: Self { Self(rawValue: 1 << 20) }
    /// Its pages come from the pool of 1 GiB.
    @inlinable public static var pool1G: Self { Self(rawValue: 1 << 21) }
    /// The pool keeps a page for each of its pages that is not there yet: HPAGE_RESV_OWNER.
    @inlinable public static var promised: Self { Self(rawValue: 1 << 22) }
    /// MADV_GUARD_INSTALL was called for some of it: VM_MAYBE_GUARD.
    @inlinable public static var guarded: Self { Self(rawValue: 1 << 23) }

    /// What is never held against the overcommit limit, writable or not.
    static var unaccounted: Self { [.shared, .noReserve, .pool2M, .pool1G] }
    /// Flags that only name an area: no hindrance to a merge.
    static var labels: Self { [.heap, .stack] }
    /// Flags that are no hindrance to a merge, after which the whole area has them.
    static var sticky: Self { [.heap, .stack, .guarded] }
  }

  /// The first byte's address; page-aligned.
  package var lower: UInt64
  /// The address behind the last byte; page-aligned.
  package var upper: UInt64
  /// The page of its file that `lower` shows; 0 for anonymous memory.
  package var pageOffset: UInt64 = 0
  /// The page number `lower` has for the reverse map: its own, or the one it had before it was moved
  /// with private pages in it.
  package var home: UInt64
  /// What is behind it: an index into `SystemMemory.sources`; 0 is anonymous memory.
  package var source: UInt32 = 0
  /// Linux's `anon_vma`: 0 until the first private page was written; areas with different ones do
  /// not merge.
  package var anonymousIdentity: UInt32 = 0
  /// What is allowed.
  public var permissions: MemoryPermissions
  /// Other properties.
  public var flags: Flags

  /// Makes an area of private anonymous memory.
  ///
  /// - Precondition: the address is page-aligned and all pages lie in the user half.
  public init(
    _ start: VirtualAddress, pages: UInt64, permissions: MemoryPermissions, flags: Flags = []
  ) {
    precondition(
      start.pageOffset == 0 && pages > 0 && pages <= AddressSpace.userLimit / pageBytes
        && start.rawValue <= AddressSpace.userLimit - pages * pageBytes,
      "an area is a positive number of whole pages of the user half")
    lower = start.rawValue
    upper = start.rawValue + pages * pageBytes
    home = start.rawValue / pageBytes
    self.permissions = permissions
    self.flags = flags
  }

  init(
    lower: UInt64, upper: UInt64, permissions: MemoryPermissions, flags: Flags = [],
    source: UInt32 = 0, pageOffset: UInt64 = 0
  ) {
    self.lower = lower
    self.upper = upper
    self.pageOffset = pageOffset
    home = lower / pageBytes
    self.source = source
    self.permissions = permissions
    self.flags = flags
  }

  /// The first byte's address.
  public var start: VirtualAddress { VirtualAddress(truncating: lower) }
  /// The address behind the last byte.
  public var end: VirtualAddress { VirtualAddress(truncating: upper) }
  /// Number of pages.
  public var pages: UInt64 { (upper &- lower) / pageBytes }
  /// Of these, those held against the overcommit limit.
  var accountedPages: UInt64 { flags.contains(.accounted) ? pages : 0 }
  /// Mapped with MAP_SHARED.
  public var isShared: Bool { flags.contains(.shared) }
  /// Private and writable, and no stack: what RLIMIT_DATA limits.
  var isData: Bool {
    permissions.contains(.write) && flags.isDisjoint(with: [.shared, .growsDown])
  }
  /// Backed by nothing but memory.
  public var isAnonymous: Bool { source == 0 }

  /// Tells whether the area holds an address.
  @inline(__always) func contains(_ address: UInt64) -> Bool {
    address >= lower && address < upper
  }

  /// Where mappings placed below it must end: its start, or with a guard gap below a stack.
  @inline(__always) func guardedLower(gap: UInt64) -> UInt64 {
    flags.contains(.growsDown) ? (lower > gap ? lower &- gap : 0) : lower
  }

  /// The page of its file that an address inside shows.
  @inline(__always) func filePage(of address: UInt64) -> UInt64 {
    pageOffset &+ address / pageBytes &- lower / pageBytes
  }

  /// The page number under which the reverse map knows a private page.
  @inline(__always) func homePage(of address: UInt64) -> UInt64 {
    home &+ address / pageBytes &- lower / pageBytes
  }

  /// Moves the start, up or down.
  mutating func setLower(_ address: UInt64) {
    if source != 0 { pageOffset = filePage(of: address) }
    home = homePage(of: address)
    lower = address
  }

  /// Tells whether `next`, which begins where this ends, could be the same area as far as
  /// everything but anonymous identity goes.
  func continues(into next: Self) -> Bool {
    guard upper == next.lower, permissions == next.permissions, source == next.source,
      flags.subtracting(.sticky) == next.flags.subtracting(.sticky)
    else { return false }
    let isHome = home &+ pages == next.home
    if source == 0 { return isHome }
    let hasPrivatePages = anonymousIdentity != 0 && next.anonymousIdentity != 0
    return pageOffset &+ pages == next.pageOffset && (isHome || !hasPrivatePages)
  }
}
