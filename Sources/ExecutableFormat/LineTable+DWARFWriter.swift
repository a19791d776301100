// The smallest DWARF 4 that objdump -l, addr2line and gdb take line numbers from.

extension LineTable {
  /// The three sections that carry a line table.
  public struct DebugSections: Sendable {
    /// Contents of `.debug_line`.
    public var line: [UInt8]
    /// Contents of `.debug_info`: one compilation unit.
    public var info: [UInt8]
    /// Contents of `.debug_abbrev`.
    public var abbreviations: [UInt8]
  }

  /// Encodes the table; `name` is the main source file, `producer` who made it.
  public func debugSections(name: String, producer: String) -> DebugSections {
    let low = rows.first?.address ?? 0
    let high = rows.last?.address ?? 0

    // DW_TAG_compile_unit without children, and its attributes with their forms.
    let abbreviations: [UInt8] = [
      1, 0x11, 0,
      0x10, 0x17,  // DW_AT_stmt_list, DW_FORM_sec_offset
      0x11, 0x01,  // DW_AT_low_pc, DW_FORM_addr
      0x12, 0x07,  // DW_AT_high_pc, DW_FORM_data8: a length
      0x03, 0x08,  // DW_AT_name, DW_FORM_string
      0x25, 0x08,  // DW_AT_producer, DW_FORM_string
      0x13, 0x05,  // DW_AT_language, DW_FORM_data2
      0, 0, 0,
    ]
    var unit = FieldEncoder(bytes: [])
    unit.put16(4)
    unit.put32(0)
    unit.bytes += [8, 1]
    unit.put32(0)
    unit.put64(low)
    unit.put64(high - low)
    unit.putString(name)
    unit.putString(producer)
    unit.put16(0x8001)  // DW_LANG_Mips_Assembler, the only code there is for assembly
    return DebugSections(
      line: FieldEncoder.unit(programHeader() + program()), info: FieldEncoder.unit(unit.bytes),
      abbreviations: abbreviations)
  }

  private static let lineBase: Int64 = -5
  private static let lineRange: Int64 = 14
  private static let opcodeBase: Int64 = 13

  private func programHeader() -> [UInt8] {
    var rest = FieldEncoder(bytes: [])
    rest.bytes += [1, 1, 1]
    rest.bytes.append(UInt8(bitPattern: Int8(Self.lineBase)))
    rest.bytes += [UInt8(Self.lineRange), UInt8(Self.opcodeBase)]
    rest.bytes += [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]
    rest.bytes.append(0)
    for file in files {
      rest.putString(file)
      rest.bytes += [0, 0, 0]
    }
    rest.bytes.append(0)
    var header = FieldEncoder(bytes: [])
    header.put16(4)
    header.put32(UInt32(rest.bytes.count))
    return header.bytes + rest.bytes
  }

  private func program() -> [UInt8] {
    var out = FieldEncoder(bytes: [])
    out.bytes.reserveCapacity(rows.count * 2)
    var (address, file, line): (UInt64, Int32, Int64) = (0, 0, 1)
    var isOpen = false
    for row in rows {
      if row.file < 0 {
        guard isOpen else { continue }
        if row.address > address {
          out.bytes.append(2)
          out.putUnsigned(row.address - address)
        }
        out.bytes += [0, 1, 1]
        isOpen = false
        continue
      }
      if !isOpen {
        out.bytes += [0, 9, 2]
        out.put64(row.address)
        (address, file, line) = (row.address, 0, 1)
        isOpen = true
      }
      if row.file != file {
        out.bytes.append(4)
        out.putUnsigned(UInt64(row.file) + 1)
        file = row.file
      }
      let advance = row.address - address
      var delta = Int64(row.line) - line
      if delta < Self.lineBase || delta >= Self.lineBase + Self.lineRange {
        out.bytes.append(3)
        out.putSigned(delta)
        delta = 0
      }
      let special =
        advance < 18
        ? delta - Self.lineBase + Self.lineRange * Int64(advance) + Self.opcodeBase : 256
      if special <= 255 {
        out.bytes.append(UInt8(special))
      } else {
        out.bytes.append(2)
        out.putUnsigned(advance)
        out.bytes.append(UInt8(delta - Self.lineBase + Self.opcodeBase))
      }
      (address, line) = (row.address, Int64(row.line))
    }
    if isOpen { out.bytes += [0, 1, 1] }
    return out.bytes
  }
}

extension FieldEncoder {
  /// Prefixes a unit's bytes with their length.
  fileprivate static func unit(_ bytes: [UInt8]) -> [UInt8] {
    var out = FieldEncoder(bytes: [])
    out.put32(UInt32(bytes.count))
    return out.bytes + bytes
  }

  fileprivate mutating func put16(_ value: UInt16) {
    var value = value
    half(&value)
  }

  fileprivate mutating func put32(_ value: UInt32) {
    var value = value
    word(&value)
  }

  fileprivate mutating func put64(_ value: UInt64) {
    var value = value
    long(&value)
  }

  fileprivate mutating func putString(_ text: String) {
    bytes += text.utf8.filter { $0 != 0 }
    bytes.append(0)
  }

  fileprivate mutating func putUnsigned(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  fileprivate mutating func putSigned(_ value: Int64) {
    var rest = value
    while rest > 63 || rest < -64 {
      bytes.append(UInt8(truncatingIfNeeded: rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest & 0x7F))
  }
}
