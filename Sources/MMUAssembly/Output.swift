import ExecutableFormat

extension AssemblyUnit {
  static let alwaysDefined = [
    "__global_pointer$", "__ehdr_start", "_etext", "_edata", "__bss_start", "_end",
  ]
  static let definedOnDemand = [
    "etext", "__etext", "edata", "end", "__BSS_END__", "__DATA_BEGIN__", "__SDATA_BEGIN__",
    "__executable_start", "__preinit_array_start", "__preinit_array_end", "__init_array_start",
    "__init_array_end", "__fini_array_start", "__fini_array_end",
  ]

  /// Makes the linker's symbols known; their values come with the layout.
  func defineLinkerSymbols() {
    for name in Self.alwaysDefined + Self.definedOnDemand {
      if names.find(name) == nil, Self.definedOnDemand.contains(name) { continue }
      let number = symbol(named: name)
      if symbols[number].state == .undefined {
        symbols[number].state = .label
        symbols[number].isFromSource = false
      }
    }
  }

  private func setLinkerSymbol(_ name: String, _ value: Int64) {
    guard names.find(name) != nil else { return }
    let number = symbol(named: name)
    if !symbols[number].isFromSource { symbols[number].position.offset = value }
  }

  /// Layout and output; nil: errors were reported.
  func layOutAndWrite() -> [UInt8]? {
    placeCommons()
    sizeSections()
    if errorCount > 0 { return nil }
    var outputs = outputSections()
    guard let segments = place(&outputs) else { return nil }

    phase = .final
    memoRound += 1
    var contents = sections.map { $0.output >= 0 ? self.contents(of: $0) : [] }
    applyFixups(&contents)
    if errorCount > 0 { return nil }
    guard let entry = entryPoint() else { return nil }

    var file = ELFFile(entry: UInt64(entry))
    file.segments = segments
    for output in outputs {
      var bytes: [UInt8] = []
      if !output.isNoBits {
        bytes.reserveCapacity(Int(output.size))
        for input in output.inputs {
          let start = Int(sections[input].address - output.address)
          let gap = Int64(start - bytes.count)
          bytes += padding(gap, nil, isCode: sections[input].isCode)
          bytes += contents[input]
          contents[input] = []
        }
      }
      file.sections.append(
        ELFFile.Section(
          name: output.name, type: output.type, flags: output.flags,
          address: UInt64(output.address), fileOffset: output.fileOffset, contents: bytes,
          size: UInt64(output.size), alignment: UInt64(output.alignment),
          entrySize: output.entrySize))
    }
    file.symbols = outputSymbols()
    if errorCount > 0 { return nil }
    addLineSections(&file)
    file.sections.append(
      ELFFile.Section(
        name: ".riscv.attributes", type: 0x7000_0003, contents: Self.attributes(), alignment: 1))
    return file.serialized()
  }

