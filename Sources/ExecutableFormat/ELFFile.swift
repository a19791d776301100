/// An executable being written: sections already laid out, put into a file.
///
///     var file = ELFFile(entry: 0x10000 + 0xB0)
///     file.segments = [...]; file.sections = [...]; file.symbols = [...]
///     let bytes = file.serialized()
///
/// Addresses, file offsets and the order are the caller's; this type adds the headers, `.symtab`,
/// `.strtab` and `.shstrtab`.
public struct ELFFile: Sendable {
  /// A section that stands in the file, or (`noBits`) only in memory.
  public struct Section: Sendable {
    /// As in the source: `.text`.
    public var name: String
    /// sh_type.
    public var type: UInt32
    /// sh_flags.
    public var flags: UInt64
    /// Where it is in memory, 0 if nowhere.
    public var address: UInt64
    /// Where its bytes stand in the file; nil: after everything else, aligned.
    public var fileOffset: Int?
    /// Its bytes; empty for `noBits`.
    public var contents: [UInt8]
    /// Its size in memory, in bytes.
    public var size: UInt64
    /// In bytes, a power of two.
    public var alignment: UInt64
    /// sh_entsize.
    public var entrySize: UInt64

    /// SHT_PROGBITS.
    public static let progBits: UInt32 = 1
    /// SHT_NOBITS.
    public static let noBits: UInt32 = ELFConstant.sectionNoBits

    /// Joins the fields.
    public init(
      name: String, type: UInt32 = Self.progBits, flags: UInt64 = 0, address: UInt64 = 0,
      fileOffset: Int? = nil, contents: [UInt8], size: UInt64? = nil, alignment: UInt64 = 1,
      entrySize: UInt64 = 0
    ) {
      self.name = name
      self.type = type
      self.flags = flags
      self.address = address
      self.fileOffset = fileOffset
      self.contents = contents
      self.size = size ?? UInt64(contents.count)
      self.alignment = alignment
      self.entrySize = entrySize
    }
  }

  /// A PT_LOAD to be.
  public struct Segment: Sendable {
    /// p_flags.
    public var permissions: ELFImage.Permissions
    /// Where it begins in the file.
    public var fileOffset: Int
    /// Where it begins in memory.
    public var address: UInt64
    /// Bytes in the file.
    public var fileSize: UInt64
    /// Bytes in memory.
    public var memorySize: UInt64

    /// Joins the fields.
    public init(
      permissions: ELFImage.Permissions, fileOffset: Int, address: UInt64, fileSize: UInt64,
      memorySize: UInt64
    ) {
      self.permissions = permissions
      self.fileOffset = fileOffset
      self.address = address
      self.fileSize = fileSize
      self.memorySize = memorySize
    }
  }

  /// An entry of `.symtab`.
  public struct Symbol: Sendable {
    /// As in the source.
    public var name: String
    /// Its address, or number if absolute.
    public var value: UInt64
    /// Bytes it covers.
    public var size: UInt64
    /// STT_*.
    public var type: UInt8
    /// STB_*: 0 local, 1 global, 2 weak.
    public var binding: UInt8
    /// Index into `sections`; nil: absolute.
    public var section: Int?

    /// Joins the fields.
    public init(
      name: String, value: UInt64, size: UInt64 = 0, type: UInt8 = 0, binding: UInt8 = 0,
      section: Int?
    ) {
      self.name = name
      self.value = value
      self.size = size
      self.type = type
      self.binding = binding
      self.section = section
    }
  }

  /// e_entry.
  public var entry: UInt64
  /// The PT_LOAD headers, in ascending order of address.
  public var segments: [Segment] = []
  /// Whether PT_GNU_STACK asks for an executable stack.
  public var executableStack = false
  /// The sections, without the null section and the three tables added here.
  public var sections: [Section] = []
  /// The symbols, in any order (locals are moved first).
  public var symbols: [Symbol] = []

  /// An empty file.
  public init(entry: UInt64) { self.entry = entry }

  /// Bytes that headers take at the start of a file with so many PT_LOADs (PT_GNU_STACK is added).
  public static func headerSize(segments: Int) -> Int {
    ELFHeader.size + (segments + 1) * ELFProgramHeader.size
  }

