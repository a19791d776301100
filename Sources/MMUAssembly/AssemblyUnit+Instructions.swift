import RISCV

extension AssemblyUnit {
  /// Reads the operands of an instruction and emits its words.
  func instruction(_ number: Int, _ name: Range<Int>, _ cursor: inout Cursor) throws(SourceError) {
    let location = cursor.location(name.lowerBound, name.upperBound)
    let operands = cursor.position
    do throws(SourceError) {
      try beginInstruction(location)
      switch mnemonics.entries[number] {
      case .real(let opcode, let ordering): try real(opcode, ordering, location, &cursor)
      case .pseudo(let pseudo): try self.pseudo(pseudo, location, &cursor)
      }
      cursor.skipBlanks()
      if !cursor.isAtStatementEnd { throw unexpected(cursor, "the end of the statement") }
    } catch {
      if let better = wrongCount(number, name, cursor, from: operands) { throw better }
      throw error
    }
  }

  /// The message for too few or too many operands, if that is what is wrong.
  private func wrongCount(
    _ number: Int, _ name: Range<Int>, _ cursor: Cursor, from start: Int
  ) -> SourceError? {
    var scan = cursor
    scan.position = start
    scan.skipBlanks()
    var count = scan.isAtStatementEnd ? 0 : 1
    var starts = [scan.position]
    var end = scan.position
    while !scan.isAtStatementEnd {
      if scan.byte == UInt8(ascii: "'") || scan.byte == UInt8(ascii: "\"") { return nil }
      if scan.byte == UInt8(ascii: ",") {
        count += 1
        scan.position += 1
        scan.skipBlanks()
        starts.append(scan.position)
        end = scan.position
        continue
      }
      scan.position += 1
      end = scan.position
      scan.skipBlanks()
    }
    let (usage, counts) = mnemonics.usages[number]
    if counts.contains(count) { return nil }
    // Something wrong in the middle (a comma forgotten) says more than the count.
    if count < counts.lowerBound, !cursor.isAtStatementEnd { return nil }
    let word = scan.text(name.lowerBound, name.upperBound)
    let takes =
      counts.upperBound == 0
      ? "no operands"
      : counts.lowerBound == counts.upperBound
        ? "\(counts.lowerBound) operand\(counts.lowerBound == 1 ? "" : "s")"
        : "\(counts.lowerBound) to \(counts.upperBound) operands"
    let location =
      count > counts.upperBound
      ? scan.location(starts[counts.upperBound], end)
      : count == 0 ? scan.location(name.lowerBound, name.upperBound) : scan.location(end, end + 1)
    return SourceError(
      "\(word) takes \(takes), found \(count)", location,
      help: usage.isEmpty ? "write it alone: \(word)" : "the format is: \(word) \(usage)")
  }

  /// Checks the section and notes the line.
  func beginInstruction(_ location: Location) throws(SourceError) {
    if current.isNoBits {
      throw SourceError(
        "an instruction in \(current.name), which has no contents", location,
        help: "switch to code first: .text")
    }
    // (After an error the address may be wrong for that reason only.)
    if current.size & 3 != 0, current.points.isEmpty, errorCount == 0, !current.hasWarnedOfAlignment
    {
      current.hasWarnedOfAlignment = true
      warn(
        "instruction at an address that is no multiple of four cannot be executed", location,
        help: "write .balign 4 before it")
    }
    outputSize += 4
    if outputSize > Int64(limits.outputBytes) || current.bytes.count > limits.outputBytes {
      throw .limit("more than \(limits.outputBytes) bytes of output", location)
    }
    recordLine()
  }

  func emit(_ instruction: Instruction) { current.append(word: encode(instruction)) }

  /// An instruction whose immediate waits for layout.
  func emit(
    _ instruction: Instruction, _ kind: Fixup.Kind, _ value: Expression, _ location: Location
  ) {
    fixups.append(
      Fixup(kind: kind, position: current.end, expression: value, location: location))
    emit(instruction)
  }

