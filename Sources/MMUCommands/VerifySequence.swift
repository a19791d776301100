import MMUMemory
package import MMUPaging

/// A sequence of accesses, table edits and invalidations on a TLB that starts empty.
///
/// Its expectations hold for every permitted caching behaviour, so it runs on several geometries, and
/// at each access a pure walk must agree too.
package struct SequenceCase: Sendable {
  package enum Step: Sendable {
    case access(VerifyAccess, VerifyOutcome)
    case store(place: UInt64, value: UInt64)
    case load(place: UInt64, mask: UInt64, expected: UInt64)
    case moveToControlRegister3(UInt64, succeeds: Bool)
    case moveToControlRegister4(UInt64, succeeds: Bool)
    case setWriteProtect(Bool)
    case writePKRU(UInt32)
    case invalidatePage(UInt64)
    case invalidateProcessContext(
      type: UInt64, descriptor: UInt64, address: UInt64, succeeds: Bool)
  }

  package let identifier: String
  package let controls: PagingControls
  package let root: UInt64
  package let words: [(place: UInt64, value: UInt64)]
  package let steps: [Step]

  package init(
    identifier: String, controls: PagingControls, root: UInt64,
    words: [(place: UInt64, value: UInt64)], steps: [Step]
  ) {
    self.identifier = identifier
    self.controls = controls
    self.root = root
    self.words = words
    self.steps = steps
  }

  /// Reads a line of the TLB vectors.
  package init(_ value: VectorValue) throws(VectorError) {
    identifier = try value.text("id")
    let start = try value.required("init")
    var controls = try PagingControls(vector: start)
    controls.controlRegister4 = try start.word("cr4")
    self.controls = controls
    root = try start.word("cr3")
    var words: [(place: UInt64, value: UInt64)] = []
    for element in try start.elements("mem") {
      guard case .array(let pair) = element, pair.count == 2, let place = pair[0].word,
        let content = pair[1].word
      else { throw VectorError("\"mem\" holds pairs of an address and a value") }
      words.append((place, content))
    }
    self.words = words
    var steps: [Step] = []
    for step in try value.elements("steps") { steps.append(try Step(step)) }
    self.steps = steps
  }

  /// Runs the sequence on three geometries of the shipped MMU.
  ///
  /// - Returns: what disagreed, in words.
  package func check(in arena: VerifyArena) throws(VectorError) -> [String] {
    let stored = steps.compactMap { step -> UInt64? in
      switch step {
      case .store(let place, _), .load(let place, _, _): return place
      default: return nil
      }
    }
    var found: [String] = []
    for (name, geometry) in Self.geometries where found.isEmpty {
      try arena.place(stored.map { ($0, 0) } + words)
      defer { arena.clear(stored + words.map(\.place)) }
      run(arena, geometry, &found)
      if !found.isEmpty && name != "" { found = found.map { "\($0) (with \(name))" } }
    }
    return found
  }

  /// The default machine, one with room for next to nothing, and one without any cache.
  private static let geometries: [(String, MMUConfiguration)] = {
    var small = MMUConfiguration()
    let one = CacheGeometry(entries: 1)
    small.instructionTLB = [TLBArray([.size4K, .size2M, .size1G], one)]
    small.dataTLB = [TLBArray([.size4K, .size2M, .size1G], one)]
    small.secondTLB = [
      TLBArray([.size4K, .size2M, .size1G], CacheGeometry(entries: 3, replacement: .fifo))
    ]
    small.pml4eCache = one
    small.pdpteCache = one
    small.pdeCache = one
    var none = MMUConfiguration()
    none.instructionTLB = []
    none.dataTLB = []
    none.secondTLB = []
    none.pml4eCache = nil
    none.pdpteCache = nil
    none.pdeCache = nil
    return [("", MMUConfiguration()), ("one-entry TLBs", small), ("no TLBs", none)]
  }()

  private func run(
    _ arena: VerifyArena, _ geometry: MMUConfiguration, _ found: inout [String]
  ) {
    var configuration = geometry
    configuration.controls = controls
    let mmu = MMU(memory: arena.memory, configuration: configuration)
    do { try mmu.writeControlRegister3(root) } catch {
      found.append("the first CR3, 0x\(hex(root)), was refused with #GP")
      return
    }
    for (number, step) in steps.enumerated() {
      if let wrong = perform(step, mmu, arena) {
        found.append("step \(number + 1): \(wrong)")
        return
      }
    }
  }

  /// Performs one step; what went wrong, in words.
  private func perform(_ step: Step, _ mmu: MMU, _ arena: VerifyArena) -> String? {
    switch step {
    case .access(let access, let expected): return perform(access, expected, mmu, arena)
    case .store(let place, let value): arena.store(value, at: place)
    case .load(let place, let mask, let expected):
      let value = arena.load(place) & mask
      if value == expected { return nil }
      return "the word at 0x\(hex(place)) & 0x\(hex(mask)) is 0x\(hex(value)), "
        + "expected 0x\(hex(expected))"
    case .moveToControlRegister3(let value, let succeeds):
      return attempt("MOV CR3, 0x\(hex(value))", succeeds) { () throws(GeneralProtection) in
        try mmu.writeControlRegister3(value)
      }
    case .moveToControlRegister4(let value, let succeeds):
      return attempt("MOV CR4, 0x\(hex(value))", succeeds) { () throws(GeneralProtection) in
        try mmu.writeControlRegister4(value)
      }
    case .setWriteProtect(let value): mmu.setWriteProtect(value)
    case .writePKRU(let value): mmu.writePKRU(value)
    case .invalidatePage(let address): mmu.invalidatePage(address)
    case .invalidateProcessContext(let type, let descriptor, let address, let succeeds):
      return attempt("INVPCID type \(type), descriptor 0x\(hex(descriptor))", succeeds) {
        () throws(GeneralProtection) in
        try mmu.invalidateProcessContext(type: type, descriptor: descriptor, address: address)
      }
    }
    return nil
  }

  private func perform(
    _ access: VerifyAccess, _ expected: VerifyOutcome, _ mmu: MMU, _ arena: VerifyArena
  ) -> String? {
    mmu.setAlignmentCheck(access.alignmentCheck)
    let reference = ReferenceTranslator(
      memory: arena.memory, controls: mmu.controls, root: mmu.controlRegister3)
    let pure = VerifyOutcome(reference.translate(access.address, for: access.access).result)
    if pure != expected {
      return "\(access.words) by the reference translator: expected \(expected.words), "
        + "got \(pure.words)"
    }
    let before = mmu.controlRegister2
    let outcome = VerifyOutcome(mmu, access.address, access.access)
    if outcome != expected {
      return "\(access.words): expected \(expected.words), got \(outcome.words)"
    }
    var cr2 = before
    if case .pageFault(_, let address) = expected { cr2 = address }
    return mmu.controlRegister2 == cr2
      ? nil : "\(access.words): CR2 is 0x\(hex(mmu.controlRegister2)), expected 0x\(hex(cr2))"
  }

  private func attempt(
    _ name: String, _ succeeds: Bool, _ body: () throws(GeneralProtection) -> Void
  ) -> String? {
    do {
      try body()
      return succeeds ? nil : "\(name): expected #GP(0), but it was accepted"
    } catch {
      return succeeds ? "\(name): refused with #GP(0)" : nil
    }
  }
}

