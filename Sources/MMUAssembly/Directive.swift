/// The directives, by what they do.
enum Directive: Equatable {
  case text, section, pushSection, popSection, previous
  case namedSection(String)
  case data(Int), ascii(terminated: Bool), space, fill, float(Int)
  case unsignedLEB, signedLEB
  case alignPower, alignBytes
  case origin, instruction
  case global, local, weak, visibility, type, size, common(isLocal: Bool), set(isOnce: Bool)
  case option, ignored, file, location
  case macro, rept, irp(characters: Bool), exitMacro, purge
  case conditional, continued, unmatched
  case include, includeBinary, end, error, warning, message

  static func find(_ word: String) -> Directive? { table[word] ?? table[word.lowercased()] }

  /// In the order of the alphabet, for suggestions.
  static let names = table.keys.sorted()

  /// Directives of GNU as that would change what is assembled, and why they are refused.
  static let refused: [String: String] = [
    ".altmacro": "use the ordinary macro syntax (\\name)",
    ".dtprelword": "thread-local storage does not exist here",
    ".dtpreldword": "thread-local storage does not exist here",
    ".tls_common": "thread-local storage does not exist here",
    ".reloc": "programs are linked at once, without relocations",
    ".subsection": "use a section of its own",
    ".symver": "there are no shared libraries",
    ".weakref": "use .weak",
    ".octa": "split it into two .quad",
    ".struct": "use .equ for offsets",
    ".offset": "use .equ for offsets",
    ".bundle_align_mode": "use .balign",
    ".string16": "use .half", ".string32": "use .word", ".string64": "use .dword",
    ".linkonce": "there is one source only",
    ".nops": "use .rept and nop",
  ]

  private static let table: [String: Directive] = {
    var table: [String: Directive] = [
      ".text": .text, ".section": .section, ".pushsection": .pushSection,
      ".popsection": .popSection, ".previous": .previous,
      ".byte": .data(1), ".2byte": .data(2), ".half": .data(2), ".short": .data(2),
      ".hword": .data(2), ".4byte": .data(4), ".word": .data(4), ".long": .data(4),
      ".int": .data(4), ".8byte": .data(8), ".dword": .data(8), ".quad": .data(8),
      ".float": .float(4), ".single": .float(4), ".double": .float(8),
      ".ascii": .ascii(terminated: false), ".asciz": .ascii(terminated: true),
      ".string": .ascii(terminated: true), ".zero": .space, ".space": .space, ".skip": .space,
      ".fill": .fill, ".uleb128": .unsignedLEB, ".sleb128": .signedLEB,
      ".align": .alignPower, ".p2align": .alignPower, ".balign": .alignBytes, ".org": .origin,
      ".insn": .instruction,
      ".globl": .global, ".global": .global, ".local": .local, ".weak": .weak, ".type": .type,
      ".size": .size, ".comm": .common(isLocal: false), ".common": .common(isLocal: false),
      ".lcomm": .common(isLocal: true), ".set": .set(isOnce: false), ".equ": .set(isOnce: false),
      ".equiv": .set(isOnce: true), ".eqv": .set(isOnce: true),
      ".option": .option, ".file": .file, ".loc": .location,
      ".macro": .macro, ".rept": .rept, ".irp": .irp(characters: false),
      ".irpc": .irp(characters: true), ".exitm": .exitMacro, ".purgem": .purge,
      ".endm": .unmatched, ".endr": .unmatched, ".else": .continued, ".elseif": .continued,
      ".endif": .continued,
      ".include": .include, ".incbin": .includeBinary, ".end": .end, ".err": .error,
      ".error": .error, ".warning": .warning, ".print": .message,
    ]
    for name in AssemblyUnit.conditionals { table[name] = .conditional }
    for name in [".hidden", ".protected", ".internal"] { table[name] = .visibility }
    for name in [
      ".data", ".bss", ".rodata", ".sdata", ".sbss", ".srodata",
    ] {
      table[name] = .namedSection(name)
    }
    for name in [
      ".ident", ".attribute", ".noaltmacro", ".title", ".sbttl", ".list", ".nolist", ".psize",
      ".eject", ".line", ".ln", ".loc_mark_labels", ".addrsig", ".addrsig_sym", ".cfi_startproc",
      ".cfi_endproc", ".cfi_def_cfa", ".cfi_def_cfa_offset", ".cfi_def_cfa_register",
      ".cfi_adjust_cfa_offset", ".cfi_offset", ".cfi_rel_offset", ".cfi_restore", ".cfi_undefined",
      ".cfi_same_value", ".cfi_remember_state", ".cfi_restore_state", ".cfi_return_column",
      ".cfi_signal_frame", ".cfi_sections", ".cfi_personality", ".cfi_lsda", ".cfi_escape",
      ".cfi_register", ".cfi_window_save", ".cfi_val_encoded_addr", ".cfi_fde_data", ".cfi_label",
    ] {
      table[name] = .ignored
    }
    return table
  }()
}

