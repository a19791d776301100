/// A macro of the source.
struct Macro {
  struct Parameter {
    var name: String
    var fallback: [UInt8] = []
    var isRequired = false
    var takesRest = false
  }

  var name: String
  var parameters: [Parameter]
  var body: [UInt8]
  var definition: Location
  /// Where the body begins.
  var bodyLocation: Location
}

extension AssemblyUnit {
  func defineMacro(_ word: String, _ cursor: inout Cursor, _ name: Range<Int>) throws(SourceError) {
    let location = cursor.location(name.lowerBound, name.upperBound)
    var mistake: SourceError?
    var macro = Macro(
      name: "", parameters: [], body: [], definition: location, bodyLocation: location)
    do throws(SourceError) {
      macro = try macroHead(&cursor)
    } catch { mistake = error }
    cursor.skipStatement()
    let body = try collectBody(&cursor, opener: word, at: location).range
    frames[frames.count - 1].position = cursor.position
    inputMoved = true
    if let mistake {
      hasMissingNames = true
      report(mistake)
      return
    }
    macro.body = Array(cursor.bytes(body))
    macro.bodyLocation = cursor.location(body.lowerBound, body.upperBound)
    if let known = macros[macro.name.lowercased()] {
      throw SourceError(
        "macro '\(macro.name)' is already defined", macro.definition,
        notes: [("defined here", known.definition)],
        help: "remove the first with .purgem \(macro.name)")
    }
    macros[macro.name.lowercased()] = macro
  }

  private func macroHead(_ cursor: inout Cursor) throws(SourceError) -> Macro {
    cursor.skipBlanks()
    guard let name = cursor.identifier() else { throw unexpected(cursor, "the macro's name") }
    var macro = Macro(
      name: cursor.text(name.lowerBound, name.upperBound), parameters: [], body: [],
      definition: cursor.location(name.lowerBound, name.upperBound), bodyLocation: .none)
    _ = cursor.accept(",")
    while true {
      cursor.skipBlanks()
      if cursor.isAtStatementEnd { return macro }
      let start = cursor.position
      if cursor.byte == UInt8(ascii: "\\") { cursor.position += 1 }
      guard let range = cursor.identifier() else { throw unexpected(cursor, "a parameter's name") }
      var parameter = Macro.Parameter(name: cursor.text(range.lowerBound, range.upperBound))
      if macro.parameters.contains(where: { $0.name == parameter.name }) {
        throw SourceError(
          "parameter '\(parameter.name)' is named twice", cursor.location(start, cursor.position))
      }
      if macro.parameters.last?.takesRest == true {
        throw SourceError(
          "nothing may follow a :vararg parameter", cursor.location(start, cursor.position))
      }
      if cursor.accept(":") {
        cursor.skipBlanks()
        let start = cursor.position
        let kind = cursor.identifier().map { cursor.text($0.lowerBound, $0.upperBound) } ?? ""
        switch kind {
        case "req": parameter.isRequired = true
        case "vararg": parameter.takesRest = true
        default:
          throw SourceError(
            "parameters may be :req or :vararg, not ':\(kind)'",
            cursor.location(start, max(start + 1, cursor.position)))
        }
      }
      if cursor.accept("=") { parameter.fallback = try macroArgument(&cursor).text }
      macro.parameters.append(parameter)
      _ = cursor.accept(",")
    }
  }

