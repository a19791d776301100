/// A program ready to be mapped: what `execve` needs of an ELF file, and what reports like to know.
///
///     let image = try ELFImage(reading: bytes)
///     for segment in image.segments { print(segment.virtualAddress, segment.permissions) }
///     image.symbols.symbol(at: image.entry)?.name  // "_start"
public struct ELFImage: Sendable {
  /// The largest file accepted, in bytes.
  public static let maximumFileSize = 1 << 30
  /// The end of the user half with four levels of paging; no segment reaches beyond.
  public static let userLimit: UInt64 = 1 << 47
  /// The page size that segments must be congruent by.
  public static let pageSize: UInt64 = 4096

  /// A part of the file to be mapped.
  public struct Segment: Equatable, Sendable {
    /// Where its first byte goes; not necessarily the start of a page.
    public var virtualAddress: UInt64
    /// Bytes in memory; those beyond the file's are zero.
    public var memorySize: UInt64
    /// Its bytes in the file, congruent to `virtualAddress` modulo the page size.
    public var fileRange: Range<Int>
    /// What the program may do there.
    public var permissions: Permissions
    /// The alignment the linker asked for, in bytes.
    public var alignment: UInt64
  }

  /// What a program may do with a segment (p_flags).
  public struct Permissions: OptionSet, Hashable, Sendable, CustomStringConvertible {
    /// The bits of p_flags.
    public let rawValue: UInt32
    /// Takes the bits of p_flags.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// PF_X.
    public static var execute: Self { Self(rawValue: 1 << 0) }
    /// PF_W.
    public static var write: Self { Self(rawValue: 1 << 1) }
    /// PF_R.
    public static var read: Self { Self(rawValue: 1 << 2) }
    /// Three letters or dashes: `r-x`.
    public var description: String {
      (contains(.read) ? "r" : "-") + (contains(.write) ? "w" : "-")
        + (contains(.execute) ? "x" : "-")
    }
  }

  /// The whole file.
  public let bytes: [UInt8]
  /// Where execution begins.
  public let entry: UInt64
  /// The segments to map, in the order of the file.
  public let segments: [Segment]
  /// Where the program headers are in memory (AT_PHDR), if a segment covers them.
  public let programHeaderAddress: UInt64?
  /// How many program headers there are (AT_PHNUM).
  public let programHeaderCount: Int
  /// The size of a program header in bytes (AT_PHENT).
  public let programHeaderEntrySize: Int
  /// What PT_GNU_STACK says of the stack; without one, Linux makes the stack executable on some machines, we do not.
  public let executableStack: Bool
  /// The symbols, empty when the file is stripped.
  public let symbols: SymbolTable
  /// Source lines, empty when the file has none (or none we understand).
  public let lines: LineTable

  /// The bytes a segment brings from the file.
  public func contents(of segment: Segment) -> ArraySlice<UInt8> { bytes[segment.fileRange] }

  /// The source line an instruction comes from.
  public func line(at address: UInt64) -> (file: String, line: Int)? { lines.line(at: address) }

  /// Whether the bytes begin like an ELF file.
  public static func isELF(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.starts(with: ELFHeader.magic)
  }

  /// Checks and reads a file.
  ///
  /// - Throws: what is wrong with it. Damage in symbols, sections or line numbers is no error: the
  ///   program runs without them.
  public init(reading bytes: [UInt8]) throws(ELFError) {
    guard bytes.count <= Self.maximumFileSize else { throw .tooLarge(bytes: bytes.count) }
    let header = try Self.checkedHeader(bytes)
    let programHeaders = try Self.programHeaders(bytes, header)
    for entry in programHeaders where entry.type == ELFConstant.segmentInterpreter {
      throw .dynamicallyLinked(interpreter: Self.interpreterName(bytes, entry))
    }
    segments = try Self.loadSegments(bytes, programHeaders)
    let stack = programHeaders.last { $0.type == ELFConstant.segmentGNUStack }
    executableStack = stack.map { Permissions(rawValue: $0.flags).contains(.execute) } ?? false

    entry = header.entry
    let entryCovered = segments.contains {
      $0.permissions.contains(.execute) && header.entry >= $0.virtualAddress
        && header.entry - $0.virtualAddress < $0.memorySize
    }
    guard entryCovered else { throw .entryNotExecutable(header.entry) }
    guard header.entry % 4 == 0 else { throw .entryMisaligned(header.entry) }

    programHeaderCount = programHeaders.count
    programHeaderEntrySize = ELFProgramHeader.size
    let tableStart = Int(header.programHeaderOffset)
    let tableEnd = tableStart + programHeaders.count * ELFProgramHeader.size
    let covering = segments.first {
      $0.fileRange.lowerBound <= tableStart && tableEnd <= $0.fileRange.upperBound
    }
    programHeaderAddress = covering.map {
      $0.virtualAddress + UInt64(tableStart - $0.fileRange.lowerBound)
    }

    let sections = SectionReader(bytes, header)
    symbols = SymbolTable(reading: bytes, sections)
    lines = LineTable(
      debugLine: sections.contents(named: ".debug_line", of: bytes) ?? [],
      lineStrings: sections.contents(named: ".debug_line_str", of: bytes) ?? [],
      strings: sections.contents(named: ".debug_str", of: bytes) ?? [])
    self.bytes = bytes
  }