  /// Gives output sections addresses and file offsets, a segment for each kind of rights.
  private func place(_ outputs: inout [OutputSection]) -> [ELFFile.Segment]? {
    var kinds: [Int] = [0]
    for output in outputs where output.flags & Section.allocate != 0 {
      let kind = Self.segment(output.flags)
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    var address = Self.baseAddress
    var offset: Int64 = 0
    var segments: [ELFFile.Segment] = []
    for kind in kinds.sorted() {
      let members = outputs.indices.filter {
        outputs[$0].flags & Section.allocate != 0 && Self.segment(outputs[$0].flags) == kind
      }
      let isFirst = segments.isEmpty
      if !isFirst {
        let alignment = max(Self.pageSize, members.first.map { outputs[$0].alignment } ?? 1)
        address = (address + alignment - 1) & -alignment
        offset = (offset + Self.pageSize - 1) & -Self.pageSize
      }
      let (start, fileStart) = (address, offset)
      if isFirst { address += Int64(ELFFile.headerSize(segments: kinds.count)) }
      var fileEnd = address
      for number in members {
        placeSection(&outputs[number], &address)
        if address > Self.addressLimit {
          return tooLarge("the program ends at address \(hexadecimal(address)), beyond 2 GiB")
        }
        outputs[number].fileOffset = Int(fileStart + outputs[number].address - start)
        if !outputs[number].isNoBits { fileEnd = address }
      }
      offset = fileStart + fileEnd - start
      if offset > Int64(limits.outputBytes) {
        return tooLarge("the output has more than \(limits.outputBytes) bytes")
      }
      let permissions: ELFImage.Permissions =
        [[.read, .execute], [.read], [.read, .write, .execute], [.read, .write]][kind]
      segments.append(
        ELFFile.Segment(
          permissions: permissions, fileOffset: Int(fileStart), address: UInt64(start),
          fileSize: UInt64(fileEnd - start), memorySize: UInt64(address - start)))
      setBoundaries(kind, members.map { outputs[$0] }, address)
    }
    for number in outputs.indices where outputs[number].flags & Section.allocate == 0 {
      var start: Int64 = 0
      placeSection(&outputs[number], &start)
    }
    setRemainingBoundaries(outputs, end: address)
    return segments
  }

  private func placeSection(_ output: inout OutputSection, _ address: inout Int64) {
    address = (address + output.alignment - 1) & -output.alignment
    output.address = address
    for input in output.inputs {
      let section = sections[input]
      address = (address + section.alignment - 1) & -section.alignment
      section.address = address
      address += section.totalSize
    }
    output.size = address - output.address
  }

  private func tooLarge(_ message: String) -> [ELFFile.Segment]? {
    report(SourceError(message + " (limit)", Location(source: 0, offset: 0)))
    return nil
  }

  private func setBoundaries(_ kind: Int, _ members: [OutputSection], _ end: Int64) {
    switch kind {
    case 0: for name in ["_etext", "etext", "__etext"] { setLinkerSymbol(name, end) }
    case 3:
      let contents = members.filter { !$0.isNoBits }
      let edata = contents.last.map { $0.address + $0.size } ?? members.first?.address ?? end
      for name in ["_edata", "edata", "__bss_start"] { setLinkerSymbol(name, edata) }
      let small = members.first { $0.name == ".sdata" }?.address ?? edata
      let data = members.first { $0.name == ".data" }?.address ?? small
      setLinkerSymbol("__SDATA_BEGIN__", small)
      setLinkerSymbol("__DATA_BEGIN__", data)
      setLinkerSymbol("__global_pointer$", min(small + 0x800, max(data + 0x800, end - 0x800)))
      for name in [".preinit_array", ".init_array", ".fini_array"] {
        guard let section = members.first(where: { $0.name == name }) else { continue }
        setLinkerSymbol("__\(name.dropFirst())_start", section.address)
        setLinkerSymbol("__\(name.dropFirst())_end", section.address + section.size)
      }
    default: break
    }
  }

  private func setRemainingBoundaries(_ outputs: [OutputSection], end: Int64) {
    setLinkerSymbol("__ehdr_start", Self.baseAddress)
    setLinkerSymbol("__executable_start", Self.baseAddress)
    let end = (end + 7) & -8
    for name in ["_end", "end", "__BSS_END__"] { setLinkerSymbol(name, end) }
    let hasData = outputs.contains {
      $0.flags & Section.allocate != 0 && Self.segment($0.flags) == 3
    }
    guard !hasData else { return }
    for name in ["_edata", "edata", "__bss_start", "__DATA_BEGIN__", "__SDATA_BEGIN__"] {
      setLinkerSymbol(name, end)
    }
    setLinkerSymbol("__global_pointer$", end + 0x800)
  }

  private func entryPoint() -> Int64? {
    let start = symbol(named: "_start")
    if symbols[start].state == .undefined {
      let place = Location(source: 0, offset: 0, length: 1)
      let hasMain =
        names.find("main").map { $0 < symbolByName.count && symbolByName[$0] >= 0 } ?? false
      warn(
        "no _start: the program begins at the first instruction of .text", place,
        help: hasMain
          ? "_start: lw a0, 0(sp); addi a1, sp, 8; call main; li a7, 93; ecall"
          : "label the first instruction with _start:")
      return sections[0].address
    }
    guard let value = evaluate(reference(start, .none)) else { return sections[0].address }
    guard value.section >= 0, sections[Int(value.section)].isCode else {
      report(
        SourceError(
          "_start is not in an executable section", symbols[start].definition,
          help: "put it behind .text"))
      return nil
    }
    return value.number
  }

  private func outputSymbols() -> [ELFFile.Symbol] {
    var result: [ELFFile.Symbol] = []
    for index in symbols.indices {
      let symbol = symbols[index]
      guard symbol.name >= 0, symbol.state == .label || symbol.state == .value else { continue }
      let name = names.name(Int(symbol.name))
      if name.hasPrefix(".L") { continue }
      guard
        let value = evaluate(
          symbol.state == .value
            ? symbol.expression : Expression(term: reference(index, .none).term))
      else {
        _ = finalValue(symbol.expression, symbol.definition)
        continue
      }
      var size: Int64 = 0
      if let expression = symbol.size {
        guard let known = finalValue(expression, symbol.definition) else { continue }
        size = known
      }
      let isOurs = !symbol.isFromSource
      let section = value.section >= 0 && !isOurs ? sections[Int(value.section)].output : -1
      result.append(
        ELFFile.Symbol(
          name: name, value: UInt64(bitPattern: value.number),
          size: UInt64(clamping: size), type: symbol.type,
          binding: isOurs ? 1 : symbol.binding, section: section >= 0 ? section : nil))
    }
    return result
  }

  private func addLineSections(_ file: inout ELFFile) {
    guard options.includesLineNumbers, !lineRecords.isEmpty else { return }
    let existing = Set(file.sections.filter { $0.size > 0 }.map(\.name))
    if existing.contains(".debug_line") { return }
    var rows: [LineTable.Row] = []
    rows.reserveCapacity(lineRecords.count + sections.count)
    var hasLines = [Bool](repeating: false, count: sections.count)
    for record in lineRecords {
      let section = sections[Int(record.position.section)]
      hasLines[section.index] = true
      rows.append(
        LineTable.Row(
          address: UInt64(section.address + section.offset(record.position)), file: record.file,
          line: record.line))
    }
    for section in sections where hasLines[section.index] {
      let end = UInt64(section.address + section.totalSize)
      rows.append(LineTable.Row(address: end, file: -1, line: 0))
    }
    let debug = LineTable(files: lineFiles, rows: rows).debugSections(
      name: sources[0].name, producer: "mmuemu asm")
    if let empty = file.sections.firstIndex(where: { $0.name == ".debug_line" }) {
      // The compiler's own debug information points at this one.
      file.sections[empty].contents = debug.line
      file.sections[empty].size = UInt64(debug.line.count)
    } else {
      file.sections.append(ELFFile.Section(name: ".debug_line", contents: debug.line))
    }
    if existing.contains(".debug_info") { return }
    file.sections.append(ELFFile.Section(name: ".debug_info", contents: debug.info))
    file.sections.append(ELFFile.Section(name: ".debug_abbrev", contents: debug.abbreviations))
  }

  /// RISC-V ELF psABI, "Attributes": the architecture string only.
  private static func attributes() -> [UInt8] {
    func counted(_ count: Int) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
    }
    let architecture = Array("rv64i2p1_m2p0_a2p1_zicsr2p0_zifencei2p0".utf8) + [0]
    let list: [UInt8] = [5] + architecture
    let file = [1] + counted(list.count + 5) + list
    let vendor = Array("riscv".utf8) + [0]
    return [0x41] + counted(4 + vendor.count + file.count) + vendor + file
  }

  private func hexadecimal(_ value: Int64) -> String { "0x" + String(value, radix: 16) }
}
