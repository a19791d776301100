/// A text (or a part of one) being read.
struct InputFrame {
  enum Kind {
    case file
    case macro(name: String)
    /// .rept, .irp or .irpc.
    case repetition
  }

  var source: Int
  var kind: Kind
  var start: Int
  var end: Int
  var position: Int
  /// Rounds left after this one.
  var repeatsLeft = 0
  /// Open conditionals below belong to frames further out.
  var conditionDepth: Int
  /// The line at `linePosition`, from 1.
  var line: Int32 = 1
  var linePosition = 0
}

extension AssemblyUnit {
  func pushFile(_ bytes: [UInt8], name: String, at location: Location) throws(SourceError) {
    let depth = frames.count { if case .file = $0.kind { true } else { false } }
    if depth > limits.includeDepth {
      throw .limit("more than \(limits.includeDepth) includes within one another", location)
    }
    sourceBytes += bytes.count
    if sourceBytes > limits.sourceBytes {
      throw .limit("more than \(limits.sourceBytes) bytes of source", location)
    }
    sources.append(SourceText(name: name, bytes: bytes, kind: .file))
    sourceLineFile.append(-1)
    push(
      InputFrame(
        source: sources.count - 1, kind: .file, start: 0, end: bytes.count, position: 0,
        conditionDepth: conditions.count))
  }

  func pushExpansion(
    _ bytes: [UInt8], kind: InputFrame.Kind, macro: String, call: Location, body: Location
  ) throws(SourceError) {
    try checkMacroDepth(call)
    expandedBytes += bytes.count + 128
    if expandedBytes > limits.expandedBytes {
      throw .limit("macros expand to more than \(limits.expandedBytes) bytes", call)
    }
    sources.append(
      SourceText(
        name: macro, bytes: bytes, kind: .expansion(macro: macro, call: call, body: body)))
    sourceLineFile.append(-1)
    push(
      InputFrame(
        source: sources.count - 1, kind: kind, start: 0, end: bytes.count, position: 0,
        conditionDepth: conditions.count))
  }

  func checkMacroDepth(_ location: Location) throws(SourceError) {
    if frames.count > limits.macroDepth + limits.includeDepth {
      throw .limit("more than \(limits.macroDepth) macros within one another", location)
    }
  }

  func push(_ frame: InputFrame) {
    frames.append(frame)
    inputMoved = true
  }

  /// The end of a frame's text: another round, or back to the frame outside.
  func finishFrame(isEnding: Bool = false) throws(SourceError) {
    var frame = frames[frames.count - 1]
    while conditions.count > frame.conditionDepth {
      let open = conditions.removeLast()
      if !isEnding || errorCount == 0, !isEnded {
        report(SourceError("\(open.name) has no .endif", open.location))
      }
    }
    if frame.repeatsLeft > 0, !isEnding {
      statementCount += 1
      if statementCount > limits.statements {
        throw .limit(
          "more than \(limits.statements) statements executed",
          Location(source: frame.source, offset: frame.start))
      }
      frame.repeatsLeft -= 1
      frame.position = frame.start
      (frame.line, frame.linePosition) = (startLine(of: frame), frame.start)
      frames[frames.count - 1] = frame
    } else {
      frames.removeLast()
    }
  }

  /// The line a repetition's body begins at is that of its first round.
  private func startLine(of frame: InputFrame) -> Int32 {
    var line = frame.line
    let base = sources[frame.source].bytes
    var position = frame.linePosition
    while position > frame.start {
      position -= 1
      if base[position] == 10 { line -= 1 }
    }
    return line
  }

  // MARK: Including

  func include(_ cursor: inout Cursor) throws(SourceError) {
    let (path, location) = try fileName(&cursor)
    try expectEnd(&cursor, after: ".include")
    guard let bytes = readIncluded(path, from: cursor.source) else {
      hasMissingNames = true
      throw cannotRead(path, location)
    }
    frames[frames.count - 1].position = cursor.position
    try pushFile(bytes.contents, name: bytes.name, at: location)
  }

  func includeBinary(_ cursor: inout Cursor) throws(SourceError) {
    let (path, location) = try fileName(&cursor)
    var (skip, count) = (Int64(0), Int64.max)
    if cursor.accept(",") {
      cursor.skipBlanks()
      if cursor.byte != UInt8(ascii: ",") { skip = try number(&cursor, for: "the bytes to skip") }
      if cursor.accept(",") { count = try number(&cursor, for: "the number of bytes") }
    }
    try expectEnd(&cursor, after: ".incbin")
    guard let bytes = readIncluded(path, from: cursor.source)?.contents else {
      throw cannotRead(path, location)
    }
    guard skip >= 0, count >= 0, skip <= bytes.count else {
      throw SourceError("'\(path)' has only \(bytes.count) bytes", location)
    }
    try reserve(min(count, Int64(bytes.count) - skip), location)
    let part = bytes.dropFirst(Int(skip)).prefix(Int(min(count, Int64(bytes.count))))
    try beginData(location)
    current.bytes += part
    current.size += Int64(part.count)
  }

