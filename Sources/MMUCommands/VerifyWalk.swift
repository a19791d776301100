import MMUMemory
package import MMUPaging

/// One page walk from a cold TLB, and all that must come of it.
package struct WalkCase: Sendable {
  /// An entry of the walk and what may and must become of it.
  package struct Entry: Sendable {
    package let level: PagingLevel
    package let place: UInt64
    package let before: UInt64
    /// The value after a permitted access.
    package let after: UInt64?
    /// A may have become set although the access faults.
    package let mayBeAccessed: Bool

    package init(
      level: PagingLevel, place: UInt64, before: UInt64, after: UInt64?, mayBeAccessed: Bool
    ) {
      self.level = level
      self.place = place
      self.before = before
      self.after = after
      self.mayBeAccessed = mayBeAccessed
    }

    var name: String { Self.names[level.rawValue] }
    static let names = ["pml4e", "pdpte", "pde", "pte"]
    static let tables = ["pml4", "pdpt", "pd", "pt"]
  }

  package let identifier: String
  package let controls: PagingControls
  package let root: UInt64
  package let access: VerifyAccess
  /// Root first.
  package let entries: [Entry]
  package let expected: VerifyOutcome

  package init(
    identifier: String, controls: PagingControls, root: UInt64, access: VerifyAccess,
    entries: [Entry], expected: VerifyOutcome
  ) {
    self.identifier = identifier
    self.controls = controls
    self.root = root
    self.access = access
    self.entries = entries
    self.expected = expected
  }

  /// Reads a line of the walk vectors.
  package init(_ value: VectorValue) throws(VectorError) {
    identifier = try value.text("id")
    access = try VerifyAccess(value)
    root = try value.word("cr3")
    expected = try VerifyOutcome(try value.required("result"))
    var controls = try PagingControls(vector: value)
    controls.globalPages = try value.flag("pge")
    controls.supervisorExecutionPrevention = try value.flag("smep")
    controls.supervisorAccessPrevention = try value.flag("smap")
    controls.protectionKeys = try value.flag("pke")
    controls.processContexts = false
    controls.alignmentCheck = access.alignmentCheck
    self.controls = controls
    entries = try Self.entries(value, access.address, succeeds: expected.isSuccess)
  }

  private static func entries(
    _ value: VectorValue, _ address: UInt64, succeeds: Bool
  ) throws(VectorError) -> [Entry] {
    let tables = try value.required("tables")
    let raw = try value.required("entries")
    let after = succeeds ? try value.required("after") : nil
    let optional = value.member("a_opt") == nil ? [] : try value.elements("a_opt")
    for case .string(let name) in optional where !Entry.names.contains(name) {
      throw VectorError("\"a_opt\" names no entry: \"\(name)\"")
    }
    guard case .object(let members) = raw, !members.isEmpty else {
      throw VectorError("\"entries\" holds no entry")
    }
    for member in members where !Entry.names.contains(member.name) {
      throw VectorError("\"\(member.name)\" is no entry's name")
    }
    var entries: [Entry] = []
    for level in PagingLevel.allCases.prefix(members.count) {
      let name = Entry.names[level.rawValue]
      entries.append(
        Entry(
          level: level,
          place: try tables.word(Entry.tables[level.rawValue]) &+ level.index(address) * 8,
          before: try raw.word(name), after: try after?.word(name),
          mayBeAccessed: optional.contains(.string(name))))
    }
    return entries
  }

  /// Runs the case on the shipped MMU, cold and warm, and on the reference translator.
  ///
  /// - Returns: what disagreed, in words.
  package func check(in arena: VerifyArena) throws(VectorError) -> [String] {
    try arena.place(entries.map { ($0.place, $0.before) })
    defer { arena.clear(entries.map(\.place)) }
    var found: [String] = []
    checkReference(arena, &found)

    var configuration = MMUConfiguration()
    configuration.controls = controls
    let mmu = MMU(memory: arena.memory, configuration: configuration)
    do { try mmu.writeControlRegister3(root) } catch {
      return ["CR3 0x\(hex(root)) was refused with #GP"]
    }
    let cold = VerifyOutcome(mmu, access.address, access.access)
    compare(cold, "on a cold TLB", &found)
    if case .pageFault(_, let address) = expected, mmu.controlRegister2 != address {
      found.append("CR2 is 0x\(hex(mmu.controlRegister2)), expected 0x\(hex(address))")
    }
    if case .generalProtection = expected, mmu.controlRegister2 != 0 {
      found.append("#GP wrote CR2: 0x\(hex(mmu.controlRegister2))")
    }
    let left = entries.map { arena.load($0.place) }
    compare(left, "after the walk", &found)
    if !found.isEmpty { return found }
    checkWarm(mmu, arena, left, &found)
    return found
  }

  /// The same access again: the same outcome, and after a success without a walk.
  private func checkWarm(
    _ mmu: MMU, _ arena: VerifyArena, _ left: [UInt64], _ found: inout [String]
  ) {
    let before = mmu.counters
    compare(VerifyOutcome(mmu, access.address, access.access), "when repeated", &found)
    let made = mmu.counters - before
    if expected.isSuccess {
      let isFetch = access.access.kind == .fetch
      let size: PageSize =
        before[.walks1G] != 0 ? .size1G : before[.walks2M] != 0 ? .size2M : .size4K
      let first = isFetch ? mmu.configuration.instructionTLB : mmu.configuration.dataTLB
      let misses: UInt64 = first.contains { $0.sizes.contains(size) } ? 0 : 1
      if made[.walks] != 0 || made[isFetch ? .itlbMisses : .dtlbMisses] != misses {
        found.append("\(access.words): the repetition missed the TLB")
      }
    } else if case .pageFault = expected, made[.pageFaults] != 1 {
      found.append("\(access.words): the repetition raised \(made[.pageFaults]) page faults")
    }
    if entries.map({ arena.load($0.place) }) != left {
      found.append("\(access.words): the repetition changed an entry")
    }
  }

  private func checkReference(_ arena: VerifyArena, _ found: inout [String]) {
    let reference = ReferenceTranslator(memory: arena.memory, controls: controls, root: root)
    let outcome = reference.translate(access.address, for: access.access)
    compare(VerifyOutcome(outcome.result), "by the reference translator", &found)
    let left = entries.map { entry in
      outcome.updates.first { $0.address.rawValue == entry.place }?.value ?? entry.before
    }
    compare(left, "by the reference translator", &found)
    for update in outcome.updates
    where !entries.contains(where: { $0.place == update.address.rawValue }) {
      found.append(
        "\(access.words): the reference translator changes a word at 0x\(hex(update.address.rawValue))"
      )
    }
  }

  private func compare(_ outcome: VerifyOutcome, _ when: String, _ found: inout [String]) {
    if outcome == expected { return }
    found.append("\(access.words) \(when): expected \(expected.words), got \(outcome.words)")
  }

  /// Holds the entries as they are now against `after`, or on a fault against what A may have become.
  private func compare(_ left: [UInt64], _ when: String, _ found: inout [String]) {
    let accessed = PageTableEntry.accessed.rawValue
    for (entry, value) in zip(entries, left) {
      let wanted = entry.after ?? entry.before
      if value == wanted { continue }
      if entry.after == nil && entry.mayBeAccessed && value == wanted | accessed { continue }
      found.append(
        "\(access.words) \(when): the \(entry.name) is 0x\(hex(value)), expected 0x\(hex(wanted))")
    }
  }
}

extension VerifyOutcome {
  var isSuccess: Bool {
    if case .physical = self { return true }
    return false
  }
}

extension PagingControls {
  /// The control bits every vector gives alike: `cr0wp`, `nxe`, `pkru`, `maxphyaddr`.
  init(vector value: VectorValue) throws(VectorError) {
    self.init()
    writeProtect = try value.flag("cr0wp")
    executeDisable = try value.flag("nxe")
    guard let pkru = UInt32(exactly: try value.word("pkru")) else {
      throw VectorError("\"pkru\" does not fit 32 bits")
    }
    self.pkru = pkru
    physicalAddressBits = try value.word("maxphyaddr")
    guard (32...52).contains(physicalAddressBits) else {
      throw VectorError("\"maxphyaddr\" is not 32 to 52")
    }
  }
}