  // MARK: The table's instructions

  private func real(
    _ opcode: Opcode, _ ordering: MemoryOrdering, _ location: Location, _ cursor: inout Cursor
  ) throws(SourceError) {
    let row = opcode.description
    switch row.format {
    case .register: try registerForm(opcode, &cursor)
    case .immediate:
      let rd = try register(&cursor)
      try comma(&cursor)
      let rs1 = try register(&cursor)
      try comma(&cursor)
      try immediate(Instruction(opcode, rd: rd, rs1: rs1), &cursor)
    case .shift, .wordShift:
      let rd = try register(&cursor)
      try comma(&cursor)
      let rs1 = try register(&cursor)
      try comma(&cursor)
      try shift(opcode, rd, rs1, &cursor)
    case .load:
      let rd = try register(&cursor)
      try comma(&cursor)
      switch try memoryOperand(&cursor) {
      case .based(let value, let base):
        try emit(Instruction(opcode, rd: rd, rs1: base), value, isStore: false)
      case .symbol(let value, let place):
        if rd == 0 {
          throw SourceError("the address needs a register, and zero cannot hold it", place)
        }
        emitPair(rd, Instruction(opcode, rd: rd, rs1: rd), .pairI, value, place)
      }
    case .store:
      let rs2 = try register(&cursor)
      try comma(&cursor)
      switch try memoryOperand(&cursor) {
      case .based(let value, let base):
        try emit(Instruction(opcode, rs1: base, rs2: rs2), value, isStore: true)
      case .symbol(let value, let place):
        guard cursor.accept(",") else {
          throw SourceError(
            "a store to a symbol needs a register for the address", place,
            help:
              "name a free one last: \(opcode.mnemonic) \(Register.abiNames[Int(rs2)]), symbol, t0")
        }
        let temporary = try register(&cursor)
        emitPair(
          temporary, Instruction(opcode, rs1: temporary, rs2: rs2), .pairS, value, place)
      }
    case .branch:
      let rs1 = try register(&cursor)
      try comma(&cursor)
      let rs2 = try register(&cursor)
      try comma(&cursor)
      try branch(Instruction(opcode, rs1: rs1, rs2: rs2), &cursor)
    case .upper:
      let rd = try register(&cursor)
      try comma(&cursor)
      try upper(Instruction(opcode, rd: rd), &cursor)
    case .jump:
      var rd: UInt8 = 1
      if let first = registerIfPresent(&cursor) {
        rd = first
        try comma(&cursor)
      }
      try jump(rd, &cursor)
    case .jumpRegister: try jumpRegister(&cursor, rd: 1, isShort: false)
    case .csr, .csrImmediate:
      let rd = try register(&cursor)
      try comma(&cursor)
      let csr = try controlRegister(&cursor)
      try comma(&cursor)
      try csrAccess(opcode, rd, csr, &cursor)
    case .fence:
      cursor.skipBlanks()
      if cursor.isAtStatementEnd {
        emit(Instruction(.fence, immediate: 0x0FF))
        return
      }
      let before = try fenceSet(&cursor)
      try comma(&cursor)
      let after = try fenceSet(&cursor)
      emit(Instruction(.fence, immediate: Int32(before << 4 | after)))
    case .atomic:
      let rd = try register(&cursor)
      try comma(&cursor)
      let rs2 = try register(&cursor)
      try comma(&cursor)
      let rs1 = try addressRegister(&cursor)
      emit(Instruction(opcode, rd: rd, rs1: rs1, rs2: rs2, immediate: Int32(ordering.rawValue)))
    case .loadReserved:
      let rd = try register(&cursor)
      try comma(&cursor)
      let rs1 = try addressRegister(&cursor)
      emit(Instruction(opcode, rd: rd, rs1: rs1, immediate: Int32(ordering.rawValue)))
    case .fixed, .fixedIgnoringOperands: emit(Instruction(opcode))
    }
  }

