import RISCV

extension AssemblyUnit {
  /// The bytes of a section with its variable points filled in.
  func contents(of section: Section) -> [UInt8] {
    if section.isNoBits { return [] }
    guard !section.points.isEmpty else { return section.bytes }
    var out: [UInt8] = []
    out.reserveCapacity(Int(section.totalSize))
    var copied = 0
    for (index, point) in section.points.enumerated() {
      let offset = Int(point.offset)
      out += section.bytes[copied..<offset]
      copied = offset
      let count = Int(point.extra)
      switch point.kind {
      case .align(_, let fill, _): out += padding(point.extra, fill, isCode: section.isCode)
      case .space(let fill): out += repeatElement(fill, count: count)
      case .origin(let fill):
        checkOrigin(section, index, point)
        out += repeatElement(fill, count: count)
      case .unsignedLEB: out += lebField(point, isSigned: false)
      case .signedLEB: out += lebField(point, isSigned: true)
      case .branch(let word):
        copied += 4
        for word in branchWords(word, section, index, point) {
          for shift in stride(from: UInt32(0), to: 32, by: 8) {
            out.append(UInt8(truncatingIfNeeded: word >> shift))
          }
        }
      }
    }
    out += section.bytes[copied...]
    return out
  }

  /// Padded with continuation bytes if it became shorter while sizes settled.
  private func lebField(_ point: VariablePoint, isSigned: Bool) -> [UInt8] {
    var bytes = lebBytes(evaluate(point.expression)?.number ?? 0, isSigned: isSigned)
    while bytes.count < Int(point.extra) {
      let isNegative = isSigned && bytes[bytes.count - 1] & 0x40 != 0
      bytes[bytes.count - 1] |= 0x80
      bytes.append(isNegative ? 0x7F : 0)
    }
    return bytes
  }

  private func checkOrigin(_ section: Section, _ index: Int, _ point: VariablePoint) {
    guard var value = evaluate(point.expression) else { return }
    if value.section >= 0 { value.number &-= section.address }
    let reached = point.offset + section.added[index] + point.extra
    if value.number != reached {
      report(
        SourceError(
          ".org cannot move backwards (from \(reached - point.extra) to \(value.number))",
          point.location))
    }
  }

  private func branchWords(
    _ word: UInt32, _ section: Section, _ index: Int, _ point: VariablePoint
  ) -> [UInt32] {
    let address = section.address + point.offset + section.added[index]
    var branch = decode(word)
    guard let target = finalValue(point.expression, point.location) else { return [word] }
    if point.extra == 0 {
      let distance = target &- address
      if distance & 1 != 0 {
        report(SourceError("the target is at an odd address", point.location))
      }
      branch.immediate = Int32(truncatingIfNeeded: distance)
      return [encode(branch)]
    }
    // Inverted, over a jump.
    let distance = target &- (address + 4)
    checkJump(distance, point.location)
    branch.immediate = 8
    let inverted = encode(branch) ^ (Opcode.beq.description.match ^ Opcode.bne.description.match)
    return [inverted, encode(Instruction(.jal, immediate: Int32(truncatingIfNeeded: distance)))]
  }

  private func checkJump(_ distance: Int64, _ location: Location) {
    if !(-0x10_0000...0xF_FFFE).contains(distance) {
      report(
        SourceError(
          "the target is \(distance) bytes away; a jump reaches -1048576...1048574", location,
          help: distance.magnitude < 1 << 31
            ? "use call or tail, which reach any address"
            : "a target is a label; for a distance write . + \(distance)"))
    } else if distance & 1 != 0 {
      report(SourceError("the target is at an odd address", location))
    }
  }

  /// The value of an expression once everything has its place; nil: reported.
  func finalValue(_ expression: Expression, _ location: Location) -> Int64? {
    failure = .none
    if let value = evaluate(expression) { return value.number }
    switch failure {
    case .poisoned: report(.silent)
    case .undefined(let symbol):
      report(SourceError("'\(symbolName(symbol))' is not defined", location))
    case .circular(let symbol):
      report(SourceError("'\(symbolName(symbol))' is defined by itself", location))
    case .divisionByZero: report(SourceError("division by zero", location))
    case .tooDeep:
      report(SourceError("symbols are defined by one another more than 30 deep", location))
    case .none, .notConstant:
      report(
        SourceError("addresses can only be added to numbers, subtracted and compared", location))
    }
    return nil
  }

  /// Fills all fields in; `contents` holds the final bytes of each section.
  func applyFixups(_ contents: inout [[UInt8]]) {
    // Where each auipc with %pcrel_hi stands, for the %pcrel_lo that point at it.
    var uppers: [(address: Int64, fixup: Int)] = []
    for (index, fixup) in fixups.enumerated() where fixup.kind == .relativeUpper {
      uppers.append((address(of: fixup.position), index))
    }
    uppers.sort { $0.address < $1.address }
    for fixup in fixups {
      let section = Int(fixup.position.section)
      let offset = Int(sections[section].offset(fixup.position))
      apply(fixup, offset, &contents[section], uppers)
      if errorCount > limits.errorsShown * 50 { return }
    }
  }

