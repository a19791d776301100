import RISCV

/// One run of the assembler: all state, and the loop over statements.
final class AssemblyUnit {
  let options: AssemblyOptions
  let limits: AssemblyLimits

  // Input
  var sources: [SourceText] = []
  var frames: [InputFrame] = []
  var conditions: [Condition] = []
  var macros: [String: Macro] = [:]
  var expansionCount = 0
  var expandedBytes = 0
  var sourceBytes = 0
  var statementCount = 0
  var isEnded = false
  /// The statement has moved the input itself (a macro, an include, .exitm).
  var inputMoved = false

  // Names and values
  let names = NameTable()
  /// By number of the name: its symbol, or -1.
  var symbolByName: [Int32] = []
  var symbols: [Symbol] = []
  /// .lcomm and local .comm, in the order of the directives.
  var localCommons: [Int] = []
  var nodes: [ExpressionNode] = []
  var numericLabels: [Int64: (back: Int, forward: Int)] = [:]
  var failure = EvaluationFailure.none
  var phase = Phase.parsing
  var memoRound: Int32 = 0

  // Output
  var sections: [Section] = []
  var sectionNumbers: [String: Int] = [:]
  var current: Section
  var previous: Section
  var sectionStack: [(current: Section, previous: Section)] = []
  var fixups: [Fixup] = []
  /// Bytes of contents so far.
  var outputSize: Int64 = 0
  var lineRecords: [LineRecord] = []
  var lineFiles: [String] = []
  var lineFileNumbers: [String: Int32] = [:]
  var sourceLineFile: [Int32] = []
  /// Set by the first .loc: the source brings its own line numbers.
  var usesLocations = false
  var explicitFiles: [Int64: String] = [:]
  var pendingLocation: (file: Int32, line: Int32)?
  var lastLine: (section: Int, file: Int32, line: Int32) = (-1, -1, -1)

  // Messages
  var diagnostics: [Diagnostic] = []
  var errorCount = 0
  var omittedErrors = 0
  var warningCount = 0
  var reported: Set<ReportedPlace> = []
  /// An include is missing or a macro is broken: unknown names are probably its fault.
  var hasMissingNames = false

  let registers = Mnemonics.registers
  let mnemonics = Mnemonics.shared

  enum Phase { case parsing, relaxing, final }

  struct LineRecord {
    var position: Position
    var file: Int32
    var line: Int32
  }

  struct ReportedPlace: Hashable {
    var source: Int32
    var offset: Int32
    var message: String
  }

  init(options: AssemblyOptions) {
    self.options = options
    limits = options.limits
    // Every object file of GNU as begins with these three, in this order.
    let (write, allocate, execute) = (Section.write, Section.allocate, Section.execute)
    sections = [
      Section(index: 0, name: ".text", type: 1, flags: allocate | execute),
      Section(index: 1, name: ".data", type: 1, flags: allocate | write),
      Section(index: 2, name: ".bss", type: 8, flags: allocate | write),
    ]
    sectionNumbers = [".text": 0, ".data": 1, ".bss": 2]
    current = sections[0]
    previous = sections[0]
  }

  func assemble(source: [UInt8], name: String) -> Result<AssemblyResult, AssemblyFailure> {
    for (name, value) in options.definitions {
      let symbol = self.symbol(named: name)
      symbols[symbol].state = .value
      symbols[symbol].isRedefinable = true
      symbols[symbol].expression = Expression(value)
    }
    do throws(SourceError) {
      try pushFile(source, name: name, at: .none)
      inputMoved = false  // no statement has caused it
      try run()
    } catch {
      // What was not read any more may define anything.
      hasMissingNames = true
      report(error)
    }
    var output: [UInt8] = []
    checkSymbols()
    if errorCount == 0 { output = layOutAndWrite() ?? [] }
    if errorCount > 0 {
      return .failure(AssemblyFailure(diagnostics: diagnostics, omittedErrors: omittedErrors))
    }
    return .success(AssemblyResult(bytes: output, warnings: diagnostics))
  }

  /// Runs statements until the input ends; throws only what ends the run (a limit).
  private func run() throws(SourceError) {
    while let frame = frames.last, !isEnded {
      var cursor = Cursor(sources[frame.source], source: frame.source, position: frame.position)
      cursor.skipToStatement()
      checkComment(&cursor)
      if cursor.position >= frame.end {
        try finishFrame()
        continue
      }
      statementCount += 1
      if statementCount > limits.statements {
        throw .limit("more than \(limits.statements) statements executed", cursor.here)
      }
      let depth = frames.count
      advanceLine(to: cursor.position)
      let start = cursor.position
      do throws(SourceError) {
        if let last = conditions.last, !last.isActive {
          try skippedStatement(&cursor)
        } else {
          try statement(&cursor)
        }
      } catch {
        if error.isFatal { throw error }
        report(error)
        cursor.position = max(cursor.position, start)
        recover(&cursor, from: start)
      }
      checkComment(&cursor)
      if !inputMoved { frames[depth - 1].position = cursor.position }
      inputMoved = false
      try checkTables(cursor.location(start, start + 1))
    }
    while !frames.isEmpty { try finishFrame(isEnding: true) }
  }

