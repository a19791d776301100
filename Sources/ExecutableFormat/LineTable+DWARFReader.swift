// DWARF 5 standard, "Line Number Information" (§6.2); versions 2 to 5 are read.

extension LineTable {
  /// Reads `.debug_line`; stops quietly at the first damage, keeping what was read until there.
  init(
    debugLine: ArraySlice<UInt8>, lineStrings: ArraySlice<UInt8>, strings: ArraySlice<UInt8>
  ) {
    var reader = DWARFLineReader(lineStrings: lineStrings, strings: strings)
    // Names come from the sections, so more text than that is a hostile file.
    reader.nameBudget = 4 * (debugLine.count + lineStrings.count + strings.count)
    var cursor = ByteCursor(debugLine)
    while !cursor.isAtEnd, reader.readUnit(&cursor) {}
    self.init(files: reader.files, rows: reader.rows)
  }
}

private struct DWARFLineReader {
  let lineStrings: ArraySlice<UInt8>
  let strings: ArraySlice<UInt8>
  var files: [String] = []
  var rows: [LineTable.Row] = []
  var nameBudget = 0

  init(lineStrings: ArraySlice<UInt8>, strings: ArraySlice<UInt8>) {
    self.lineStrings = lineStrings
    self.strings = strings
  }

  /// What a unit's header says of its line program.
  private struct Header {
    var version = 0
    var offsetSize = 4
    var minimumInstructionLength: UInt64 = 1
    var lineBase: Int64 = 0
    var lineRange: UInt64 = 1
    var opcodeBase: UInt8 = 13
    var operandCounts: [UInt8] = []
    var firstFile = 0
    var fileCount = 0
  }

  /// Reads one unit and leaves the cursor at the next; false when nothing more can be read.
  mutating func readUnit(_ cursor: inout ByteCursor) -> Bool {
    var header = Header()
    var length = cursor.fixed(4)
    if length == 0xFFFF_FFFF {
      length = cursor.fixed(8)
      header.offsetSize = 8
    }
    guard !cursor.failed, length <= UInt64(cursor.remaining) else { return false }
    let next = cursor.position + Int(length)
    var unit = cursor
    unit.end = next
    cursor.position = next
    header.version = Int(unit.fixed(2))
    guard (2...5).contains(header.version) else { return true }
    if header.version >= 5 { unit.skip(2) }
    let headerLength = unit.fixed(header.offsetSize)
    guard !unit.failed, headerLength <= UInt64(unit.remaining) else { return true }
    let program = unit.position + Int(headerLength)
    header.minimumInstructionLength = UInt64(unit.byte())
    if header.version >= 4 { unit.skip(1) }
    unit.skip(1)
    header.lineBase = Int64(Int8(bitPattern: unit.byte()))
    header.lineRange = UInt64(unit.byte())
    header.opcodeBase = unit.byte()
    guard !unit.failed, header.lineRange > 0, header.opcodeBase > 0 else { return true }
    for _ in 1..<header.opcodeBase { header.operandCounts.append(unit.byte()) }
    header.firstFile = files.count
    if header.version >= 5 { readTablesV5(&unit, header.offsetSize) } else { readTables(&unit) }
    header.fileCount = files.count - header.firstFile
    guard !unit.failed else { return true }
    unit.position = program
    run(&unit, header)
    return true
  }

  private mutating func addFile(_ name: String, directory: String) {
    let path = name.hasPrefix("/") || directory.isEmpty ? name : directory + "/" + name
    nameBudget -= path.utf8.count
    files.append(nameBudget >= 0 ? path : "")
  }

  private mutating func readTables(_ unit: inout ByteCursor) {
    // Directory 0 is the compiler's current one; names in it stay relative.
    var directories = [""]
    while true {
      let name = unit.string()
      if name.isEmpty { break }
      directories.append(name)
    }
    while true {
      let name = unit.string()
      if name.isEmpty { break }
      let directory = Int(clamping: unit.unsignedLEB())
      _ = unit.unsignedLEB()
      _ = unit.unsignedLEB()
      addFile(name, directory: directory < directories.count ? directories[directory] : "")
    }
  }

