public import MMUMemory

/// A second opinion on every translation: a pure page walk with no TLB, no structure caches and no
/// effects.
///
///     let reference = ReferenceTranslator(memory: memory, controls: mmu.controls, root: cr3)
///     let outcome = reference.translate(0x7000_1234, for: Access(.write, .user))
///     print(outcome.result, outcome.updates)
///
/// It states the rules of Spec/Paging.md anew, level by level and right by right, and shares no
/// function with the `MMU`, so that the two can be held against each other. Memory is only read; the
/// A and D flags a processor would set are in the outcome.
///
/// Intel SDM Vol. 3A, "4-Level Paging and 5-Level Paging" (§4.5), "Access Rights" (§4.6), "Page-Fault
/// Exceptions" (§4.7), "Accessed and Dirty Flags" (§4.8).
public struct ReferenceTranslator {
  /// The memory the tables stand in.
  public let memory: PhysicalMemory
  /// The control bits in force.
  public var controls: PagingControls
  /// CR3: bits 51:12 are the PML4's address, the others have no effect on a pure walk.
  public var controlRegister3: UInt64

  /// What a translation comes to.
  public enum Result: Hashable, Sendable {
    /// The access is permitted; the byte stands here, in a page of this size.
    case translated(PhysicalAddress, PageSize)
    /// The access is refused.
    case fault(TranslationFault)
  }

  /// A paging-structure entry that the processor would rewrite.
  public struct Update: Hashable, Sendable {
    /// Where the entry stands.
    public let address: PhysicalAddress
    /// The entry afterwards, with A and perhaps D set in addition.
    public var value: UInt64
  }

  /// A result and the entries that change on the way to it, root first.
  public struct Outcome: Hashable, Sendable {
    /// What the translation comes to.
    public let result: Result
    /// The entries that change; each address at most once.
    public let updates: [Update]
  }

  /// Makes a translator for the tables that `root` (a CR3 value) leads to.
  public init(memory: PhysicalMemory, controls: PagingControls, root: UInt64) {
    self.memory = memory
    self.controls = controls
    controlRegister3 = root
  }

  /// Rights of a whole walk, gathered from its entries.
  private struct Gathered {
    var everyEntryIsUser = true
    var everyEntryIsWritable = true
    var someEntryDisablesExecution = false
  }

  /// Translates one access to any 64-bit linear address, as if nothing were cached.
  public func translate(_ address: UInt64, for access: Access) -> Outcome {
    // Bits 63:47 must be all zeros or all ones.
    let top = address >> 47
    guard top == 0 || top == 0x1ffff else {
      return Outcome(result: .fault(.generalProtection(address)), updates: [])
    }
    var updates: [Update] = []
    var gathered = Gathered()
    var table = bits(controlRegister3, 51, 12) << 12
    for (shift, leaf) in [(39, nil), (30, PageSize.size1G), (21, .size2M), (12, .size4K)] {
      let place = PhysicalAddress(table + ((address >> UInt64(shift)) & 0x1ff) * 8)
      guard let entry = read(place, updates) else {
        return Outcome(result: .fault(.busError(place)), updates: updates)
      }
      guard bit(entry, 0) else {
        return pageFault(address, access, present: false, updates)
      }
      if hasReservedBit(entry, leaf) {
        return pageFault(address, access, present: true, reserved: true, updates)
      }
      if !bit(entry, 1) { gathered.everyEntryIsWritable = false }
      if !bit(entry, 2) { gathered.everyEntryIsUser = false }
      if bit(entry, 63) { gathered.someEntryDisablesExecution = true }

      guard let size = leaf, size == .size4K || bit(entry, 7) else {
        note(place, entry | 1 << 5, was: entry, &updates)
        table = bits(entry, 51, 12) << 12
        continue
      }
      let keyForbids = protectionKeyForbids(access, gathered, key: bits(entry, 62, 59))
      if keyForbids || !rightsPermit(access, gathered) {
        return pageFault(address, access, present: true, key: keyForbids, updates)
      }
      let dirty: UInt64 = access.kind == .write ? 1 << 6 : 0
      note(place, entry | 1 << 5 | dirty, was: entry, &updates)
      let base = bits(entry, 51, UInt64(shift)) << UInt64(shift)
      let offset = address % (1 << UInt64(shift))
      return Outcome(result: .translated(PhysicalAddress(base + offset), size), updates: updates)
    }
    preconditionFailure("a page-table entry is always a leaf")
  }

