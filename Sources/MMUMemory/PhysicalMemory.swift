/// A physical access that lies, wholly or in part, beyond the RAM of the machine.
public struct BusError: Error, Hashable, Sendable {
  /// The first byte asked for.
  public let address: PhysicalAddress
  /// Makes the error.
  public init(_ address: PhysicalAddress) { self.address = address }
}

/// Why the writes to a frame are watched; one byte per frame.
public struct FrameWatch: OptionSet, Sendable {
  /// The flags as stored in `PhysicalMemory.watch`.
  public let rawValue: UInt8
  /// Makes a set of flags.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Instructions of this frame stand decoded in an engine.
  @inlinable public static var code: Self { Self(rawValue: 1 << 0) }
  /// A snapshot still needs the old content.
  @inlinable public static var snapshot: Self { Self(rawValue: 1 << 1) }
  /// A sanitizer keeps its own account of this frame.
  @inlinable public static var sanitizer: Self { Self(rawValue: 1 << 2) }
}

/// The bytes of the machine: one lazily backed host mapping, addressed by frame.
///
///     let memory = PhysicalMemory(bytes: 64 << 20)
///     try memory.store(0x1234, at: PhysicalAddress(0x8000))
///     let word = try memory.load(PhysicalAddress(0x8000))
///
/// Untouched RAM costs nothing on the host. Every access by address is checked against the size and
/// throws `BusError` beyond it. Whoever writes a frame goes through `willWrite`, directly or by one of
/// the functions here, so that decoded instructions of the frame are dropped: that is the only way
/// code is kept coherent.
public final class PhysicalMemory {
  /// The first byte, page-aligned on the host.
  public let base: UnsafeMutableRawPointer
  /// Size in bytes; a multiple of 4096.
  public let bytes: UInt64
  /// One `FrameWatch` byte per frame.
  public let watch: UnsafeMutablePointer<UInt8>
  /// Frames whose decoded instructions are out of date; the engines empty it.
  package private(set) var staleCode: [FrameNumber] = []
  /// Whether there are any, where an engine can look at once.
  package let hasStaleCode: UnsafeMutablePointer<Bool>

  /// Maps `bytes` of zeroed memory.
  ///
  /// - Precondition: `bytes` is a positive multiple of 4096 and the host can map it.
  public init(bytes: UInt64) {
    precondition(bytes > 0 && bytes % pageBytes == 0, "RAM is a whole number of frames")
    self.bytes = bytes
    base = Platform.map(bytes: bytes, hugePages: true)
    watch = Platform.map(bytes: (bytes / pageBytes + 4095) & ~4095, hugePages: false)
      .assumingMemoryBound(to: UInt8.self)
    hasStaleCode = .allocate(capacity: 1)
    hasStaleCode.initialize(to: false)
  }

  deinit {
    hasStaleCode.deallocate()
    Platform.unmap(base, bytes: bytes)
    Platform.unmap(watch, bytes: (bytes / pageBytes + 4095) & ~4095)
  }

  /// Number of frames.
  @inlinable public var frameCount: UInt64 { bytes / pageBytes }

  /// Tells whether `count` bytes from `address` all lie in RAM.
  @inlinable public func contains(_ address: PhysicalAddress, count: UInt64 = 1) -> Bool {
    address.rawValue < bytes && count <= bytes - address.rawValue
  }

  /// The host address of a frame's first byte.
  ///
  /// Reading through it is always right; a writer must call `willWrite` first.
  /// - Precondition: the frame lies in RAM.
  @inlinable public func pointer(to frame: FrameNumber) -> UnsafeMutableRawPointer {
    precondition(frame.rawValue < frameCount, "frame beyond RAM")
    return base + Int(frame.rawValue << 12)
  }

  /// Loads the aligned or unaligned 64-bit little-endian word at `address`.
  ///
  /// - Throws: `BusError` if it does not lie in RAM.
  @inlinable public func load(_ address: PhysicalAddress) throws(BusError) -> UInt64 {
    guard contains(address, count: 8) else { throw BusError(address) }
    return UInt64(
      littleEndian: (base + Int(address.rawValue)).loadUnaligned(as: UInt64.self))
  }

