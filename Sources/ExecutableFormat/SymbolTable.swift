/// The names a program's addresses have.
public struct SymbolTable: Sendable {
  /// One name.
  public struct Symbol: Equatable, Sendable {
    /// As in the source.
    public var name: String
    /// Where it points.
    public var address: UInt64
    /// Bytes it covers; 0 when the source did not say (`.size`).
    public var size: UInt64
    /// Visible to other files.
    public var isGlobal: Bool
    /// The end of the section it lies in: a symbol without size names the addresses up to there.
    var sectionEnd: UInt64
  }

  /// Sorted by address, at equal addresses the most telling name last.
  public let symbols: [Symbol]
  /// Indices into `symbols`, sorted by name.
  private let byName: [Int]

  /// No symbols.
  public init() {
    symbols = []
    byName = []
  }

  init(_ unsorted: [Symbol]) {
    symbols = unsorted.sorted { Self.order($0) < Self.order($1) }
    let names = symbols
    byName = names.indices.sorted {
      (names[$0].name, names[$0].isGlobal ? 0 : 1, $0)
        < (names[$1].name, names[$1].isGlobal ? 0 : 1, $1)
    }
  }

  private static func order(_ symbol: Symbol) -> (UInt64, Int, String) {
    let worth = (symbol.size > 0 ? 2 : 0) + (symbol.isGlobal ? 1 : 0)
    return (symbol.address, worth, symbol.name)
  }

  /// The symbol that names an address best, and how far beyond its start the address is.
  public func symbol(at address: UInt64) -> (name: String, offset: UInt64)? {
    var (low, high) = (0, symbols.count)
    while low < high {
      let middle = (low + high) / 2
      if symbols[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    // Step back over labels that ended before; a handful suffices for real programs.
    for index in (max(0, low - 64)..<low).reversed() {
      let symbol = symbols[index]
      let end =
        symbol.size > 0
        ? symbol.address.addingReportingOverflow(symbol.size) : (symbol.sectionEnd, false)
      if end.1 || address < end.0 || address == symbol.address {
        return (symbol.name, address - symbol.address)
      }
    }
    return nil
  }

  /// The address of a name; a global one wins over locals of the same name.
  public func address(of name: String) -> UInt64? {
    var (low, high) = (0, byName.count)
    while low < high {
      let middle = (low + high) / 2
      if symbols[byName[middle]].name < name { low = middle + 1 } else { high = middle }
    }
    guard low < byName.count, symbols[byName[low]].name == name else { return nil }
    return symbols[byName[low]].address
  }
}

extension SymbolTable {
  /// Reads `.symtab`; whatever is damaged is left out.
  init(reading bytes: [UInt8], _ sections: SectionReader) {
    guard let table = sections.headers.first(where: { $0.type == ELFConstant.sectionSymbols }),
      let range = sections.range(of: table, in: bytes),
      Int(table.link) < sections.headers.count,
      let strings = sections.range(of: sections.headers[Int(table.link)], in: bytes)
    else {
      self.init()
      return
    }
    var found: [Symbol] = []
    // Names share their tails at most; more text than that is a hostile file.
    var budget = 2 * strings.count + 65536
    for index in 0..<range.count / ELFSymbol.size {
      let entry = ELFSymbol(bytes, at: range.lowerBound + index * ELFSymbol.size)
      // Only no-type, object and function symbols name places; section 0 is "undefined".
      guard entry.info & 15 <= 2, entry.section != 0, entry.section < 0xFF00,
        Int(entry.section) < sections.headers.count
      else { continue }
      let name = SectionReader.string(at: Int(entry.name), in: bytes[strings])
      // $x and $d only tell code from data; .L names are the compiler's.
      budget -= name.utf8.count
      if budget < 0 { break }
      if name.isEmpty || name.hasPrefix("$") || name.hasPrefix(".L") { continue }
      let section = sections.headers[Int(entry.section)]
      found.append(
        Symbol(
          name: name, address: entry.value, size: entry.length, isGlobal: entry.info >> 4 != 0,
          sectionEnd: section.address &+ section.length))
    }
    self.init(found)
  }
}

/// The section headers of a file, tolerant of damage: unreadable ones are simply absent.
struct SectionReader {
  let headers: [ELFSectionHeader]
  private let names: Range<Int>

  init(_ bytes: [UInt8], _ header: ELFHeader) {
    let count = Int(header.sectionHeaderCount)
    guard Int(header.sectionHeaderSize) == ELFSectionHeader.size,
      let offset = Int(exactly: header.sectionHeaderOffset), offset > 0,
      offset <= bytes.count, count <= (bytes.count - offset) / ELFSectionHeader.size
    else {
      headers = []
      names = 0..<0
      return
    }
    let all = (0..<count).map { ELFSectionHeader(bytes, at: offset + $0 * ELFSectionHeader.size) }
    headers = all
    let index = Int(header.sectionNameIndex)
    names = index < count ? Self.range(all[index], bytes.count) ?? 0..<0 : 0..<0
  }

  private static func range(_ header: ELFSectionHeader, _ fileSize: Int) -> Range<Int>? {
    guard header.type != ELFConstant.sectionNoBits, let offset = Int(exactly: header.offset),
      let length = Int(exactly: header.length), offset <= fileSize, length <= fileSize - offset
    else { return nil }
    return offset..<offset + length
  }

  func range(of header: ELFSectionHeader, in bytes: [UInt8]) -> Range<Int>? {
    Self.range(header, bytes.count)
  }

  func contents(named name: String, of bytes: [UInt8]) -> ArraySlice<UInt8>? {
    for header in headers where Self.string(at: Int(header.name), in: bytes[names]) == name {
      // Compressed debug sections are treated as absent.
      if header.flags & ELFConstant.sectionIsCompressed != 0 { return nil }
      return range(of: header, in: bytes).map { bytes[$0] }
    }
    return nil
  }

  /// The zero-terminated string at an offset of a string table; empty when out of range.
  static func string(at offset: Int, in table: ArraySlice<UInt8>) -> String {
    guard offset >= 0, offset < table.count else { return "" }
    return String(decoding: table[(table.startIndex + offset)...].prefix { $0 != 0 }, as: UTF8.self)
  }
}