  private mutating func readTablesV5(_ unit: inout ByteCursor, _ offsetSize: Int) {
    var directories: [String] = []
    readEntries(&unit, offsetSize) { name, _ in
      directories.append(directories.isEmpty ? "" : name)
    }
    var entries: [(String, Int)] = []
    readEntries(&unit, offsetSize) { name, directory in entries.append((name, directory)) }
    for (name, directory) in entries {
      addFile(name, directory: directory < directories.count ? directories[directory] : "")
    }
  }

  private mutating func readEntries(
    _ unit: inout ByteCursor, _ offsetSize: Int, _ body: (String, Int) -> Void
  ) {
    var formats: [(content: UInt64, form: UInt64)] = []
    for _ in 0..<unit.byte() { formats.append((unit.unsignedLEB(), unit.unsignedLEB())) }
    let count = unit.unsignedLEB()
    // An entry takes a byte at least, or the count is a lie.
    guard !unit.failed, !formats.isEmpty, count <= UInt64(unit.remaining) else {
      if count > 0 { unit.skip(.max) }
      return
    }
    for _ in 0..<count {
      var (name, directory) = ("", 0)
      for (content, form) in formats {
        var (text, number) = ("", UInt64(0))
        switch form {
        case 0x08: text = unit.string()  // DW_FORM_string
        case 0x1F: text = string(lineStrings, unit.fixed(offsetSize))  // DW_FORM_line_strp
        case 0x0E: text = string(strings, unit.fixed(offsetSize))  // DW_FORM_strp
        case 0x0B: number = unit.fixed(1)  // DW_FORM_data1
        case 0x05: number = unit.fixed(2)
        case 0x06: number = unit.fixed(4)
        case 0x07: number = unit.fixed(8)
        case 0x0F: number = unit.unsignedLEB()  // DW_FORM_udata
        case 0x1E: unit.skip(16)  // DW_FORM_data16, an MD5
        case 0x09: unit.skip(unit.unsignedLEB())  // DW_FORM_block
        default: unit.skip(.max)
        }
        if content == 1 { name = text }
        if content == 2 { directory = Int(clamping: number) }
      }
      if unit.failed { return }
      body(name, directory)
    }
  }

  private mutating func string(_ table: ArraySlice<UInt8>, _ offset: UInt64) -> String {
    guard offset < UInt64(table.count), nameBudget >= 0 else { return "" }
    let text = table[(table.startIndex + Int(offset))...].prefix { $0 != 0 }
    nameBudget -= text.count
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func run(_ unit: inout ByteCursor, _ header: Header) {
    var (address, file, line): (UInt64, UInt64, Int64) = (0, 1, 1)
    func emit(_ rows: inout [LineTable.Row]) {
      let index = header.version >= 5 ? file : file &- 1
      let known = index < UInt64(header.fileCount)
      rows.append(
        LineTable.Row(
          address: address, file: known ? Int32(header.firstFile + Int(index)) : -1,
          line: Int32(clamping: line)))
    }
    while !unit.isAtEnd {
      let opcode = unit.byte()
      if opcode >= header.opcodeBase {
        let adjusted = UInt64(opcode - header.opcodeBase)
        address &+= adjusted / header.lineRange * header.minimumInstructionLength
        line &+= header.lineBase + Int64(adjusted % header.lineRange)
        emit(&rows)
        continue
      }
      switch opcode {
      case 0:
        let length = unit.unsignedLEB()
        guard length > 0, length <= UInt64(unit.remaining) else { return }
        let next = unit.position + Int(length)
        switch unit.byte() {
        case 1:  // DW_LNE_end_sequence
          rows.append(LineTable.Row(address: address, file: -1, line: 0))
          (address, file, line) = (0, 1, 1)
        case 2: address = unit.fixed(Int(length) - 1)  // DW_LNE_set_address
        default: break
        }
        unit.position = next
      case 1: emit(&rows)  // DW_LNS_copy
      case 2: address &+= unit.unsignedLEB() &* header.minimumInstructionLength
      case 3: line &+= unit.signedLEB()
      case 4: file = unit.unsignedLEB()
      case 5: _ = unit.unsignedLEB()
      case 8:  // DW_LNS_const_add_pc
        address &+=
          UInt64(255 - header.opcodeBase) / header.lineRange * header.minimumInstructionLength
      case 9: address &+= unit.fixed(2)  // DW_LNS_fixed_advance_pc
      default:
        for _ in 0..<header.operandCounts[Int(opcode) - 1] { _ = unit.unsignedLEB() }
      }
      if unit.failed { return }
    }
  }
}
