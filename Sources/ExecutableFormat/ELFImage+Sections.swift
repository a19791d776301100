extension ELFImage {
  /// A run of instructions in the file.
  public struct CodeRange: Equatable, Sendable {
    /// The section's name, or empty for a segment of a file without sections.
    public var name: String
    /// Where it is in memory.
    public var address: UInt64
    /// Where its bytes stand in the file.
    public var fileRange: Range<Int>
  }

  /// The executable sections in the file's order; without any, the executable segments.
  public var codeRanges: [CodeRange] {
    let header = ELFHeader(bytes, at: 0)
    let reader = SectionReader(bytes, header)
    var names: ArraySlice<UInt8> = []
    if Int(header.sectionNameIndex) < reader.headers.count,
      let range = reader.range(of: reader.headers[Int(header.sectionNameIndex)], in: bytes)
    {
      names = bytes[range]
    }
    var found: [CodeRange] = []
    for section in reader.headers
    where section.flags & ELFConstant.sectionIsExecutable != 0 && section.length > 0 {
      guard let range = reader.range(of: section, in: bytes) else { continue }
      let name = SectionReader.string(at: Int(section.name), in: names)
      found.append(CodeRange(name: name, address: section.address, fileRange: range))
    }
    if !found.isEmpty { return found }
    return segments.filter { $0.permissions.contains(.execute) }.map {
      CodeRange(name: "", address: $0.virtualAddress, fileRange: $0.fileRange)
    }
  }
}