  private func address(of position: Position) -> Int64 {
    let section = sections[Int(position.section)]
    return section.address + section.offset(position)
  }

  private func apply(
    _ fixup: Fixup, _ offset: Int, _ bytes: inout [UInt8],
    _ uppers: [(address: Int64, fixup: Int)]
  ) {
    guard let value = finalValue(fixup.expression, fixup.location) else { return }
    let here = address(of: fixup.position)
    switch fixup.kind {
    case .data1: data(value, 1, fixup, offset, &bytes)
    case .data2: data(value, 2, fixup, offset, &bytes)
    case .data4: data(value, 4, fixup, offset, &bytes)
    case .data8: data(value, 8, fixup, offset, &bytes)
    case .upper:
      guard checkUpper(value, fixup) else { return }
      patch(offset, &bytes) { $0.immediate = Int32(truncatingIfNeeded: value &+ 0x800) & ~0xFFF }
    case .lowI, .lowS:
      patch(offset, &bytes) { $0.immediate = value.lowTwelveBits }
    case .relativeUpper:
      let distance = value &- here
      guard checkUpper(distance, fixup) else { return }
      patch(offset, &bytes) {
        $0.immediate = Int32(truncatingIfNeeded: distance &+ 0x800) & ~0xFFF
      }
    case .relativeLowI, .relativeLowS:
      guard let upper = uppers.last(where: { $0.address == value })?.fixup,
        let target = evaluate(fixups[upper].expression)
      else {
        report(
          SourceError(
            "%pcrel_lo must name the label of an auipc with %pcrel_hi", fixup.location,
            help: "write 1: auipc t0, %pcrel_hi(symbol), then %pcrel_lo(1b)"))
        return
      }
      let distance = target.number &- value
      patch(offset, &bytes) { $0.immediate = distance.lowTwelveBits }
    case .pairI, .pairS:
      let distance = value &- here
      guard checkUpper(distance, fixup) else { return }
      patch(offset, &bytes) {
        $0.immediate = Int32(truncatingIfNeeded: distance &+ 0x800) & ~0xFFF
      }
      patch(offset + 4, &bytes) { $0.immediate = distance.lowTwelveBits }
    case .jump:
      let distance = value &- here
      checkJump(distance, fixup.location)
      patch(offset, &bytes) { $0.immediate = Int32(truncatingIfNeeded: distance) }
    case .immediateI, .immediateS:
      patch(offset, &bytes) { instruction in
        guard isNumber(fixup), (-2048...2047).contains(value) else {
          report(lateImmediate(value, instruction, fixup))
          return
        }
        instruction.immediate = Int32(value)
      }
    case .immediateUpper:
      patch(offset, &bytes) { instruction in
        guard isNumber(fixup), (0...0xFFFFF).contains(value) else {
          report(
            isNumber(fixup)
              ? upperOutOfRange(value, instruction.opcode, fixup.location)
              : lateImmediate(value, instruction, fixup))
          return
        }
        instruction.immediate = Int32(truncatingIfNeeded: value << 12)
      }
    }
  }

  private func isNumber(_ fixup: Fixup) -> Bool {
    (evaluate(fixup.expression)?.section ?? 0) < 0
  }

  private func lateImmediate(_ value: Int64, _ instruction: Instruction, _ fixup: Fixup)
    -> SourceError
  {
    if isNumber(fixup) { return immediateOutOfRange(value, instruction, fixup.location) }
    return SourceError(
      "\(instruction.opcode.mnemonic) takes a number, but this is an address", fixup.location,
      help: "load an address with la, or use %hi and %lo")
  }

  private func checkUpper(_ value: Int64, _ fixup: Fixup) -> Bool {
    let isReachable = (-0x8000_0800...0x7FFF_F7FF).contains(value)
    if !isReachable {
      report(
        SourceError(
          "\(value) is beyond what the upper 20 bits reach (2 GiB either way)", fixup.location))
    }
    return isReachable
  }

  private func data(
    _ value: Int64, _ size: Int, _ fixup: Fixup, _ offset: Int, _ bytes: inout [UInt8]
  ) {
    if size < 8 {
      let bits = Int64(size * 8)
      if value < -(1 << (bits - 1)) || value >= 1 << bits {
        report(
          SourceError(
            "value \(value) does not fit \(size) byte\(size == 1 ? "" : "s")", fixup.location))
        return
      }
    }
    for index in 0..<size {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Int64(index * 8))
    }
  }

  private func patch(_ offset: Int, _ bytes: inout [UInt8], _ change: (inout Instruction) -> Void) {
    var word: UInt32 = 0
    for index in 0..<4 { word |= UInt32(bytes[offset + index]) << UInt32(index * 8) }
    var instruction = decode(word)
    change(&instruction)
    word = encode(instruction)
    for index in 0..<4 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: word >> UInt32(index * 8))
    }
  }
}

extension Int64 {
  /// What %lo takes: the low twelve bits, signed.
  var lowTwelveBits: Int32 { Int32(truncatingIfNeeded: (self << 52) >> 52) }
}
