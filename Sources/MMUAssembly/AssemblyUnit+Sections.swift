extension AssemblyUnit {
  func switchSection(_ name: String, _ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    if !cursor.isAtStatementEnd {
      let start = cursor.position
      if try number(&cursor, for: "the subsection") != 0 {
        throw SourceError(
          "subsections are not supported", cursor.location(start, cursor.position),
          help: "use a section of its own: .section \(name).part")
      }
      try expectEnd(&cursor, after: name)
    }
    enter(section(named: name))
  }

  func enter(_ section: Section) {
    previous = current
    current = section
  }

  /// The section of that name; a new one gets what its name promises.
  func section(named name: String) -> Section {
    if let number = sectionNumbers[name] { return sections[number] }
    let (type, flags) = Self.defaults(of: name)
    return newSection(name, type, flags)
  }

  private func newSection(_ name: String, _ type: UInt32, _ flags: UInt64) -> Section {
    let section = Section(index: sections.count, name: name, type: type, flags: flags)
    sections.append(section)
    sectionNumbers[name] = section.index
    return section
  }

  private static func defaults(of name: String) -> (UInt32, UInt64) {
    func isOrBelow(_ prefix: String) -> Bool { name == prefix || name.hasPrefix(prefix + ".") }
    let (write, allocate, execute) = (Section.write, Section.allocate, Section.execute)
    if isOrBelow(".text") || name == ".init" || name == ".fini" { return (1, allocate | execute) }
    if isOrBelow(".rodata") || isOrBelow(".srodata") || name == ".eh_frame" { return (1, allocate) }
    if isOrBelow(".bss") || isOrBelow(".sbss") { return (8, allocate | write) }
    if isOrBelow(".data") || isOrBelow(".sdata") { return (1, allocate | write) }
    if isOrBelow(".preinit_array") { return (16, allocate | write) }
    if isOrBelow(".init_array") { return (14, allocate | write) }
    if isOrBelow(".fini_array") { return (15, allocate | write) }
    if name.hasPrefix(".note") { return (7, 0) }
    return (1, 0)
  }

  // .section name, "flags", @type, entrySize
  func sectionDirective(_ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    let start = cursor.position
    var name = ""
    if cursor.byte == UInt8(ascii: "\"") {
      name = String(decoding: try stringLiteral(&cursor), as: UTF8.self)
    } else {
      while isIdentifierPart(cursor.byte) || cursor.byte == UInt8(ascii: "-")
        || cursor.byte == UInt8(ascii: "+")
      {
        cursor.position += 1
      }
      name = cursor.text(start, cursor.position)
    }
    guard !name.isEmpty else { throw unexpected(cursor, "the section's name") }
    let location = cursor.location(start, cursor.position)
    if name == ".tdata" || name == ".tbss" || name.hasPrefix(".tdata.") || name.hasPrefix(".tbss.")
    {
      throw SourceError("thread-local storage is not supported", location)
    }
    var flags: UInt64?
    var type: UInt32?
    var entrySize: UInt64 = 0
    if cursor.accept(",") {
      flags = try sectionFlags(&cursor)
      if cursor.accept(",") {
        type = try sectionType(&cursor)
        if cursor.accept(",") {
          cursor.skipBlanks()
          if isIdentifierStart(cursor.byte) || cursor.byte == UInt8(ascii: "\"") {
            // A group's name and linkage: one source, so nothing to merge.
            cursor.skipStatement()
          } else {
            entrySize = UInt64(bitPattern: try number(&cursor, for: "the entry size"))
            if cursor.accept(",") { cursor.skipStatement() }
          }
        }
      }
    }
    try expectEnd(&cursor, after: "the section's attributes")
    if sectionNumbers[name] == nil {
      let (defaultType, defaultFlags) = Self.defaults(of: name)
      if sections.count > 10_000 { throw .limit("more than 10000 sections", location) }
      let created = newSection(name, type ?? defaultType, flags ?? defaultFlags)
      created.entrySize = entrySize
      enter(created)
      return
    }
    let known = section(named: name)
    if let flags, flags != known.flags {
      if known.size == 0, known.points.isEmpty, known.index != 0 {
        known.flags = flags
        known.type = type ?? known.type
      } else {
        warn("section \(name) keeps its flags from before", location)
      }
    }
    enter(known)
  }

  private func sectionFlags(_ cursor: inout Cursor) throws(SourceError) -> UInt64 {
    cursor.skipBlanks()
    let start = cursor.position
    if isDigit(cursor.byte) { return UInt64(bitPattern: try number(&cursor, for: "the flags")) }
    var flags: UInt64 = 0
    for letter in try stringLiteral(&cursor) {
      switch letter {
      case UInt8(ascii: "a"): flags |= Section.allocate
      case UInt8(ascii: "w"): flags |= Section.write
      case UInt8(ascii: "x"): flags |= Section.execute
      case UInt8(ascii: "M"): flags |= 1 << 4
      case UInt8(ascii: "S"): flags |= 1 << 5
      case UInt8(ascii: "G"), UInt8(ascii: "R"), UInt8(ascii: "?"), UInt8(ascii: "o"): break
      case UInt8(ascii: "e"): flags |= 1 << 31
      case UInt8(ascii: "T"):
        throw SourceError(
          "thread-local storage is not supported", cursor.location(start, cursor.position))
      default:
        throw SourceError(
          "unknown section flag '\(String(decoding: [letter], as: UTF8.self))'",
          cursor.location(start, cursor.position),
          help: "a: in memory, w: writable, x: executable, M: mergeable, S: strings")
      }
    }
    return flags
  }

  private func sectionType(_ cursor: inout Cursor) throws(SourceError) -> UInt32 {
    cursor.skipBlanks()
    let start = cursor.position
    if cursor.byte == UInt8(ascii: "@") || cursor.byte == UInt8(ascii: "%") { cursor.position += 1 }
    if isDigit(cursor.byte) {
      return UInt32(truncatingIfNeeded: try number(&cursor, for: "the type"))
    }
    var word = ""
    if cursor.byte == UInt8(ascii: "\"") {
      word = String(decoding: try stringLiteral(&cursor), as: UTF8.self)
    } else if let range = cursor.identifier() {
      word = cursor.text(range.lowerBound, range.upperBound)
    }
    let types: [String: UInt32] = [
      "progbits": 1, "nobits": 8, "note": 7, "init_array": 14, "fini_array": 15,
      "preinit_array": 16,
    ]
    guard let type = types[word] else {
      throw SourceError(
        "unknown section type '\(word)'", cursor.location(start, max(start + 1, cursor.position)),
        help: "use @progbits, @nobits, @note, @init_array, @fini_array or @preinit_array")
    }
    return type
  }
}