  /// One argument: up to a comma, or a blank that does not stand beside an operator.
  private func macroArgument(
    _ cursor: inout Cursor
  ) throws(SourceError) -> (text: [UInt8], location: Location) {
    cursor.skipBlanks()
    let start = cursor.position
    var text: [UInt8] = []
    if cursor.byte == UInt8(ascii: "\"") {
      text = Array(try rawString(&cursor))
      return (text, cursor.location(start, cursor.position))
    }
    var depth = 0
    while !cursor.isAtStatementEnd {
      let byte = cursor.byte
      if byte == UInt8(ascii: ","), depth == 0 { break }
      if byte == 32 || byte == 9 || byte == 13 {
        let last = cursor.base[cursor.position - 1]
        cursor.skipBlanks()
        if cursor.isAtStatementEnd { break }
        if depth == 0, endsWord(last), startsWord(cursor.byte) { break }
        continue
      }
      if byte == UInt8(ascii: "/"), cursor.next == UInt8(ascii: "*") {
        cursor.skipBlanks()
        continue
      }
      let from = cursor.position
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        skipQuoted(&cursor)
      } else {
        if byte == UInt8(ascii: "(") { depth += 1 }
        if byte == UInt8(ascii: ")") { depth = max(0, depth - 1) }
        cursor.position += 1
      }
      text.append(contentsOf: cursor.bytes(from..<cursor.position))
    }
    return (text, cursor.location(start, cursor.position))
  }

  private func skipQuoted(_ cursor: inout Cursor) {
    let quote = cursor.byte
    cursor.position += 1
    if quote == UInt8(ascii: "'") {
      if cursor.byte == UInt8(ascii: "\\"), cursor.next != 10 { cursor.position += 1 }
      if cursor.byte != 10 { cursor.position += 1 }
      if cursor.byte == quote { cursor.position += 1 }
    } else {
      while cursor.position < cursor.count, cursor.byte != 10, cursor.byte != quote {
        cursor.position += cursor.byte == UInt8(ascii: "\\") && cursor.next != 10 ? 2 : 1
      }
      if cursor.byte == quote { cursor.position += 1 }
    }
    cursor.position = min(cursor.position, cursor.count)
  }

  private func endsWord(_ byte: UInt8) -> Bool {
    isIdentifierPart(byte) || byte == UInt8(ascii: ")") || byte == UInt8(ascii: "\"")
      || byte == UInt8(ascii: "'")
  }

  private func startsWord(_ byte: UInt8) -> Bool {
    isIdentifierPart(byte) || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
      || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "'")
  }

  func invoke(_ macro: Macro, _ name: Range<Int>, _ cursor: inout Cursor) throws(SourceError) {
    let call = cursor.location(name.lowerBound, name.upperBound)
    var values: [[UInt8]?] = Array(repeating: nil, count: macro.parameters.count)
    var next = 0
    cursor.skipBlanks()
    while !cursor.isAtStatementEnd {
      // name=value
      var look = cursor
      if let word = look.identifier() {
        look.skipBlanks()
        if look.byte == UInt8(ascii: "="), look.next != UInt8(ascii: "="),
          let index = macro.parameters.firstIndex(where: {
            $0.name == look.text(word.lowerBound, word.upperBound)
          })
        {
          look.position += 1
          cursor = look
          values[index] = try macroArgument(&cursor).text
          next = index + 1
          if cursor.accept(",") {}
          cursor.skipBlanks()
          continue
        }
      }
      guard next < macro.parameters.count else {
        let (_, location) = try macroArgument(&cursor)
        throw SourceError(
          "macro '\(macro.name)' takes \(macro.parameters.count) argument\(macro.parameters.count == 1 ? "" : "s"), found more",
          location, notes: [("defined here", macro.definition)])
      }
      if macro.parameters[next].takesRest {
        values[next] = Array(cursor.bytes(cursor.restOfStatement()))
        break
      }
      let (text, _) = try macroArgument(&cursor)
      if !text.isEmpty || cursor.byte != UInt8(ascii: ",") { values[next] = text }
      next += 1
      _ = cursor.accept(",")
      cursor.skipBlanks()
    }
    var arguments: [[UInt8]] = []
    for (parameter, value) in zip(macro.parameters, values) {
      if parameter.isRequired, value?.isEmpty ?? true {
        throw SourceError(
          "macro '\(macro.name)' needs a value for '\(parameter.name)'", call,
          notes: [("declared :req here", macro.definition)])
      }
      if let value, !(value.isEmpty && !parameter.fallback.isEmpty) {
        arguments.append(value)
      } else {
        arguments.append(parameter.fallback)
      }
    }
    let text = try substitute(
      macro.body, macro.parameters.map(\.name), arguments, at: call, counter: expansionCount)
    expansionCount += 1
    frames[frames.count - 1].position = cursor.position
    try pushExpansion(
      text, kind: .macro(name: macro.name), macro: macro.name, call: call, body: macro.bodyLocation)
  }

  /// Fills in \name, \@ and \().
  private func substitute(
    _ body: [UInt8], _ names: [String], _ values: [[UInt8]], at call: Location, counter: Int
  ) throws(SourceError) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(body.count + 64)
    var index = 0
    while index < body.count {
      let byte = body[index]
      guard byte == UInt8(ascii: "\\"), index + 1 < body.count else {
        out.append(byte)
        index += 1
        continue
      }
      let next = body[index + 1]
      if next == UInt8(ascii: "@") {
        out += String(counter).utf8
        index += 2
      } else if next == UInt8(ascii: "("), index + 2 < body.count,
        body[index + 2] == UInt8(ascii: ")")
      {
        index += 3
      } else if isIdentifierStart(next) {
        var end = index + 2
        while end < body.count, isIdentifierPart(body[end]) { end += 1 }
        var match: Int?
        // The longest name; failing that, the part before a dot.
        while end > index + 1 {
          let word = String(decoding: body[index + 1..<end], as: UTF8.self)
          match = names.firstIndex(of: word)
          if match != nil { break }
          guard let dot = body[index + 1..<end].lastIndex(of: UInt8(ascii: ".")) else { break }
          end = dot
        }
        if let match {
          out += values[match]
          index = end
        } else {
          out.append(byte)
          index += 1
        }
      } else {
        // An escape in a string keeps its second character, whatever it is.
        out.append(byte)
        out.append(next)
        index += 2
      }
      if out.count > limits.expandedBytes {
        throw .limit("macros expand to more than \(limits.expandedBytes) bytes", call)
      }
    }
    return out
  }

  /// .irp and .irpc: the body once for each value.
  func repeatForEach(
    _ word: String, _ cursor: inout Cursor, _ name: Range<Int>, characters: Bool
  ) throws(SourceError) {
    let location = cursor.location(name.lowerBound, name.upperBound)
    var mistake: SourceError?
    var parameter = ""
    var values: [[UInt8]] = []
    do throws(SourceError) {
      cursor.skipBlanks()
      guard let range = cursor.identifier() else { throw unexpected(cursor, "a parameter's name") }
      parameter = cursor.text(range.lowerBound, range.upperBound)
      _ = cursor.accept(",")
      cursor.skipBlanks()
      if characters {
        if cursor.byte == UInt8(ascii: "\"") {
          values = Array(try rawString(&cursor)).map { [$0] }
        } else {
          values = cursor.bytes(cursor.restOfStatement()).filter { $0 != 32 && $0 != 9 }.map {
            [$0]
          }
        }
      } else {
        while !cursor.isAtStatementEnd {
          values.append(try macroArgument(&cursor).text)
          if cursor.accept(",") {
            cursor.skipBlanks()
            if cursor.isAtStatementEnd { values.append([]) }
          }
          cursor.skipBlanks()
        }
      }
      if values.isEmpty { values = [[]] }
    } catch { mistake = error }
    cursor.skipStatement()
    let body = try collectBody(&cursor, opener: word, at: location).range
    frames[frames.count - 1].position = cursor.position
    inputMoved = true
    if let mistake {
      report(mistake)
      return
    }
    let bytes = Array(cursor.bytes(body))
    if bytes.count * values.count > limits.expandedBytes {
      throw .limit("macros expand to more than \(limits.expandedBytes) bytes", location)
    }
    var text: [UInt8] = []
    for value in values {
      text += try substitute(bytes, [parameter], [value], at: location, counter: expansionCount)
      text.append(10)
      if text.count > limits.expandedBytes {
        throw .limit("macros expand to more than \(limits.expandedBytes) bytes", location)
      }
    }
    try pushExpansion(
      text, kind: .repetition, macro: word, call: location,
      body: cursor.location(body.lowerBound, body.upperBound))
  }

  func exitMacro(_ location: Location) throws(SourceError) {
    guard frames.contains(where: { if case .file = $0.kind { false } else { true } }),
      let last = frames.last
    else { throw SourceError(".exitm is only for macros", location) }
    if case .file = last.kind { throw SourceError(".exitm is only for macros", location) }
    conditions.removeLast(max(0, conditions.count - last.conditionDepth))
    frames.removeLast()
    inputMoved = true
  }

  func purgeMacros(_ cursor: inout Cursor) throws(SourceError) {
    repeat {
      cursor.skipBlanks()
      guard let range = cursor.identifier() else { throw unexpected(cursor, "a macro's name") }
      let name = cursor.text(range.lowerBound, range.upperBound)
      if macros.removeValue(forKey: name.lowercased()) == nil {
        throw SourceError(
          "there is no macro '\(name)'", cursor.location(range.lowerBound, range.upperBound))
      }
    } while cursor.accept(",")
    try expectEnd(&cursor, after: "the macro's name")
  }
}