  private func cannotRead(_ path: String, _ location: Location) -> SourceError {
    var places = ["."] + options.includePaths
    if places.count > 5 { places = Array(places.prefix(5)) + ["..."] }
    return SourceError(
      "cannot read '\(path)'", location,
      help:
        "looked in \(places.joined(separator: ", ")) and beside the including file; add its folder with -I"
    )
  }

  private func fileName(
    _ cursor: inout Cursor
  ) throws(SourceError) -> (path: String, location: Location) {
    cursor.skipBlanks()
    let start = cursor.position
    let bytes = try stringLiteral(&cursor)
    return (String(decoding: bytes, as: UTF8.self), cursor.location(start, cursor.position))
  }

  private func readIncluded(
    _ path: String, from source: Int
  ) -> (name: String, contents: [UInt8])? {
    var candidates = [path]
    if !path.hasPrefix("/") {
      candidates += options.includePaths.map { $0.hasSuffix("/") ? $0 + path : $0 + "/" + path }
      let includer = fileSource(of: source).name
      if let slash = includer.lastIndex(of: "/") {
        candidates.append(includer[...slash] + path)
      }
    }
    for candidate in candidates {
      if let contents = options.readFile(candidate) { return (candidate, contents) }
    }
    return nil
  }

  /// The file a source text belongs to: for an expansion, where it was called from.
  func fileSource(of source: Int) -> SourceText {
    var text = sources[source]
    while case .expansion(_, let call, _) = text.kind { text = sources[Int(call.source)] }
    return text
  }

  // MARK: Repetition

  func repeatBody(_ word: String, _ cursor: inout Cursor, _ name: Range<Int>) throws(SourceError) {
    let location = cursor.location(name.lowerBound, name.upperBound)
    let countStart = cursor.position
    var count: Int64 = 0
    var mistake: SourceError?
    do throws(SourceError) {
      count = try number(&cursor, for: ".rept's count")
      try expectEnd(&cursor, after: ".rept's count")
      if count < 0 {
        throw SourceError(
          ".rept's count \(count) is negative", cursor.location(countStart, cursor.position))
      }
      if count > limits.repeatCount {
        throw SourceError(
          ".rept \(count) exceeds the limit of \(limits.repeatCount) rounds",
          cursor.location(countStart, cursor.position))
      }
    } catch { mistake = error }
    cursor.skipStatement()
    let body = try collectBody(&cursor, opener: word, at: location)
    if let mistake {
      report(mistake)
      return
    }
    // Each round is a statement too; the limit that they will meet is told before they run.
    if count > (limits.statements - statementCount) / (body.statements + 1) + 1, !body.mayLeave {
      throw .limit(
        "more than \(limits.statements) statements executed, in .rept \(count) of "
          + "\(body.statements) statement\(body.statements == 1 ? "" : "s")", location)
    }
    frames[frames.count - 1].position = cursor.position
    inputMoved = true
    if count == 0 { return }
    try checkMacroDepth(location)
    let outer = frames[frames.count - 1]
    var frame = InputFrame(
      source: cursor.source, kind: .repetition, start: body.range.lowerBound,
      end: body.range.upperBound,
      position: body.range.lowerBound, repeatsLeft: Int(count) - 1, conditionDepth: conditions.count
    )
    (frame.line, frame.linePosition) = (outer.line, outer.linePosition)
    push(frame)
  }

  /// The text between a directive and the one that closes it.
  struct CollectedBody {
    let range: Range<Int>
    /// Statements in it, labels not counted.
    let statements: Int
    /// It has an .exitm or .end, so that it may be left before its end.
    let mayLeave: Bool
  }

  /// The text up to the statement that closes a .macro, .rept, .irp or .irpc; moves behind that statement.
  func collectBody(
    _ cursor: inout Cursor, opener: String, at location: Location
  ) throws(SourceError) -> CollectedBody {
    let isMacro = opener.lowercased() == ".macro"
    let end = frames[frames.count - 1].end
    let start = cursor.position
    var depth = 1
    var statements = 0
    var mayLeave = false
    while true {
      cursor.skipToStatement()
      if cursor.position >= end {
        cursor.position = end
        throw SourceError(
          "\(opener) has no \(isMacro ? ".endm" : ".endr")", location,
          help: "end its body with \(isMacro ? ".endm" : ".endr")")
      }
      statementCount += 1
      let statement = cursor.position
      if let word = cursor.identifier() {
        if cursor.byte == UInt8(ascii: ":") {
          cursor.position += 1
          continue
        }
        if cursor.base[word.lowerBound] == UInt8(ascii: "."), word.count <= 6 {
          let text = cursor.text(word.lowerBound, word.upperBound).lowercased()
          switch (text, isMacro) {
          case (".macro", true), (".rept", false), (".irp", false), (".irpc", false): depth += 1
          case (".endm", true), (".endr", false): depth -= 1
          case (".exitm", _), (".end", _): mayLeave = true
          default: break
          }
          if depth == 0 {
            cursor.skipStatement()
            return CollectedBody(
              range: start..<statement, statements: statements, mayLeave: mayLeave)
          }
        }
      }
      if cursor.position == statement { cursor.position += 1 }
      cursor.skipStatement()
      statements += 1
    }
  }
}
