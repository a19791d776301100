public import ExecutableFormat

/// A program as execve wants it: the file, and which parts of it go where.
public struct ProgramImage: Sendable {
  /// A part to map.
  public struct Segment: Hashable, Sendable {
    /// Where its first byte goes.
    public var virtualAddress: UInt64
    /// Bytes in memory; those beyond `fileSize` are zero.
    public var memorySize: UInt64
    /// Its first byte in the file, congruent to `virtualAddress` modulo 4096 if `fileSize` is not 0.
    public var fileOffset: UInt64
    /// Bytes in the file.
    public var fileSize: UInt64
    /// What the program may do there.
    public var permissions: MemoryPermissions

    /// Makes a segment.
    public init(
      virtualAddress: UInt64, memorySize: UInt64, fileOffset: UInt64, fileSize: UInt64,
      permissions: MemoryPermissions
    ) {
      self.virtualAddress = virtualAddress
      self.memorySize = memorySize
      self.fileOffset = fileOffset
      self.fileSize = fileSize
      self.permissions = permissions
    }
  }

  /// The whole file.
  public var file: [UInt8]
  /// The first instruction.
  public var entry: UInt64
  /// What to map.
  public var segments: [Segment]
  /// AT_PHDR: where the program headers stand in memory; 0 if nowhere.
  public var programHeaderAddress: UInt64
  /// AT_PHENT: bytes of one.
  public var programHeaderSize: Int
  /// AT_PHNUM: how many.
  public var programHeaderCount: Int
  /// PT_GNU_STACK asks for a stack that can be executed.
  public var hasExecutableStack: Bool
  /// Names for addresses in stories.
  public var symbolizer: Symbolizer

  /// Makes an image.
  public init(
    file: [UInt8], entry: UInt64, segments: [Segment], programHeaderAddress: UInt64 = 0,
    programHeaderSize: Int = 56, programHeaderCount: Int = 0, hasExecutableStack: Bool = false,
    symbolizer: Symbolizer = Symbolizer()
  ) {
    self.file = file
    self.entry = entry
    self.segments = segments
    self.programHeaderAddress = programHeaderAddress
    self.programHeaderSize = programHeaderSize
    self.programHeaderCount = programHeaderCount
    self.hasExecutableStack = hasExecutableStack
    self.symbolizer = symbolizer
  }

  /// Takes an ELF file apart.
  public init(_ elf: ELFImage) {
    self.init(
      file: elf.bytes, entry: elf.entry,
      segments: elf.segments.map {
        var permissions: MemoryPermissions = []
        if $0.permissions.contains(.read) { permissions.insert(.read) }
        if $0.permissions.contains(.write) { permissions.insert(.write) }
        if $0.permissions.contains(.execute) { permissions.insert(.execute) }
        return Segment(
          virtualAddress: $0.virtualAddress, memorySize: $0.memorySize,
          fileOffset: UInt64($0.fileRange.lowerBound), fileSize: UInt64($0.fileRange.count),
          permissions: permissions)
      },
      programHeaderAddress: elf.programHeaderAddress ?? 0,
      programHeaderSize: elf.programHeaderEntrySize, programHeaderCount: elf.programHeaderCount,
      hasExecutableStack: elf.executableStack,
      symbolizer: Symbolizer(
        line: { elf.line(at: $0) }, symbol: { elf.symbols.symbol(at: $0) }))
  }
}

/// Finds names for addresses: source lines and symbols, as far as the program has them.
public struct Symbolizer: Sendable {
  /// The source line of an instruction.
  public var line: @Sendable (UInt64) -> (file: String, line: Int)?
  /// The symbol an address belongs to, and its distance.
  public var symbol: @Sendable (UInt64) -> (name: String, offset: UInt64)?

  /// Makes one that knows nothing, or what the closures know.
  public init(
    line: @escaping @Sendable (UInt64) -> (file: String, line: Int)? = { _ in nil },
    symbol: @escaping @Sendable (UInt64) -> (name: String, offset: UInt64)? = { _ in nil }
  ) {
    self.line = line
    self.symbol = symbol
  }

  /// `0x10094 (prog.s:12, main+0x4)`.
  public func describe(_ address: UInt64) -> String {
    var parts: [String] = []
    if let line = line(address) { parts.append("\(line.file):\(line.line)") }
    if let symbol = symbol(address) {
      parts.append(symbol.offset == 0 ? symbol.name : "\(symbol.name)+\(hex(symbol.offset))")
    }
    return parts.isEmpty ? hex(address) : "\(hex(address)) (\(parts.joined(separator: ", ")))"
  }
}

/// A number in hex with its prefix.
func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