  /// Keeps what grows with each statement within bounds.
  private func checkTables(_ location: Location) throws(SourceError) {
    let fields = max(fixups.count, nodes.count, current.points.count)
    if fields > limits.unresolvedFields {
      throw .limit("more than \(limits.unresolvedFields) values wait for layout", location)
    }
    if symbols.count > limits.symbols {
      throw .limit("more than \(limits.symbols) symbols", location)
    }
  }

  private func checkComment(_ cursor: inout Cursor) {
    guard let start = cursor.openComment else { return }
    cursor.openComment = nil
    report(
      SourceError(
        "comment is not closed", cursor.location(start, start + 2), help: "end it with */")
    )
  }

  /// After an error: continues behind the statement that began at `start`.
  private func recover(_ cursor: inout Cursor, from start: Int) {
    let reached = cursor.position
    cursor.position = start
    repeat {
      cursor.skipStatement()
      if cursor.position >= reached || cursor.position >= cursor.count { break }
      cursor.position += 1
    } while true
  }

  /// Keeps the line number of the innermost file for line tables.
  private func advanceLine(to position: Int) {
    let index = frames.count - 1
    let base = sources[frames[index].source].bytes
    var line = frames[index].line
    var scanned = frames[index].linePosition
    while scanned < position {
      if base[scanned] == 10 { line += 1 }
      scanned += 1
    }
    frames[index].line = line
    frames[index].linePosition = scanned
  }

  // MARK: Statements

  private func statement(_ cursor: inout Cursor) throws(SourceError) {
    let start = cursor.position
    if isDigit(cursor.byte) {
      try numericLabel(&cursor)
      return
    }
    guard let name = cursor.identifier() else {
      throw unexpected(cursor, "an instruction, a directive or a label")
    }
    cursor.skipBlanks()
    if cursor.byte == UInt8(ascii: ":") {
      let location = cursor.location(name.lowerBound, name.upperBound)
      cursor.position += 1
      try defineLabel(symbol(cursor.bytes(name)), at: location)
      return
    }
    if cursor.byte == UInt8(ascii: "="),
      !(name.count == 1 && cursor.base[start] == 46) || cursor.byte == UInt8(ascii: "=")
    {
      cursor.position += 1
      let isOnce = cursor.byte == UInt8(ascii: "=")
      if isOnce { cursor.position += 1 }
      try assignment(name, &cursor, isOnce: isOnce)
      return
    }
    if let entry = mnemonics.find(cursor.bytes(name)) {
      if !macros.isEmpty,
        let macro = macros[cursor.text(name.lowerBound, name.upperBound).lowercased()]
      {
        try invoke(macro, name, &cursor)
        return
      }
      try instruction(entry, name, &cursor)
      return
    }
    let word = cursor.text(name.lowerBound, name.upperBound)
    if cursor.base[start] == UInt8(ascii: "."), let directive = Directive.find(word) {
      try run(directive, word, name, &cursor)
      return
    }
    if let macro = macros[word.lowercased()] {
      try invoke(macro, name, &cursor)
      return
    }
    throw unknownWord(word, cursor.location(name.lowerBound, name.upperBound))
  }

  func expectEnd(_ cursor: inout Cursor, after what: @autoclosure () -> String) throws(SourceError)
  {
    cursor.skipBlanks()
    if !cursor.isAtStatementEnd {
      throw unexpected(cursor, "the end of the statement after \(what())")
    }
  }

  func unexpected(_ cursor: Cursor, _ expected: String) -> SourceError {
    if cursor.isAtStatementEnd {
      return SourceError("expected \(expected), found the end of the line", cursor.here)
    }
    var end = cursor.position + 1
    if isIdentifierPart(cursor.byte) {
      while end < cursor.count, isIdentifierPart(cursor.base[end]) { end += 1 }
    }
    let found = cursor.text(cursor.position, end)
    var error = SourceError(
      "expected \(expected), found '\(found)'", cursor.location(cursor.position, end))
    if cursor.byte == UInt8(ascii: "\\") {
      error.help = "\\name is replaced only inside a macro that has such a parameter"
    }
    return error
  }
}