extension AssemblyUnit {
  func run(
    _ directive: Directive, _ word: String, _ name: Range<Int>, _ cursor: inout Cursor
  ) throws(SourceError) {
    let location = cursor.location(name.lowerBound, name.upperBound)
    switch directive {
    case .text: try switchSection(".text", &cursor)
    case .namedSection(let section): try switchSection(section, &cursor)
    case .section: try sectionDirective(&cursor)
    case .pushSection:
      sectionStack.append((current, previous))
      if sectionStack.count > limits.macroDepth {
        throw .limit("more than \(limits.macroDepth) sections pushed", location)
      }
      try sectionDirective(&cursor)
    case .popSection:
      guard let saved = sectionStack.popLast() else {
        throw SourceError(".popsection without .pushsection", location)
      }
      (current, previous) = saved
      try expectEnd(&cursor, after: word)
    case .previous:
      (current, previous) = (previous, current)
      try expectEnd(&cursor, after: word)
    case .data(let size): try data(size, location, &cursor)
    case .ascii(let terminated): try ascii(terminated, location, &cursor)
    case .float(let size): try floats(size, location, &cursor)
    case .space: try space(word, location, &cursor)
    case .fill: try fill(location, &cursor)
    case .unsignedLEB, .signedLEB: try leb(directive == .signedLEB, location, &cursor)
    case .alignPower, .alignBytes: try align(directive == .alignPower, word, location, &cursor)
    case .origin: try origin(&cursor, location)
    case .instruction: try rawInstruction(location, &cursor)
    case .global:
      try symbolList(&cursor) { if $0.binding != 2 { $0.binding = 1 } }
    case .weak: try symbolList(&cursor) { $0.binding = 2 }
    case .local:
      try symbolList(&cursor) {
        $0.binding = 0
        $0.isDeclaredLocal = true
      }
    case .visibility: try symbolList(&cursor) { _ in }
    case .type: try symbolType(&cursor)
    case .size: try symbolSize(&cursor)
    case .common(let isLocal): try common(&cursor, isLocal: isLocal)
    case .set(let isOnce):
      cursor.skipBlanks()
      guard let name = cursor.identifier() else { throw unexpected(cursor, "a symbol") }
      guard cursor.accept(",") else { throw unexpected(cursor, "a comma and the value") }
      try assignment(name, &cursor, isOnce: isOnce)
    case .option: try option(&cursor)
    case .ignored: cursor.skipStatement()
    case .file: try fileDirective(&cursor)
    case .location: try locationDirective(&cursor)
    case .macro: try defineMacro(word, &cursor, name)
    case .rept: try repeatBody(word, &cursor, name)
    case .irp(let characters): try repeatForEach(word, &cursor, name, characters: characters)
    case .exitMacro: try exitMacro(location)
    case .purge: try purgeMacros(&cursor)
    case .conditional: try openConditional(word.lowercased(), location, &cursor)
    case .continued: try continueConditional(word.lowercased(), location, &cursor)
    case .unmatched:
      let opener = word.lowercased() == ".endm" ? ".macro" : ".rept"
      throw SourceError("\(word) without \(opener)", location)
    case .include: try include(&cursor)
    case .includeBinary: try includeBinary(&cursor)
    case .end: isEnded = true
    case .error, .warning, .message:
      cursor.skipBlanks()
      let isPlain = cursor.isAtStatementEnd
      let text =
        isPlain ? "\(word) reached" : String(decoding: try stringLiteral(&cursor), as: UTF8.self)
      try expectEnd(&cursor, after: "the message")
      if directive == .error { throw SourceError(text, location) }
      warn(text, location)
    }
  }

  private func option(_ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    let start = cursor.position
    let word = cursor.identifier().map { cursor.text($0.lowerBound, $0.upperBound) } ?? ""
    switch word {
    // Compression and linker relaxation are permissions that we never use.
    case "push", "pop", "rvc", "norvc", "pic", "nopic", "relax", "norelax", "csr-check",
      "no-csr-check":
      break
    case "csr", "no":
      cursor.skipStatement()
    case "arch": cursor.skipStatement()
    default:
      let known = ["push", "pop", "rvc", "norvc", "pic", "nopic", "relax", "norelax", "arch"]
      let near = nearestName(to: word, among: known)
      throw SourceError(
        "unknown option '\(word)'", cursor.location(start, max(start + 1, cursor.position)),
        help: near.map { "did you mean '\($0)'?" } ?? "known are \(known.joined(separator: ", "))")
    }
    try expectEnd(&cursor, after: "the option")
  }
}