  /// The file's bytes.
  ///
  /// - Precondition: sections with a file offset are in ascending order and do not overlap.
  public func serialized() -> [UInt8] {
    var header = ELFHeader()
    header.entry = entry
    header.programHeaderOffset = UInt64(ELFHeader.size)
    header.programHeaderCount = UInt16(segments.count + 1)

    var all = sections
    let (symbolTable, strings, firstGlobal) = symbolSection()
    let symbolIndex = all.count + 1
    all.append(
      Section(name: ".symtab", type: 2, contents: symbolTable, alignment: 8, entrySize: 24))
    all.append(Section(name: ".strtab", type: 3, contents: strings))
    var names: [UInt8] = [0]
    var nameOffsets: [UInt32] = []
    for name in all.map(\.name) + [".shstrtab"] {
      nameOffsets.append(UInt32(names.count))
      names += name.utf8
      names.append(0)
    }
    all.append(Section(name: ".shstrtab", type: 3, contents: names))

    var bytes: [UInt8] = []
    bytes.reserveCapacity(all.reduce(4096) { $0 + $1.contents.count + 64 })
    func pad(to offset: Int) {
      precondition(bytes.count <= offset, "sections overlap in the file at offset \(offset)")
      bytes += repeatElement(0, count: offset - bytes.count)
    }
    pad(to: ELFFile.headerSize(segments: segments.count))
    var headers = [ELFSectionHeader()]
    for (index, section) in all.enumerated() {
      let alignment = max(1, Int(clamping: section.alignment))
      let isNoBits = section.type == Section.noBits
      // Behind what is loaded stands a word of zeros, no instruction: a program that runs past its end
      // does not execute what follows in the file.
      let isFirstUnloaded =
        section.fileOffset == nil && index > 0 && all[index - 1].fileOffset != nil
      let end = bytes.count + (isFirstUnloaded ? 4 : 0)
      let offset = section.fileOffset ?? (end + alignment - 1) / alignment * alignment
      if !isNoBits {
        pad(to: offset)
        bytes += section.contents
      }
      var entry = ELFSectionHeader()
      entry.name = nameOffsets[index]
      entry.type = section.type
      entry.flags = section.flags
      entry.address = section.address
      entry.offset = UInt64(offset)
      entry.length = section.size
      entry.alignment = section.alignment
      entry.entrySize = section.entrySize
      if index + 1 == symbolIndex {
        entry.link = UInt32(symbolIndex + 1)
        entry.info = UInt32(firstGlobal)
      }
      headers.append(entry)
    }
    pad(to: (bytes.count + 7) / 8 * 8)
    header.sectionHeaderOffset = UInt64(bytes.count)
    header.sectionHeaderCount = UInt16(headers.count)
    header.sectionNameIndex = UInt16(headers.count - 1)
    for entry in headers { entry.append(to: &bytes) }

    var start: [UInt8] = []
    header.append(to: &start)
    for entry in programHeaders() { entry.append(to: &start) }
    bytes.replaceSubrange(0..<start.count, with: start)
    return bytes
  }

  private func programHeaders() -> [ELFProgramHeader] {
    var result = segments.map { segment in
      var entry = ELFProgramHeader()
      entry.type = ELFConstant.segmentLoad
      entry.flags = segment.permissions.rawValue
      entry.offset = UInt64(segment.fileOffset)
      entry.virtualAddress = segment.address
      entry.physicalAddress = segment.address
      entry.fileSize = segment.fileSize
      entry.memorySize = segment.memorySize
      entry.alignment = ELFImage.pageSize
      return entry
    }
    var stack = ELFProgramHeader()
    stack.type = ELFConstant.segmentGNUStack
    stack.flags = executableStack ? 7 : 6
    stack.alignment = 16
    result.append(stack)
    return result
  }

  private func symbolSection() -> (table: [UInt8], strings: [UInt8], firstGlobal: Int) {
    var table = [UInt8](repeating: 0, count: ELFSymbol.size)
    var strings: [UInt8] = [0]
    let locals = symbols.filter { $0.binding == 0 }
    table.reserveCapacity((symbols.count + 1) * ELFSymbol.size)
    for symbol in locals + symbols.filter({ $0.binding != 0 }) {
      var entry = ELFSymbol()
      if !symbol.name.isEmpty {
        entry.name = UInt32(strings.count)
        strings += symbol.name.utf8
        strings.append(0)
      }
      entry.info = symbol.binding << 4 | symbol.type
      entry.section = symbol.section.map { UInt16($0 + 1) } ?? 0xFFF1
      entry.value = symbol.value
      entry.length = symbol.size
      entry.append(to: &table)
    }
    return (table, strings, locals.count + 1)
  }
}