  private static func checkedHeader(_ bytes: [UInt8]) throws(ELFError) -> ELFHeader {
    guard bytes.count >= ELFHeader.size, isELF(bytes) else { throw .notELF }
    let header = ELFHeader(bytes, at: 0)
    guard header.identification[4] == 2 else { throw .not64Bit }
    guard header.identification[5] == 1, header.identification[6] == 1 else {
      throw .unsupportedEncoding
    }
    guard header.machine == ELFConstant.machineRISCV else { throw .wrongMachine(header.machine) }
    switch header.type {
    case 1: throw .relocatable
    case 2: break
    case 3: throw .positionIndependent
    default: throw .unsupportedType(header.type)
    }
    if header.flags & ELFConstant.flagCompressed != 0 { throw .compressedInstructions }
    let floatABI = (header.flags & ELFConstant.flagFloatABI) >> 1
    if floatABI != 0 { throw .floatABI(["", "single", "double", "quad"][Int(floatABI)]) }
    if header.flags & ELFConstant.flagReducedRegisters != 0 { throw .reducedRegisters }
    return header
  }

  private static func programHeaders(
    _ bytes: [UInt8], _ header: ELFHeader
  ) throws(ELFError) -> [ELFProgramHeader] {
    let count = Int(header.programHeaderCount)
    if count == 0 { throw .noSegments }
    guard Int(header.programHeaderSize) == ELFProgramHeader.size else {
      throw .badRecordSize(what: "program header", size: Int(header.programHeaderSize))
    }
    guard count * ELFProgramHeader.size <= 65536 else { throw .tooManySegments(count) }
    guard let offset = Int(exactly: header.programHeaderOffset),
      offset <= bytes.count - count * ELFProgramHeader.size
    else { throw .outOfFile(what: "program headers") }
    return (0..<count).map { ELFProgramHeader(bytes, at: offset + $0 * ELFProgramHeader.size) }
  }

  private static func interpreterName(_ bytes: [UInt8], _ entry: ELFProgramHeader) -> String {
    guard let offset = Int(exactly: entry.offset), offset < bytes.count else { return "?" }
    let name = bytes[offset...].prefix { $0 >= 0x20 && $0 < 0x7F }.prefix(256)
    return String(decoding: name, as: UTF8.self)
  }

  private static func loadSegments(
    _ bytes: [UInt8], _ headers: [ELFProgramHeader]
  ) throws(ELFError) -> [Segment] {
    var result: [Segment] = []
    var indices: [Int] = []
    for (index, entry) in headers.enumerated() where entry.type == ELFConstant.segmentLoad {
      guard entry.fileSize <= entry.memorySize else {
        throw .segmentFileLargerThanMemory(index: index)
      }
      if entry.memorySize == 0 { continue }
      guard entry.virtualAddress < userLimit,
        entry.memorySize <= userLimit - entry.virtualAddress
      else { throw .segmentOutOfRange(index: index, address: entry.virtualAddress) }
      var range = 0..<0
      if entry.fileSize > 0 {
        guard let offset = Int(exactly: entry.offset), let size = Int(exactly: entry.fileSize),
          offset <= bytes.count, size <= bytes.count - offset
        else { throw .outOfFile(what: "segment \(index)") }
        guard entry.offset % pageSize == entry.virtualAddress % pageSize else {
          throw .segmentMisaligned(index: index)
        }
        range = offset..<offset + size
      }
      result.append(
        Segment(
          virtualAddress: entry.virtualAddress, memorySize: entry.memorySize, fileRange: range,
          permissions: Permissions(rawValue: entry.flags & 7), alignment: entry.alignment))
      indices.append(index)
    }
    if result.isEmpty { throw .noSegments }
    let order = result.indices.sorted {
      (result[$0].virtualAddress, $0) < (result[$1].virtualAddress, $1)
    }
    for (lower, upper) in zip(order, order.dropFirst()) {
      let end = result[lower].virtualAddress + result[lower].memorySize
      if end > result[upper].virtualAddress {
        throw .segmentsOverlap(indices[lower], indices[upper])
      }
    }
    return result
  }
}
