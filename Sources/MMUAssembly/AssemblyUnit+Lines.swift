extension AssemblyUnit {
  /// Notes which line the instruction about to be emitted comes from.
  func recordLine() {
    guard options.includesLineNumbers else { return }
    if usesLocations {
      guard let pending = pendingLocation else { return }
      pendingLocation = nil
      add(pending.file, pending.line)
      return
    }
    // Inside macros the outermost call counts, as with GNU as.
    var index = frames.count - 1
    while index > 0, !sources[frames[index].source].isFile { index -= 1 }
    let frame = frames[index]
    if sourceLineFile[frame.source] < 0 {
      sourceLineFile[frame.source] = lineFile(sources[frame.source].name)
    }
    add(sourceLineFile[frame.source], frame.line)
  }

  private func add(_ file: Int32, _ line: Int32) {
    if lastLine == (current.index, file, line) { return }
    lastLine = (current.index, file, line)
    if lineRecords.count >= limits.lineNumbers {
      warn("more than \(limits.lineNumbers) lines of code: the rest has no line numbers", .none)
      return
    }
    lineRecords.append(LineRecord(position: current.end, file: file, line: line))
  }

  private func lineFile(_ name: String) -> Int32 {
    if let known = lineFileNumbers[name] { return known }
    let number = Int32(lineFiles.count)
    lineFiles.append(name)
    lineFileNumbers[name] = number
    return number
  }

  // .file "name", or .file number "folder" "name"
  func fileDirective(_ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    if isDigit(cursor.byte) {
      let number = try self.number(&cursor, for: "the file's number")
      var name = String(decoding: try stringLiteral(&cursor), as: UTF8.self)
      cursor.skipBlanks()
      if cursor.byte == UInt8(ascii: "\"") {
        let file = String(decoding: try stringLiteral(&cursor), as: UTF8.self)
        name = file.hasPrefix("/") || number == 0 ? file : name + "/" + file
      }
      explicitFiles[number] = name
    } else {
      _ = try stringLiteral(&cursor)
    }
    cursor.skipStatement()
  }

  // .loc file line column options
  func locationDirective(_ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    let start = cursor.position
    let file = try number(&cursor, for: "the file's number")
    let line = try number(&cursor, for: "the line")
    guard let name = explicitFiles[file] else {
      throw SourceError(
        "file number \(file) is not defined", cursor.location(start, cursor.position),
        help: "define it with .file \(file) \"name\"")
    }
    if !usesLocations {
      usesLocations = true
      lineRecords.removeAll()
      lastLine = (-1, -1, -1)
    }
    pendingLocation = (lineFile(name), Int32(clamping: line))
    cursor.skipStatement()
  }
}
