/// An open .if.
struct Condition {
  var name: String
  var location: Location
  /// Statements are read.
  var isActive: Bool
  /// Some branch has been taken, or the whole stands in skipped text.
  var isDecided: Bool
  var elseLocation: Location?
}

extension AssemblyUnit {
  static let conditionals: Set<String> = [
    ".if", ".ifdef", ".ifndef", ".ifnotdef", ".ifb", ".ifnb", ".ifc", ".ifnc", ".ifeq", ".ifne",
    ".ifge", ".ifgt", ".ifle", ".iflt", ".ifeqs", ".ifnes",
  ]

  /// A statement in a branch not taken: only conditionals count.
  func skippedStatement(_ cursor: inout Cursor) throws(SourceError) {
    let start = cursor.position
    guard let name = cursor.identifier() else {
      cursor.position += 1
      cursor.skipStatement()
      return
    }
    if cursor.byte == UInt8(ascii: ":") {
      cursor.position += 1
      return
    }
    guard cursor.base[start] == UInt8(ascii: "."), name.count <= 9 else {
      cursor.skipStatement()
      return
    }
    let word = cursor.text(name.lowerBound, name.upperBound).lowercased()
    let location = cursor.location(name.lowerBound, name.upperBound)
    if Self.conditionals.contains(word) {
      conditions.append(
        Condition(name: word, location: location, isActive: false, isDecided: true))
      cursor.skipStatement()
    } else if word == ".else" || word == ".elseif" || word == ".endif" {
      try continueConditional(word, location, &cursor)
    } else {
      cursor.skipStatement()
    }
  }

  func openConditional(_ word: String, _ location: Location, _ cursor: inout Cursor)
    throws(SourceError)
  {
    var holds = false
    // Whatever happens, the .endif has something to close.
    conditions.append(Condition(name: word, location: location, isActive: true, isDecided: true))
    let index = conditions.count - 1
    if index > limits.macroDepth * 10 {
      throw .limit("more than \(limits.macroDepth * 10) conditionals within one another", location)
    }
    do throws(SourceError) {
      holds = try condition(word, &cursor)
      try expectEnd(&cursor, after: "\(word)'s condition")
    } catch {
      // A condition that makes no sense takes neither branch.
      conditions[index].isActive = false
      throw error
    }
    conditions[index].isActive = holds
    conditions[index].isDecided = holds
  }

  private func condition(_ word: String, _ cursor: inout Cursor) throws(SourceError) -> Bool {
    switch word {
    case ".if", ".ifne": return try number(&cursor, for: "\(word)'s condition") != 0
    case ".ifeq": return try number(&cursor, for: "\(word)'s condition") == 0
    case ".ifge": return try number(&cursor, for: "\(word)'s condition") >= 0
    case ".ifgt": return try number(&cursor, for: "\(word)'s condition") > 0
    case ".ifle": return try number(&cursor, for: "\(word)'s condition") <= 0
    case ".iflt": return try number(&cursor, for: "\(word)'s condition") < 0
    case ".ifdef", ".ifndef", ".ifnotdef":
      cursor.skipBlanks()
      guard let name = cursor.identifier() else { throw unexpected(cursor, "a symbol") }
      var isDefined = false
      if let number = names.find(cursor.bytes(name)), number < symbolByName.count,
        symbolByName[number] >= 0
      {
        isDefined = symbols[Int(symbolByName[number])].state != .undefined
      }
      return isDefined == (word == ".ifdef")
    case ".ifb": return cursor.restOfStatement().isEmpty
    case ".ifnb": return !cursor.restOfStatement().isEmpty
    case ".ifc", ".ifnc":
      let left = try comparedText(&cursor)
      guard cursor.accept(",") else { throw unexpected(cursor, "a comma and a second text") }
      let right = try comparedText(&cursor)
      return (left == right) == (word == ".ifc")
    default:
      let left = try stringLiteral(&cursor)
      guard cursor.accept(",") else { throw unexpected(cursor, "a comma and a second string") }
      let right = try stringLiteral(&cursor)
      return (left == right) == (word == ".ifeqs")
    }
  }

  private func comparedText(_ cursor: inout Cursor) throws(SourceError) -> [UInt8] {
    cursor.skipBlanks()
    if cursor.byte == UInt8(ascii: "'") {
      let start = cursor.position + 1
      cursor.position = start
      while cursor.byte != UInt8(ascii: "'"), cursor.byte != 10, cursor.position < cursor.count {
        cursor.position += 1
      }
      guard cursor.byte == UInt8(ascii: "'") else {
        throw SourceError("quote is not closed", cursor.location(start - 1, start))
      }
      cursor.position += 1
      return Array(cursor.bytes(start..<cursor.position - 1))
    }
    var text: [UInt8] = []
    while !cursor.isAtStatementEnd, cursor.byte != UInt8(ascii: ",") {
      text.append(cursor.byte)
      cursor.position += 1
    }
    while let last = text.last, last == 32 || last == 9 || last == 13 { text.removeLast() }
    return text
  }

  func continueConditional(
    _ word: String, _ location: Location, _ cursor: inout Cursor
  ) throws(SourceError) {
    guard let frame = frames.last, conditions.count > frame.conditionDepth else {
      cursor.skipStatement()
      throw SourceError("\(word) without .if", location)
    }
    let index = conditions.count - 1
    if word == ".endif" {
      conditions.removeLast()
      try expectEnd(&cursor, after: word)
      return
    }
    if let earlier = conditions[index].elseLocation {
      cursor.skipStatement()
      throw SourceError("\(word) after .else", location, notes: [("the .else is here", earlier)])
    }
    if word == ".else" {
      conditions[index].elseLocation = location
      conditions[index].isActive = !conditions[index].isDecided
      conditions[index].isDecided = true
      try expectEnd(&cursor, after: word)
      return
    }
    if conditions[index].isDecided {
      conditions[index].isActive = false
      cursor.skipStatement()
      return
    }
    conditions[index].isDecided = true
    let holds = try number(&cursor, for: ".elseif's condition") != 0
    conditions[index].isActive = holds
    conditions[index].isDecided = holds
    try expectEnd(&cursor, after: ".elseif's condition")
  }
}