  /// rd, rs1, rs2; or an immediate where an immediate form exists (`add a0, a0, 1`).
  private func registerForm(_ opcode: Opcode, _ cursor: inout Cursor) throws(SourceError) {
    let rd = try register(&cursor)
    try comma(&cursor)
    let rs1 = try register(&cursor)
    try comma(&cursor)
    cursor.skipBlanks()
    if let rs2 = registerIfPresent(&cursor) {
      emit(Instruction(opcode, rd: rd, rs1: rs1, rs2: rs2))
      return
    }
    let forms: [(Opcode, Opcode)] = [
      (.add, .addi), (.slt, .slti), (.sltu, .sltiu), (.xor, .xori), (.or, .ori), (.and, .andi),
      (.addw, .addiw), (.sll, .slli), (.srl, .srli), (.sra, .srai), (.sllw, .slliw),
      (.srlw, .srliw), (.sraw, .sraiw),
    ]
    guard let form = forms.first(where: { $0.0 == opcode })?.1, isImmediateStart(cursor) else {
      throw noRegister(cursor)
    }
    switch form.description.format {
    case .immediate: try immediate(Instruction(form, rd: rd, rs1: rs1), &cursor)
    default: try shift(form, rd, rs1, &cursor)
    }
  }

  /// A number, a modifier or a symbol with a value; an unknown name is rather a mistyped register.
  private func isImmediateStart(_ cursor: Cursor) -> Bool {
    var look = cursor
    guard let word = look.identifier() else { return !cursor.isAtStatementEnd }
    if word.count == 1, cursor.byte == UInt8(ascii: ".") { return true }
    guard let number = names.find(look.bytes(word)), number < symbolByName.count,
      symbolByName[number] >= 0
    else { return false }
    return symbols[Int(symbolByName[number])].state != .undefined
  }

  private func shift(
    _ opcode: Opcode, _ rd: UInt8, _ rs1: UInt8, _ cursor: inout Cursor
  ) throws(SourceError) {
    let amount = try small(
      &cursor, 0...(opcode.description.format == .shift ? 63 : 31),
      "\(opcode.mnemonic)'s shift amount")
    emit(Instruction(opcode, rd: rd, rs1: rs1, immediate: Int32(amount)))
  }

  /// A number known now, within bounds.
  func small(
    _ cursor: inout Cursor, _ range: ClosedRange<Int64>, _ what: String
  ) throws(SourceError) -> Int64 {
    cursor.skipBlanks()
    let start = cursor.position
    let value = try number(&cursor, for: what)
    guard range.contains(value) else {
      throw SourceError(
        "\(what) \(value) is not in \(range.lowerBound)...\(range.upperBound)",
        cursor.location(start, cursor.position))
    }
    return value
  }

  func immediate(_ instruction: Instruction, _ cursor: inout Cursor) throws(SourceError) {
    try emit(instruction, immediateOperand(&cursor), isStore: false)
  }

  func emit(
    _ instruction: Instruction, _ value: ImmediateOperand, isStore: Bool
  ) throws(SourceError) {
    var instruction = instruction
    switch value.modifier {
    case .none:
      guard value.expression.isConstant else {
        emit(instruction, isStore ? .immediateS : .immediateI, value.expression, value.location)
        return
      }
      let number = value.expression.constant
      guard (-2048...2047).contains(number) else {
        throw immediateOutOfRange(number, instruction, value.location)
      }
      instruction.immediate = Int32(number)
      emit(instruction)
    case .low: emit(instruction, isStore ? .lowS : .lowI, value.expression, value.location)
    case .relativeLow:
      emit(
        instruction, isStore ? .relativeLowS : .relativeLowI, value.expression, value.location)
    case .high, .relativeHigh:
      throw SourceError(
        "\(value.modifier == .high ? "%hi" : "%pcrel_hi") goes with lui and auipc, not with \(instruction.opcode.mnemonic)",
        value.location, help: "use \(value.modifier == .high ? "%lo" : "%pcrel_lo")")
    }
  }

