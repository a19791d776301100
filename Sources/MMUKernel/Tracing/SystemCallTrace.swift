import MMUMemory
import MMUPaging

/// A system call as strace writes it: `write(1, "hello\n", 6) = 6`.
///
/// `rows` says how each argument is shown: what the call reads when it is made, what it writes once
/// it is complete. Another thread's line may come between the two parts. User memory is read beside
/// the MMU, so that tracing counts nothing and makes nothing resident; what cannot be had like that
/// is shown as its address.
struct SystemCallTrace {
  /// a7.
  let number: UInt64
  /// a0...a5.
  let arguments: [UInt64]
  /// sp, for rt_sigreturn.
  let stackPointer: UInt64
  /// Where the pointers lead.
  let space: AddressSpace?
  /// What it returned, if it is complete.
  private(set) var result: UInt64?
  /// The number of forms that were shown when it was made.
  private var shownCount = 0
  /// Those of its row.
  private var forms: [ArgumentForm] = []

  /// The line until more can be shown: `read(3, `.
  private(set) var head = ""

  init(_ number: UInt64, _ arguments: [UInt64], stackPointer: UInt64, in space: AddressSpace?) {
    self.number = number
    self.arguments = arguments
    self.stackPointer = stackPointer
    self.space = space
    forms = row?.forms(self) ?? Array(repeating: .word, count: 6)
    shownCount = forms.firstIndex { $0.isResult } ?? forms.count
    head = name + "(" + text(of: 0..<shownCount).joined(separator: ", ")
    if shownCount > 0 && shownCount < forms.count && !forms[shownCount].isOptional {
      head += ", "
    }
  }

  private var row: Row? { SystemCall(rawValue: number).flatMap { Self.rows[$0] } }

  /// The name, or what strace shows of a number without one.
  var name: String {
    let name = SystemCallTable.name(number)
    return name.hasPrefix("number ") ? "syscall_" + hex(number) : name
  }

  /// Everything was shown when it was made.
  var isShown: Bool { shownCount == forms.count }

  /// The result is an error.
  var isError: Bool { (result ?? 0) > UInt64(bitPattern: -4096) }

  private func text(of range: Range<Int>) -> [String] {
    range.compactMap { forms[$0].text(self, $0 < 6 ? arguments[$0] : 0) }
  }

  /// The rest of the arguments, after what it returned.
  mutating func tail(result: UInt64) -> String {
    self.result = result
    let rest = text(of: shownCount..<forms.count)
    let needsComma = shownCount > 0 && !rest.isEmpty && forms[shownCount].isOptional
    return (needsComma ? ", " : "") + rest.joined(separator: ", ")
  }

  /// The result: `= 6`, `= -1 ENOENT (No such file or directory)`, `= 0x7fff00001000`.
  ///
  /// - Precondition: `tail` was asked for.
  var outcome: String {
    guard let result else { return "= ?" }
    if isError {
      let number = -Int64(bitPattern: result)
      guard let error = Errno(rawValue: number) else { return "= -1 (errno \(number))" }
      switch error {
      case .restartSystem: return "= ? ERESTARTSYS (To be restarted if SA_RESTART is set)"
      case .restartNoHandler:
        // Those that keep what is left of a time.
        let isTimed: Bool
        switch SystemCall(rawValue: self.number) {
        case .nanosleep: isTimed = true
        case .clockNanosleep: isTimed = arguments[1] & 1 == 0
        default: isTimed = false
        }
        return isTimed
          ? "= ? ERESTART_RESTARTBLOCK (Interrupted by signal)"
          : "= ? ERESTARTNOHAND (To be restarted if no handler)"
      default: return "= -1 \(error.name) (\(error.message))"
      }
    }
    return "= " + (row?.result(self, result) ?? Self.signed(result))
  }
}

// MARK: Reading the program's memory

extension SystemCallTrace {
  /// Bytes of the program; nil if any of them cannot be had.
  func bytes(_ address: UInt64, _ count: Int) -> [UInt8]? { space?.peek(address, count) }

  /// Little-endian words.
  func words<Word: FixedWidthInteger>(
    _ address: UInt64, _ count: Int, of type: Word.Type
  ) -> [Word]? {
    let size = MemoryLayout<Word>.size
    guard let bytes = bytes(address, count * size) else { return nil }
    return bytes.withUnsafeBytes { raw in
      (0..<count).map {
        Word(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * size, as: Word.self))
      }
    }
  }

  /// A string without its zero, of at most `limit` bytes; nil if any of them cannot be had.
  func string(_ address: UInt64, limit: Int) -> (bytes: [UInt8], isWhole: Bool)? {
    var text: [UInt8] = []
    while text.count <= limit {
      let at = address &+ UInt64(text.count)
      let part = min(limit + 1 - text.count, Int(4096 - at & 4095))
      guard let page = bytes(at, part) else { return nil }
      if let end = page.firstIndex(of: 0) { return (text + page[..<end], true) }
      text += page
    }
    return (Array(text.prefix(limit)), false)
  }
}

extension AddressSpace {
  /// Reads memory as the program would find it, without anything being noticed or changed; nil if
  /// that takes a file of the host, or the program could not read it.
  func peek(_ address: UInt64, _ count: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let at = address &+ UInt64(bytes.count)
      let part = min(count - bytes.count, Int(4096 - at & 4095))
      guard at < Self.userLimit, let page = peekPage(at, part) else { return nil }
      bytes += page
    }
    return bytes
  }

  /// Bytes of one page.
  private func peekPage(_ address: UInt64, _ count: Int) -> [UInt8]? {
    let offset = Int(address & 4095)
    if let entry = entry(at: VirtualAddress(truncating: address)), entry.rawValue != 0 {
      guard entry.isPresent else { return nil }
      let place = system.memory.pointer(to: entry.frame) + offset
      return Array(UnsafeRawBufferPointer(start: place, count: count))
    }
    guard let area = area(at: VirtualAddress(truncating: address)),
      area.permissions.rawValue != 0
    else { return nil }
    if area.source == 0 { return Array(repeating: 0, count: count) }
    return system.sources[Int(area.source)]?.inode?.peek(
      area.filePage(of: address), offset, count)
  }
}

extension Inode {
  /// Bytes of one page, from the cache or from where they would be read; nil behind the end and for
  /// a page the host would have to give.
  fileprivate func peek(_ page: UInt64, _ offset: Int, _ count: Int) -> [UInt8]? {
    if page >= pageCount { return nil }
    let frame = cachedFrame(page)
    let block = blocks[page]
    if frame != 0 {
      let place = system.memory.pointer(to: FrameNumber(frame)) + offset
      return Array(UnsafeRawBufferPointer(start: place, count: count))
    }
    if block != 0 {
      guard let image = volume.image else { return nil }
      let place = image.bytes(of: block - 1) + offset
      return Array(UnsafeRawBufferPointer(start: place, count: count))
    }
    if host != nil { return nil }
    let start = Int(page * 4096) + offset
    return (start..<start + count).map { $0 < provided.count ? provided[$0] : 0 }
  }
}