extension SequenceCase.Step {
  /// Reads one element of `steps`.
  init(_ value: VectorValue) throws(VectorError) {
    switch try value.text("op") {
    case "access":
      self = .access(
        try VerifyAccess(value), try VerifyOutcome(try value.required("expect")))
    case "store": self = .store(place: try value.word("pa"), value: try value.word("value"))
    case "load":
      self = .load(
        place: try value.word("pa"), mask: try value.word("mask"),
        expected: try value.word("expect"))
    case "mov_cr3":
      self = .moveToControlRegister3(
        try value.word("value"), succeeds: try Self.succeeds(value))
    case "mov_cr4":
      self = .moveToControlRegister4(
        try value.word("value"), succeeds: try Self.succeeds(value))
    case "set_wp": self = .setWriteProtect(try value.flag("value"))
    case "wrpkru":
      guard let pkru = UInt32(exactly: try value.word("value")) else {
        throw VectorError("PKRU does not fit 32 bits")
      }
      self = .writePKRU(pkru)
    case "invlpg":
      guard try Self.succeeds(value) else { throw VectorError("INVLPG never faults") }
      self = .invalidatePage(try value.word("va"))
    case "invpcid":
      self = .invalidateProcessContext(
        type: try value.word("type"), descriptor: try value.word("pcid"),
        address: try value.word("va"), succeeds: try Self.succeeds(value))
    case let other: throw VectorError("\"\(other)\" is no step that is known")
    }
  }

  /// Reads `expect`: "ok", or #GP(0).
  private static func succeeds(_ value: VectorValue) throws(VectorError) -> Bool {
    let expected = try value.required("expect")
    if case .string("ok") = expected { return true }
    guard try VerifyOutcome(expected) == .generalProtection else {
      throw VectorError("\"expect\" is neither \"ok\" nor #GP(0)")
    }
    return false
  }
}
