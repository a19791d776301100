extension AssemblyUnit {
  /// Checks that contents can stand in the section.
  func beginData(_ location: Location) throws(SourceError) {
    if current.isNoBits {
      throw SourceError(
        "data in \(current.name), which has no contents", location,
        help: "reserve room with .space, or switch to .data")
    }
  }

  /// Checks that the output may grow by so many bytes.
  func reserve(_ count: Int64, _ location: Location) throws(SourceError) {
    if count < 0 || (!current.isNoBits && outputSize &+ count > Int64(limits.outputBytes)) {
      throw .limit("more than \(limits.outputBytes) bytes of output", location)
    }
    outputSize += current.isNoBits ? 0 : count
    if current.size &+ count > 1 << 40 {
      throw .limit("section \(current.name) has more than \(1 << 40) bytes", location)
    }
  }

  func data(_ size: Int, _ location: Location, _ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    if cursor.isAtStatementEnd { return }
    repeat {
      cursor.skipBlanks()
      let start = cursor.position
      let value = try expression(&cursor)
      let place = cursor.location(start, cursor.position)
      if current.isNoBits {
        // Zeros are what there is anyway.
        guard value == Expression(0) else { throw dataInBSS(place) }
        current.size += Int64(size)
        continue
      }
      try reserve(Int64(size), location)
      if value.isConstant {
        checkWidth(value.constant, size, place)
        current.append(value.constant, size: size)
      } else {
        let kind: Fixup.Kind =
          size == 1 ? .data1 : size == 2 ? .data2 : size == 4 ? .data4 : .data8
        fixups.append(
          Fixup(kind: kind, position: current.end, expression: value, location: place))
        current.append(0, size: size)
      }
    } while cursor.accept(",")
    try expectEnd(&cursor, after: "the value")
  }

  private func dataInBSS(_ location: Location) -> SourceError {
    SourceError(
      "data in \(current.name), which has no contents", location,
      help: "reserve room with .space, or switch to .data")
  }

  func checkWidth(_ value: Int64, _ size: Int, _ location: Location) {
    guard size < 8 else { return }
    let bits = Int64(size * 8)
    if value >> bits != 0, value < -(1 << (bits - 1)) || value >= 0 {
      let kept = value & ((1 << bits) - 1)
      warn(
        "value \(value) does not fit \(size) byte\(size == 1 ? "" : "s"), truncated to \(kept)",
        location)
    }
  }

  func ascii(_ terminated: Bool, _ location: Location, _ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    if cursor.isAtStatementEnd { return }
    try beginData(location)
    repeat {
      var bytes = try stringLiteral(&cursor)
      cursor.skipBlanks()
      // Strings side by side are one.
      while cursor.byte == UInt8(ascii: "\"") {
        bytes += try stringLiteral(&cursor)
        cursor.skipBlanks()
      }
      if terminated { bytes.append(0) }
      try reserve(Int64(bytes.count), location)
      current.bytes += bytes
      current.size += Int64(bytes.count)
    } while cursor.accept(",")
    try expectEnd(&cursor, after: "the string")
  }

  func floats(_ size: Int, _ location: Location, _ cursor: inout Cursor) throws(SourceError) {
    try beginData(location)
    repeat {
      cursor.skipBlanks()
      let start = cursor.position
      while !cursor.isAtStatementEnd, cursor.byte != UInt8(ascii: ","), cursor.byte != 32,
        cursor.byte != 9
      {
        cursor.position += 1
      }
      var text = cursor.text(start, cursor.position)
      // 0f1.5 and 0d1.5 are old spellings.
      if text.hasPrefix("0f") || text.hasPrefix("0d") { text = String(text.dropFirst(2)) }
      guard let double = Double(text), let single = Float(text) else {
        throw SourceError(
          "'\(text)' is no floating-point number",
          cursor.location(start, max(start + 1, cursor.position)))
      }
      let bits = size == 4 ? UInt64(single.bitPattern) : double.bitPattern
      try reserve(Int64(size), location)
      current.append(Int64(bitPattern: bits), size: size)
    } while cursor.accept(",")
    try expectEnd(&cursor, after: "the number")
  }

  // .space size, fill
  func space(_ word: String, _ location: Location, _ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    let start = cursor.position
    let size = try expression(&cursor)
    let place = cursor.location(start, cursor.position)
    var fill: Int64 = 0
    if cursor.accept(",") { fill = try number(&cursor, for: "the fill value") }
    try expectEnd(&cursor, after: "\(word)'s size")
    var known: Int64?
    if size.isConstant { known = size.constant }
    if known == nil, let value = evaluate(size), value.section < 0 { known = value.number }
    guard let count = known else {
      if case .poisoned = failure { throw .silent }
      current.points.append(
        VariablePoint(
          kind: .space(fill: UInt8(truncatingIfNeeded: fill)), offset: current.size,
          expression: size, location: place))
      return
    }
    try checkSpace(count, word, place)
    if current.isNoBits, fill & 255 != 0 { throw dataInBSS(place) }
    try grow(count, UInt8(truncatingIfNeeded: fill), place)
  }

  func checkSpace(_ count: Int64, _ word: String, _ location: Location) throws(SourceError) {
    if count < 0 { throw SourceError("\(word)'s size \(count) is negative", location) }
    if count > Int64(limits.spaceBytes) {
      throw SourceError(
        "\(word) of \(count) bytes exceeds the limit of \(limits.spaceBytes)", location)
    }
  }

  private func grow(_ count: Int64, _ fill: UInt8, _ location: Location) throws(SourceError) {
    try reserve(count, location)
    if !current.isNoBits { current.bytes += repeatElement(fill, count: Int(count)) }
    current.size += count
  }

  // .fill repeat, size, value
  func fill(_ location: Location, _ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    let start = cursor.position
    let count = try number(&cursor, for: ".fill's count")
    let place = cursor.location(start, cursor.position)
    var (size, value): (Int64, Int64) = (1, 0)
    if cursor.accept(",") {
      size = try small(&cursor, 0...Int64.max, ".fill's size")
      if size > 8 {
        warn(".fill's size \(size) is more than 8, 8 is taken", place)
        size = 8
      }
      if cursor.accept(",") { value = try number(&cursor, for: ".fill's value") }
    }
    try expectEnd(&cursor, after: ".fill's value")
    try checkSpace(count, ".fill", place)
    let (total, overflow) = count.multipliedReportingOverflow(by: size)
    if overflow { try checkSpace(.max, ".fill", place) }
    try checkSpace(total, ".fill", place)
    if value == 0 || current.isNoBits {
      if value != 0 { throw dataInBSS(place) }
      try grow(total, 0, place)
      return
    }
    try reserve(total, place)
    // As with GNU as, only 32 bits of the value count; beyond come zeros.
    let pattern = size > 4 ? value & 0xFFFF_FFFF : value
    for _ in 0..<count { current.append(pattern, size: Int(size)) }
  }

  func leb(_ isSigned: Bool, _ location: Location, _ cursor: inout Cursor) throws(SourceError) {
    try beginData(location)
    repeat {
      cursor.skipBlanks()
      let start = cursor.position
      let value = try expression(&cursor)
      let place = cursor.location(start, cursor.position)
      if value.isConstant {
        let bytes = lebBytes(value.constant, isSigned: isSigned)
        try reserve(Int64(bytes.count), location)
        current.bytes += bytes
        current.size += Int64(bytes.count)
      } else {
        current.points.append(
          VariablePoint(
            kind: isSigned ? .signedLEB : .unsignedLEB, offset: current.size, expression: value,
            location: place))
      }
    } while cursor.accept(",")
    try expectEnd(&cursor, after: "the value")
  }

  func lebBytes(_ value: Int64, isSigned: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    if isSigned {
      var rest = value
      while rest > 63 || rest < -64 {
        bytes.append(UInt8(truncatingIfNeeded: rest & 0x7F) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(truncatingIfNeeded: rest & 0x7F))
    } else {
      var rest = UInt64(bitPattern: value)
      while rest > 0x7F {
        bytes.append(UInt8(rest & 0x7F) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    return bytes
  }

  /// .align, .p2align (a power of two) and .balign (bytes), then fill and the most to skip.
  func align(
    _ isPower: Bool, _ word: String, _ location: Location, _ cursor: inout Cursor
  ) throws(SourceError) {
    cursor.skipBlanks()
    let start = cursor.position
    var boundary: Int64 = 0
    if !cursor.isAtStatementEnd { boundary = try number(&cursor, for: "the alignment") }
    let place = cursor.location(start, max(start + 1, cursor.position))
    if isPower {
      guard (0...30).contains(boundary) else {
        var error = SourceError("alignment 2^\(boundary) is not in 2^0...2^30", place)
        if boundary > 30, boundary & (boundary - 1) == 0 {
          error.help = "\(word) takes a power of two; for bytes write .balign \(boundary)"
        }
        throw error
      }
      boundary = 1 << boundary
    } else if boundary == 0 {
      boundary = 1
    }
    guard boundary > 0, boundary & (boundary - 1) == 0, boundary <= 1 << 30 else {
      throw SourceError("alignment \(boundary) is no power of two up to 2^30", place)
    }
    var fill: UInt8?
    var most = Int64.max
    if cursor.accept(",") {
      cursor.skipBlanks()
      if cursor.byte != UInt8(ascii: ","), !cursor.isAtStatementEnd {
        fill = UInt8(truncatingIfNeeded: try number(&cursor, for: "the fill value"))
      }
      if cursor.accept(",") {
        most = try number(&cursor, for: "the most bytes to skip")
        if most <= 0 { most = .max }
      }
    }
    try expectEnd(&cursor, after: "the alignment")
    current.alignment = max(current.alignment, boundary)
    if current.points.isEmpty {
      let padding = -current.size & (boundary - 1)
      if padding > 0, padding <= most {
        try reserve(padding, location)
        if !current.isNoBits {
          current.bytes += self.padding(padding, fill, isCode: current.isCode)
        }
        current.size += padding
      }
      return
    }
    current.points.append(
      VariablePoint(
        kind: .align(to: boundary, fill: fill, most: most), offset: current.size,
        expression: Expression(0), location: location))
  }

  /// What alignment inserts: zeros, or nops in code (before them, up to a multiple of four, GNU as's filler).
  func padding(_ count: Int64, _ fill: UInt8?, isCode: Bool) -> [UInt8] {
    if let fill { return [UInt8](repeating: fill, count: Int(count)) }
    guard isCode else { return [UInt8](repeating: 0, count: Int(count)) }
    var bytes: [UInt8] = count & 1 != 0 ? [0] : []
    if count & 2 != 0 { bytes += [1, 0] }
    for _ in 0..<count / 4 { bytes += [0x13, 0, 0, 0] }
    return bytes
  }

  func origin(_ cursor: inout Cursor, _ location: Location) throws(SourceError) {
    cursor.skipBlanks()
    let start = cursor.position
    let target = try expression(&cursor)
    let place = cursor.location(start, cursor.position)
    var fill: Int64 = 0
    if cursor.accept(",") { fill = try number(&cursor, for: "the fill value") }
    try expectEnd(&cursor, after: ".org")
    if current.points.isEmpty, let value = evaluate(target),
      value.section < 0 || value.section == Int32(current.index)
    {
      let count = value.number &- current.size
      if count < 0 {
        throw SourceError(
          ".org cannot move backwards (from \(current.size) to \(value.number))", place)
      }
      try checkSpace(count, ".org", place)
      try grow(count, UInt8(truncatingIfNeeded: fill), place)
      return
    }
    current.points.append(
      VariablePoint(
        kind: .origin(fill: UInt8(truncatingIfNeeded: fill)), offset: current.size,
        expression: target, location: place))
  }

  /// .insn with the word itself.
  func rawInstruction(_ location: Location, _ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    if isIdentifierStart(cursor.byte) {
      try formattedInstruction(location, &cursor)
      return
    }
    var value = try number(&cursor, for: "the instruction word")
    if cursor.accept(",") {
      if value != 4 { throw SourceError("instructions have 4 bytes, not \(value)", location) }
      value = try number(&cursor, for: "the instruction word")
    }
    try expectEnd(&cursor, after: "the instruction word")
    guard (0...0xFFFF_FFFF).contains(value), value & 3 == 3 else {
      throw SourceError("not a 32-bit instruction word (its two low bits are ones)", location)
    }
    try beginInstruction(location)
    current.append(word: UInt32(value))
  }
}