  /// Bits `high` down to `low` of `value`, moved to the right.
  private func bits(_ value: UInt64, _ high: UInt64, _ low: UInt64) -> UInt64 {
    (value << (63 - high)) >> (63 - high + low)
  }

  private func bit(_ value: UInt64, _ number: UInt64) -> Bool { bits(value, number, number) == 1 }

  /// The entry at `place`, as this walk would have left it so far (tables may point to themselves).
  private func read(_ place: PhysicalAddress, _ updates: [Update]) -> UInt64? {
    if let update = updates.first(where: { $0.address == place }) { return update.value }
    return try? memory.load(place)
  }

  private func note(
    _ place: PhysicalAddress, _ value: UInt64, was old: UInt64, _ updates: inout [Update]
  ) {
    if value == old { return }
    if let i = updates.firstIndex(where: { $0.address == place }) {
      updates[i].value = value
    } else {
      updates.append(Update(address: place, value: value))
    }
  }

  /// Tables 4-15 to 4-20 of the SDM, each "Reserved (must be 0)" row.
  ///
  /// - Parameter leaf: the size of page an entry of this level can map; nil in the PML4.
  private func hasReservedBit(_ entry: UInt64, _ leaf: PageSize?) -> Bool {
    for number in controls.physicalAddressBits..<52 where bit(entry, number) { return true }
    if bit(entry, 63) && !controls.executeDisable { return true }
    let pageSizeFlag = bit(entry, 7)
    switch leaf {
    case nil: return pageSizeFlag
    case .size1G: return pageSizeFlag && bits(entry, 29, 13) != 0
    case .size2M: return pageSizeFlag && bits(entry, 20, 13) != 0
    case .size4K: return false  // bit 7 is PAT
    }
  }

  /// Decides by "Determination of Access Rights", protection keys apart.
  private func rightsPermit(_ access: Access, _ page: Gathered) -> Bool {
    let userAddress = page.everyEntryIsUser
    switch (access.mode, access.kind) {
    case (.user, .read):
      return userAddress
    case (.user, .write):
      return userAddress && page.everyEntryIsWritable
    case (.user, .fetch):
      return userAddress && mayExecute(page)
    case (.supervisor, .read):
      return !userAddress || supervisorMayUseUserData
    case (.supervisor, .write):
      if userAddress && !supervisorMayUseUserData { return false }
      return page.everyEntryIsWritable || !controls.writeProtect
    case (.supervisor, .fetch):
      if userAddress && controls.supervisorExecutionPrevention { return false }
      return mayExecute(page)
    }
  }

  private func mayExecute(_ page: Gathered) -> Bool {
    !controls.executeDisable || !page.someEntryDisablesExecution
  }

  private var supervisorMayUseUserData: Bool {
    !controls.supervisorAccessPrevention || controls.alignmentCheck
  }

  /// "Protection Keys" (§4.6.2): keys govern data accesses to user-mode addresses, whoever makes them.
  private func protectionKeyForbids(_ access: Access, _ page: Gathered, key: UInt64) -> Bool {
    guard controls.protectionKeys, page.everyEntryIsUser, access.kind != .fetch else {
      return false
    }
    let pkru = UInt64(controls.pkru)
    if bit(pkru, 2 * key) { return true }
    let writesAreBound = access.mode == .user || controls.writeProtect
    return access.kind == .write && writesAreBound && bit(pkru, 2 * key + 1)
  }

  /// "Page-Fault Exceptions" (§4.7): the error code, flag by flag.
  private func pageFault(
    _ address: UInt64, _ access: Access, present: Bool, reserved: Bool = false, key: Bool = false,
    _ updates: [Update]
  ) -> Outcome {
    var code = ErrorCode()
    if present { code.insert(.present) }
    if access.kind == .write { code.insert(.write) }
    if access.mode == .user { code.insert(.user) }
    if reserved { code.insert(.reservedBit) }
    if access.kind == .fetch
      && (controls.executeDisable || controls.supervisorExecutionPrevention)
    {
      code.insert(.fetch)
    }
    if key { code.insert(.protectionKey) }
    let fault = PageFault(
      address: VirtualAddress(truncating: address), errorCode: code, access: access)
    return Outcome(result: .fault(.pageFault(fault)), updates: updates)
  }
}