  func immediateOutOfRange(
    _ number: Int64, _ instruction: Instruction, _ location: Location
  ) -> SourceError {
    let mnemonic = instruction.opcode.mnemonic
    var error = SourceError(
      "immediate \(number) does not fit \(mnemonic)'s 12-bit signed field (-2048...2047)", location)
    func name(_ register: UInt8) -> String { Register.abiNames[Int(register)] }
    let free = instruction.rs1 == 5 || instruction.rs2 == 5 ? "t1" : "t0"
    switch instruction.opcode.instructionClass {
    case .load, .store:
      let data = instruction.opcode.instructionClass == .load ? instruction.rd : instruction.rs2
      let address = "li \(free), \(number); add \(free), \(free), \(name(instruction.rs1))"
      error.help = "compute the address first: \(address); \(mnemonic) \(name(data)), 0(\(free))"
    case .alu:
      let operands = "\(name(instruction.rd)), \(name(instruction.rs1)), \(free)"
      error.help =
        "load it first: li \(free), \(number); \(mnemonic.replacingImmediate) \(operands)"
    default: break
    }
    return error
  }

  private func upper(_ instruction: Instruction, _ cursor: inout Cursor) throws(SourceError) {
    let value = try immediateOperand(&cursor)
    var instruction = instruction
    switch value.modifier {
    case .high:
      guard instruction.opcode == .lui else {
        throw SourceError("%hi goes with lui", value.location, help: "with auipc use %pcrel_hi")
      }
      emit(instruction, .upper, value.expression, value.location)
    case .relativeHigh:
      guard instruction.opcode == .auipc else {
        throw SourceError("%pcrel_hi goes with auipc", value.location, help: "with lui use %hi")
      }
      emit(instruction, .relativeUpper, value.expression, value.location)
    case .low, .relativeLow:
      throw SourceError(
        "\(value.modifier == .low ? "%lo" : "%pcrel_lo") does not go with \(instruction.opcode.mnemonic)",
        value.location, help: "use \(value.modifier == .low ? "%hi" : "%pcrel_hi")")
    case .none:
      guard value.expression.isConstant else {
        emit(instruction, .immediateUpper, value.expression, value.location)
        return
      }
      let number = value.expression.constant
      guard (0...0xFFFFF).contains(number) else {
        throw upperOutOfRange(number, instruction.opcode, value.location)
      }
      instruction.immediate = Int32(truncatingIfNeeded: number << 12)
      emit(instruction)
    }
  }

  func upperOutOfRange(_ number: Int64, _ opcode: Opcode, _ location: Location) -> SourceError {
    SourceError(
      "immediate \(number) does not fit \(opcode.mnemonic)'s 20-bit field (0...1048575)", location,
      help: "it takes the upper 20 bits: the value shifted right by 12")
  }

  func csrAccess(
    _ opcode: Opcode, _ rd: UInt8, _ csr: Int32, _ cursor: inout Cursor
  ) throws(SourceError) {
    if opcode.description.format == .csr {
      if let rs1 = registerIfPresent(&cursor) {
        emit(Instruction(opcode, rd: rd, rs1: rs1, immediate: csr))
        return
      }
      guard isImmediateStart(cursor) else { throw noRegister(cursor) }
    }
    let immediateForms: [Opcode: Opcode] = [.csrrw: .csrrwi, .csrrs: .csrrsi, .csrrc: .csrrci]
    let form = immediateForms[opcode] ?? opcode
    let value = try small(&cursor, 0...31, "\(form.mnemonic)'s immediate")
    emit(Instruction(form, rd: rd, rs1: UInt8(value), immediate: csr))
  }
}

extension String {
  /// addi -> add, addiw -> addw: what takes a register instead.
  fileprivate var replacingImmediate: String {
    if hasSuffix("iw") { return dropLast(2) + "w" }
    if hasSuffix("iu") { return dropLast(2) + "u" }
    return hasSuffix("i") ? String(dropLast()) : self
  }
}
