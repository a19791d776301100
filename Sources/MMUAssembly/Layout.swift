/// An output section: input sections of one kind, one after the other.
struct OutputSection {
  var name: String
  var type: UInt32
  var flags: UInt64
  var inputs: [Int] = []
  var alignment: Int64 = 1
  var entrySize: UInt64 = 0
  var address: Int64 = 0
  var size: Int64 = 0
  /// Filled while segments are placed; nil for what is not loaded.
  var fileOffset: Int?

  var isNoBits: Bool { type == 8 }
}

extension AssemblyUnit {
  // MARK: Sizes

  /// Sizes every variable point; branches start short and only grow.
  func sizeSections() {
    phase = .relaxing
    let maximumRounds = 1000
    for section in sections { recompute(section) }
    for round in 1... {
      memoRound += 1
      var hasChanged = false
      for section in sections where !section.points.isEmpty {
        if resize(section) { hasChanged = true }
      }
      if errorCount > 0 { return }
      for section in sections where !section.points.isEmpty {
        if recompute(section) { hasChanged = true }
      }
      if !hasChanged { return }
      if round == maximumRounds {
        let section = sections.first { !$0.points.isEmpty } ?? current
        report(
          SourceError(
            "sizes in section \(section.name) do not settle: they depend on one another in a circle",
            section.points[0].location))
        return
      }
    }
  }

  /// Offsets of points from the sizes so far; alignments follow at once.
  @discardableResult
  private func recompute(_ section: Section) -> Bool {
    let before = section.added
    var added: [Int64] = []
    added.reserveCapacity(section.points.count + 1)
    added.append(0)
    var running: Int64 = 0
    for index in section.points.indices {
      if case .align(let boundary, _, let most) = section.points[index].kind {
        let padding = -(section.points[index].offset + running) & (boundary - 1)
        section.points[index].extra = padding <= most ? padding : 0
      }
      running += section.points[index].extra
      added.append(running)
    }
    section.added = added
    return before != added
  }

  /// New sizes for what depends on expressions.
  private func resize(_ section: Section) -> Bool {
    var hasChanged = false
    for index in section.points.indices {
      let point = section.points[index]
      let offset = point.offset + section.added[index]
      var extra = point.extra
      switch point.kind {
      case .align: continue
      case .branch:
        if extra == 0, !isWithinBranch(point.expression, from: offset, in: section) { extra = 4 }
      case .space:
        guard let value = knownSize(point) else { return false }
        extra = value
      case .origin:
        guard let value = evaluate(point.expression),
          value.section < 0 || value.section == Int32(section.index)
        else {
          report(sizeError(point))
          return false
        }
        extra = value.number &- offset
        if extra < 0 {
          // Labels may not have settled yet; what is still wrong at the end is reported there.
          extra = 0
        }
        if extra > Int64(limits.spaceBytes) { extra = Int64(limits.spaceBytes) }
      case .unsignedLEB, .signedLEB:
        guard let value = evaluate(point.expression), value.section < 0 else {
          report(sizeError(point))
          return false
        }
        var isSigned = false
        if case .signedLEB = point.kind { isSigned = true }
        extra = max(extra, Int64(lebBytes(value.number, isSigned: isSigned).count))
      }
      if extra != point.extra {
        section.points[index].extra = extra
        hasChanged = true
      }
    }
    return hasChanged
  }

  private func knownSize(_ point: VariablePoint) -> Int64? {
    guard let value = evaluate(point.expression), value.section < 0 else {
      report(sizeError(point))
      return nil
    }
    if value.number < 0 {
      report(SourceError("size \(value.number) is negative", point.location))
      return nil
    }
    if value.number > Int64(limits.spaceBytes) {
      report(
        SourceError(
          "size of \(value.number) bytes exceeds the limit of \(limits.spaceBytes)", point.location)
      )
      return nil
    }
    return value.number
  }

  private func sizeError(_ point: VariablePoint) -> SourceError {
    switch failure {
    case .poisoned: .silent
    case .circular(let symbol):
      SourceError("'\(symbolName(symbol))' is defined by itself", point.location)
    case .divisionByZero: SourceError("division by zero", point.location)
    default:
      SourceError(
        "this must be a number or a distance within one section before sections get their places",
        point.location)
    }
  }

