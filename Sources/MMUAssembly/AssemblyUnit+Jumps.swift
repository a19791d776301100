import RISCV

extension AssemblyUnit {
  /// jalr and jr, in all their forms.
  func jumpRegister(_ cursor: inout Cursor, rd: UInt8, isShort: Bool) throws(SourceError) {
    guard let first = registerIfPresent(&cursor) else {
      guard case .based(let value, let base) = try memoryOperand(&cursor) else {
        throw unexpected(cursor, "a register in parentheses")
      }
      try emit(Instruction(.jalr, rd: rd, rs1: base), value, isStore: false)
      return
    }
    guard cursor.accept(",") else {
      emit(Instruction(.jalr, rd: rd, rs1: first))
      return
    }
    if !isShort, let second = registerIfPresent(&cursor) {
      if cursor.accept(",") {
        try immediate(Instruction(.jalr, rd: first, rs1: second), &cursor)
      } else {
        emit(Instruction(.jalr, rd: first, rs1: second))
      }
      return
    }
    let value = try immediateOperand(&cursor)
    if !isShort, cursor.accept("(") {
      let base = try register(&cursor)
      try closeParenthesis(&cursor)
      try emit(Instruction(.jalr, rd: first, rs1: base), value, isStore: false)
    } else {
      try emit(Instruction(.jalr, rd: rd, rs1: first), value, isStore: false)
    }
  }

  func branch(_ instruction: Instruction, _ cursor: inout Cursor) throws(SourceError) {
    cursor.skipBlanks()
    let start = cursor.position
    if let word = registerWord(cursor) {
      throw SourceError(
        "expected a label, found the register '\(word)'",
        cursor.location(start, start + word.utf8.count))
    }
    let target = try expression(&cursor)
    let location = cursor.location(start, cursor.position)
    let here = current.end
    // A label already passed, with nothing of unknown size between: done.
    if let value = evaluate(target), value.section == here.section, value.points == here.points,
      !isWeak(target)
    {
      let distance = value.number &- here.offset
      if (-4096...4094).contains(distance), distance & 1 == 0 {
        var instruction = instruction
        instruction.immediate = Int32(distance)
        emit(instruction)
        return
      }
    }
    current.points.append(
      VariablePoint(
        kind: .branch(word: encode(instruction)), offset: current.size, expression: target,
        location: location))
    current.append(word: encode(instruction))
  }

  func isWeak(_ target: Expression) -> Bool {
    guard target.term >= 0, case .symbol(let symbol) = nodes[Int(target.term)].kind else {
      return false
    }
    return symbols[Int(symbol)].binding == 2
  }

  func jump(_ rd: UInt8, _ cursor: inout Cursor) throws(SourceError) {
    let (target, location) = try symbolTarget(&cursor)
    emit(Instruction(.jal, rd: rd), .jump, target, location)
  }

  /// auipc with its second half.
  func emitPair(
    _ register: UInt8, _ second: Instruction, _ kind: Fixup.Kind, _ target: Expression,
    _ location: Location
  ) {
    emit(Instruction(.auipc, rd: register), kind, target, location)
    emit(second)
  }
}