  /// Stores a 64-bit little-endian word at `address`.
  ///
  /// - Throws: `BusError` if it does not lie in RAM.
  @inlinable public func store(_ value: UInt64, at address: PhysicalAddress) throws(BusError) {
    guard contains(address, count: 8) else { throw BusError(address) }
    willWrite(address.frame)
    willWrite(PhysicalAddress(address.rawValue + 7).frame)
    (base + Int(address.rawValue)).storeBytes(of: value.littleEndian, as: UInt64.self)
  }

  /// Copies `source` to physical memory from `address` on.
  ///
  /// - Throws: `BusError` if the target does not lie in RAM; then nothing is written.
  public func write(
    _ source: UnsafeRawBufferPointer, at address: PhysicalAddress
  ) throws(BusError) {
    guard contains(address, count: UInt64(source.count)) else { throw BusError(address) }
    guard let start = source.baseAddress, source.count > 0 else { return }
    let last = PhysicalAddress(address.rawValue + UInt64(source.count) - 1).frame.rawValue
    for frame in address.frame.rawValue...last { willWrite(FrameNumber(frame)) }
    (base + Int(address.rawValue)).copyMemory(from: start, byteCount: source.count)
  }

  /// Copies physical memory from `address` on to `target`.
  ///
  /// - Throws: `BusError` if the source does not lie in RAM; then nothing is read.
  public func read(
    _ address: PhysicalAddress, into target: UnsafeMutableRawBufferPointer
  ) throws(BusError) {
    guard contains(address, count: UInt64(target.count)) else { throw BusError(address) }
    guard let start = target.baseAddress, target.count > 0 else { return }
    start.copyMemory(from: base + Int(address.rawValue), byteCount: target.count)
  }

  /// Fills a frame with zeros.
  @inlinable @inline(__always) public func zero(_ frame: FrameNumber) {
    willWrite(frame)
    pointer(to: frame).initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
  }

  /// Copies a whole frame.
  @inlinable @inline(__always) public func copy(_ source: FrameNumber, to target: FrameNumber) {
    willWrite(target)
    pointer(to: target).copyMemory(from: pointer(to: source), byteCount: 4096)
  }

  /// Announces a write to `frame` by anybody: instructions decoded from it become stale.
  @inlinable public func willWrite(_ frame: FrameNumber) {
    if watch[Int(frame.rawValue)] != 0 { noteWatchedWrite(frame) }
  }

  @usableFromInline @inline(never) func noteWatchedWrite(_ frame: FrameNumber) {
    var flags = FrameWatch(rawValue: watch[Int(frame.rawValue)])
    if flags.remove(.code) != nil {
      staleCode.append(frame)
      hasStaleCode.pointee = true
    }
    watch[Int(frame.rawValue)] = flags.rawValue
  }

  /// Hands over the frames of `staleCode` and forgets them.
  package func takeStaleCode() -> [FrameNumber] {
    defer {
      staleCode.removeAll()
      hasStaleCode.pointee = false
    }
    return staleCode
  }

  /// Sets bits of a paging-structure entry as one indivisible update; the only place where the
  /// processor writes A and D.
  ///
  /// - Returns: whether memory changed.
  /// - Precondition: the entry lies in RAM.
  @inlinable public func setEntryBits(_ bits: UInt64, at address: PhysicalAddress) -> Bool {
    let entry = (base + Int(address.rawValue)).assumingMemoryBound(to: UInt64.self)
    let old = UInt64(littleEndian: entry.pointee)
    guard old & bits != bits else { return false }
    willWrite(address.frame)
    entry.pointee = (old | bits).littleEndian
    return true
  }

  /// Reads, changes and writes an aligned little-endian word as one indivisible update; the way of
  /// every atomic instruction.
  ///
  /// Nil from `change` leaves memory as it is.
  ///
  /// - Returns: the old value.
  /// - Precondition: the word lies in RAM.
  @inlinable public func update<Word: FixedWidthInteger>(
    _ type: Word.Type, at address: PhysicalAddress, _ change: (Word) -> Word?
  ) -> Word {
    let place = base + Int(address.rawValue)
    let old = Word(littleEndian: place.load(as: Word.self))
    if let new = change(old) {
      willWrite(address.frame)
      place.storeBytes(of: new.littleEndian, as: Word.self)
    }
    return old
  }
}