  private func isWithinBranch(_ target: Expression, from offset: Int64, in section: Section) -> Bool
  {
    // As GNU as: only a label of the same section that is not weak can be near.
    guard let value = evaluate(target), value.section == Int32(section.index), !isWeak(target)
    else { return false }
    return (-4096...4094).contains(value.number &- offset)
  }

  // MARK: Places

  static let baseAddress: Int64 = 0x10000
  static let pageSize: Int64 = 4096
  /// medlow code and our la reach addresses below 2 GiB.
  static let addressLimit: Int64 = 0x7FFF_F000

  func placeCommons() {
    // Behind what .bss holds: the local ones first, as GNU as and ld arrange them.
    for index in localCommons + Array(symbols.indices) where symbols[index].state == .common {
      reserveCommon(
        index, symbols[index].commonSize, symbols[index].commonAlignment, symbols[index].definition)
    }
  }

  /// Joins input sections as ld's default script does.
  func outputSections() -> [OutputSection] {
    var isUsed = sections.map { $0.index == 0 || $0.totalSize > 0 }
    for symbol in symbols where symbol.state == .label && symbol.position.section >= 0 {
      isUsed[Int(symbol.position.section)] = true
    }
    let used = sections.filter { isUsed[$0.index] }
    let order = used.sorted {
      let (left, right) = (Self.rank($0), Self.rank($1))
      return left == right ? $0.index < $1.index : left.lexicographicallyPrecedes(right)
    }
    var outputs: [OutputSection] = []
    var numbers: [String: Int] = [:]
    for section in order {
      let name = Self.outputName(section)
      let flags = Self.placedFlags(section)
      let key = "\(name) \(section.isNoBits) \(flags & 7)"
      let number: Int
      if let known = numbers[key] {
        number = known
      } else {
        number = outputs.count
        numbers[key] = number
        outputs.append(
          OutputSection(
            name: name, type: section.type, flags: flags, entrySize: section.entrySize))
      }
      section.output = number
      outputs[number].inputs.append(section.index)
      outputs[number].flags &= flags | 7
      if outputs[number].entrySize != section.entrySize { outputs[number].entrySize = 0 }
      outputs[number].alignment = max(outputs[number].alignment, section.alignment)
    }
    return outputs
  }

  /// ld joins small constants (.srodata) with small data, where they are writable.
  private static func placedFlags(_ section: Section) -> UInt64 {
    section.isAllocated && outputName(section) == ".sdata"
      ? section.flags & 7 | Section.write : section.flags
  }

  private static func outputName(_ section: Section) -> String {
    guard section.isAllocated else { return section.name }
    let name = section.name
    for prefix in [
      ".text", ".rodata", ".data.rel.ro", ".data", ".sdata", ".sbss", ".bss", ".init_array",
      ".fini_array", ".preinit_array", ".gcc_except_table", ".sdata2",
    ] where name == prefix || name.hasPrefix(prefix + ".") {
      return prefix
    }
    return name == ".srodata" || name.hasPrefix(".srodata.") ? ".sdata" : name
  }

  /// Segment, contents before none, then the order of ld's script.
  private static func rank(_ section: Section) -> [Int] {
    guard section.isAllocated else { return [9, 0, 0, 0] }
    let script = [
      ".init", ".text", ".fini", ".rodata", ".sdata2", ".eh_frame", ".gcc_except_table",
      ".preinit_array", ".init_array", ".fini_array", ".ctors", ".dtors", ".data.rel.ro", ".data",
      "", ".sdata", ".sbss", ".bss",
    ]
    let place = script.firstIndex(of: outputName(section)) ?? script.firstIndex(of: "")!
    var detail = 0
    let name = section.name
    switch outputName(section) {
    case ".text":
      let kinds = [".text.unlikely", ".text.exit", ".text.startup", ".text.hot"]
      detail = kinds.firstIndex { name == $0 || name.hasPrefix($0 + ".") } ?? 4
    case ".sdata":
      let kinds = [".srodata.cst16", ".srodata.cst8", ".srodata.cst4", ".srodata.cst2"]
      detail = kinds.firstIndex(of: name) ?? (name.hasPrefix(".srodata") ? 4 : 5)
    default: break
    }
    return [segment(placedFlags(section)), section.isNoBits ? 1 : 0, place, detail]
  }

  static func segment(_ flags: UInt64) -> Int {
    switch flags & (Section.write | Section.execute) {
    case Section.execute: 0
    case 0: 1
    case Section.write | Section.execute: 2
    default: 3
    }
  }
}
