extension AssemblyUnit {
  func report(_ error: SourceError) {
    if error.isSilent {
      // Only ever silent beside a message already made; should there be none, say so.
      errorCount += errorCount == 0 ? 1 : 0
      if diagnostics.isEmpty {
        diagnostics.append(Diagnostic(.error, "the source has errors"))
      }
      return
    }
    // Further rounds of a repetition would only repeat it.
    for index in frames.indices { frames[index].repeatsLeft = 0 }
    // The same mistake in every round of a repetition is one mistake.
    let place = ReportedPlace(
      source: error.location.source, offset: error.location.offset, message: error.message)
    // Beyond the limit they are only counted, so a file of errors costs no memory.
    if errorCount >= limits.errorsShown {
      errorCount += 1
      omittedErrors += 1
      return
    }
    guard reported.insert(place).inserted else { return }
    errorCount += 1
    guard errorCount <= limits.errorsShown else {
      omittedErrors += 1
      return
    }
    diagnostics.append(diagnostic(.error, error))
  }

  func warn(_ message: String, _ location: Location, help: String? = nil) {
    let place = ReportedPlace(source: location.source, offset: location.offset, message: message)
    guard warningCount < limits.errorsShown, reported.insert(place).inserted else { return }
    warningCount += 1
    diagnostics.append(diagnostic(.warning, SourceError(message, location, help: help)))
  }

  private func diagnostic(_ severity: Diagnostic.Severity, _ error: SourceError) -> Diagnostic {
    var notes = error.notes.map { Diagnostic.Note($0.0, at: place($0.1)) }
    notes += expansionNotes(error.location)
    return Diagnostic(
      severity, error.message, at: place(error.location), notes: notes, help: error.help)
  }

  /// Who expanded the macro the place is in, from the inside out; long chains lose their middle.
  private func expansionNotes(_ location: Location) -> [Diagnostic.Note] {
    var notes: [Diagnostic.Note] = []
    var source = location.source
    while source >= 0, case .expansion(let macro, let call, _) = sources[Int(source)].kind {
      let message = macro.hasPrefix(".") ? "in this \(macro)" : "in expansion of macro '\(macro)'"
      notes.append(Diagnostic.Note(message, at: place(call)))
      source = call.source
    }
    if notes.count > 6 {
      let hidden = notes.count - 5
      notes.replaceSubrange(
        3..<notes.count - 2, with: [Diagnostic.Note("\(hidden) more expansions")])
    }
    return notes
  }

  func place(_ location: Location) -> Diagnostic.Place? {
    guard location.source >= 0 else { return nil }
    let text = sources[Int(location.source)]
    let (number, start, end) = text.line(at: Int(location.offset))
    let offset = max(start, min(Int(location.offset), end))
    let column = text.string(start, offset).unicodeScalars.count + 1
    let tokenEnd = min(end, offset + Int(location.length))
    let length = max(1, text.string(offset, tokenEnd).unicodeScalars.count)
    var result = Diagnostic.Place(
      file: text.name, line: number, column: column, length: length,
      sourceLine: text.string(start, min(end, start + 4096)))
    if column > 4000 { result.column = 0 }
    if case .expansion(let macro, _, let body) = text.kind {
      // The lines of an expansion are those of the body.
      let written = sources[Int(body.source)]
      var line = written.line(at: Int(body.offset)).number + number - 1
      if macro.hasPrefix(".") {
        // .irp repeats the body; its lines wrap around.
        let bodyText = written.string(Int(body.offset), Int(body.offset) + Int(body.length))
        let lines = max(1, bodyText.utf8.count { $0 == 10 } + 1)
        line = written.line(at: Int(body.offset)).number + (number - 1) % lines
      }
      result.line = line
      var file = written
      while case .expansion(_, _, let outer) = file.kind { file = sources[Int(outer.source)] }
      result.file = file.name
    }
    return result
  }

  // MARK: Suggestions

  /// The likest name, as long as the message will be shown at all.
  func suggestion(for word: String, among candidates: @autoclosure () -> [String]) -> String? {
    errorCount < limits.errorsShown
      ? nearestName(to: word, among: candidates()).map { "did you mean '\($0)'?" } : nil
  }

  func unknownWord(_ word: String, _ location: Location) -> SourceError {
    if hasMissingNames, !word.hasPrefix(".") {
      var error = SourceError("unknown instruction '\(word)'", location)
      error.isSilent = true
      return error
    }
    if word.hasPrefix(".") {
      var error = SourceError("unknown directive '\(word)'", location)
      if let reason = Directive.refused[word.lowercased()] {
        error.message = "\(word) is not supported: \(reason)"
      } else {
        error.help = suggestion(for: word, among: Directive.names)
      }
      return error
    }
    var error = SourceError("unknown instruction '\(word)'", location)
    if let reason = Mnemonics.refusal(of: word) {
      error.message = "'\(word)' \(reason.message)"
      error.help = reason.help
    } else {
      error.help = suggestion(
        for: word, among: mnemonics.names.names + macros.values.map(\.name).sorted())
    }
    return error
  }

  func unknownRegister(_ word: String, _ location: Location) -> SourceError {
    var error = SourceError("expected a register, found '\(word)'", location)
    if word.hasPrefix("f"), Mnemonics.isFloatRegister(word) {
      error.message = "'\(word)' is a floating-point register, and this core has none (no F, D)"
    } else {
      error.help =
        suggestion(for: word, among: registers.names)
        ?? "registers are x0...x31, zero, ra, sp, gp, tp, t0...t6, s0...s11 (s0 is also fp), a0...a7"
    }
    return error
  }

  /// Names used and never defined, one message for each.
  func checkSymbols() {
    defineLinkerSymbols()
    for index in symbols.indices {
      let symbol = symbols[index]
      guard symbol.state == .undefined, symbol.useCount > 0, symbol.binding != 2 else { continue }
      if hasMissingNames {
        if errorCount == 0 { report(.silent) }
        continue
      }
      if symbol.name < 0 {
        let label = numericLabels.first { $0.value.forward == index }?.key ?? 0
        report(
          SourceError(
            "there is no label '\(label):' after this line", symbol.firstUse,
            help: "for one that precedes write \(label)b"))
        continue
      }
      let name = symbolName(index)
      var error = SourceError("'\(name)' is not defined", symbol.firstUse)
      if symbol.useCount > 1 {
        let others = symbol.useCount - 1
        error.message += " (used \(others) more time\(others == 1 ? "" : "s"))"
      }
      if errorCount < limits.errorsShown {
        if registers.find(name.lowercased()) != nil {
          error.help = "'\(name)' looks like a register, but a symbol is expected here"
        } else {
          let defined = symbols.lazy.filter { $0.name >= 0 && $0.state != .undefined }
            .map { self.names.name(Int($0.name)) }
          if let near = nearestName(to: name, among: defined) {
            error.help = "did you mean '\(near)'?"
          }
        }
      }
      report(error)
    }
  }
}
