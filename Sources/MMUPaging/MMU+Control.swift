public import MMUMemory
import MMUTiming

// The registers that control paging, and the operations that drop cached translations.
// Intel SDM Vol. 3A, "Operations that Invalidate TLBs and Paging-Structure Caches" (§4.10.4.1).

/// Which cached translations a change of the tables makes out of date.
public enum InvalidationScope: Hashable, Sendable {
  /// One page of one address space; its global translation too if that space is the current one.
  case address(VirtualAddress, pcid: PCID)
  /// Everything of one address space that is not global.
  case context(PCID)
  /// Everything, global entries included.
  case all
  /// Everything that is not global.
  case allExceptGlobal
}

extension MMU {
  /// The control bits in force.
  public var controls: PagingControls { state.pointee.controls }

  /// CR3 as last written, without bit 63.
  public var controlRegister3: UInt64 {
    state.pointee.root | state.pointee.controlRegister3Low
  }

  /// MOV CR3: bits 51:12 are the PML4's address, bits 11:0 the PCID if CR4.PCIDE = 1; bit 63 then
  /// keeps the cached translations of that PCID, which are else dropped, but for global ones.
  ///
  /// - Throws: #GP if a bit from MAXPHYADDR to 62 is set, or bit 63 while CR4.PCIDE = 0.
  public func writeControlRegister3(_ value: UInt64) throws(GeneralProtection) {
    let keep = value >> 63 != 0
    let address = value & ~(1 << 63)
    if address >> state.pointee.controls.physicalAddressBits != 0 { throw GeneralProtection() }
    if keep && !state.pointee.controls.processContexts { throw GeneralProtection() }
    state.pointee.root = address & ~0xfff
    state.pointee.controlRegister3Low = address & 0xfff
    state.pointee.pcid = state.pointee.controls.processContexts ? address & 0xfff : 0
    dropFilters(state)
    charge(state.pointee.costs.invalidateMany)
    if !keep {
      count(state, .flushCR3, 0)
      dropContext(state.pointee.pcid)
    }
  }

  /// MOV CR4, as far as paging goes: PGE (bit 7), PCIDE (17), SMEP (20), SMAP (21), PKE (22).
  ///
  /// - Throws: #GP if PCIDE is set while CR3[11:0] is not zero.
  public func writeControlRegister4(_ value: UInt64) throws(GeneralProtection) {
    let old = state.pointee.controls
    var new = old
    new.controlRegister4 = value
    if new.processContexts && !old.processContexts && state.pointee.controlRegister3Low != 0 {
      throw GeneralProtection()
    }
    state.pointee.controls = new
    if new.protectionKeys { state.pointee.isPlain = false }
    state.pointee.pcid = new.processContexts ? state.pointee.controlRegister3Low : 0
    dropFilters(state)
    if new.globalPages != old.globalPages || (old.processContexts && !new.processContexts) {
      count(state, .flushAll, 0)
      charge(state.pointee.costs.invalidateMany)
      dropEverything()
    } else if new.supervisorExecutionPrevention && !old.supervisorExecutionPrevention {
      count(state, .flushAll, 0)
      charge(state.pointee.costs.invalidateMany)
      dropContext(state.pointee.pcid)
      forEachTLB { $0.removeAll(mask: Tag.global, pattern: Tag.global) }
    }
  }

  /// MOV CR0, as far as paging goes: WP.
  ///
  /// No translation is dropped; rights are checked at each use.
  public func setWriteProtect(_ value: Bool) {
    state.pointee.controls.writeProtect = value
    dropFilters(state)
  }

  /// STAC and CLAC: AC lifts SMAP for supervisor data accesses.
  public func setAlignmentCheck(_ value: Bool) { state.pointee.controls.alignmentCheck = value }

  /// WRPKRU: takes effect on cached translations at once.
  public func writePKRU(_ value: UInt32) {
    state.pointee.controls.pkru = value
    dropFilters(state)
  }

  /// INVLPG: drops the page that holds `address` for the current PCID and as a global one, and all
  /// structure-cache entries of the current PCID.
  ///
  /// A non-canonical address does nothing.
  public func invalidatePage(_ address: UInt64) {
    charge(state.pointee.costs.invalidatePage)
    guard VirtualAddress.isCanonical(address) else { return }
    count(state, .flushPage, 0)
    dropFilters(state)
    dropTranslations(state, address, pcid: state.pointee.pcid, andGlobal: true)
    dropStructures(of: state.pointee.pcid)
  }

  /// INVPCID.
  ///
  /// - Parameters:
  ///   - type: 0 one address of one PCID, 1 one PCID, 2 everything, 3 everything but global entries.
  ///   - descriptor: the descriptor's low quadword: the PCID, and zeros in bits 63:12.
  ///   - address: its high quadword.
  /// - Throws: #GP for a type above 3, bits 63:12 not zero, a non-canonical address with type 0, or a
  ///   PCID other than zero with types 0 and 1 while CR4.PCIDE = 0.
  public func invalidateProcessContext(
    type: UInt64, descriptor: UInt64, address: UInt64
  ) throws(GeneralProtection) {
    if type > 3 || descriptor >> 12 != 0 { throw GeneralProtection() }
    if type == 0 && !VirtualAddress.isCanonical(address) { throw GeneralProtection() }
    if type < 2 && descriptor != 0 && !state.pointee.controls.processContexts {
      throw GeneralProtection()
    }
    dropFilters(state)
    switch type {
    case 0:
      charge(state.pointee.costs.invalidatePage)
      count(state, .flushPage, 0)
      dropTranslations(state, address, pcid: descriptor, andGlobal: false)
      dropStructuresOnTheWay(state, address, pcid: descriptor)
    case 1:
      charge(state.pointee.costs.invalidateMany)
      count(state, .flushPCID, 0)
      dropContext(descriptor)
    case 2:
      charge(state.pointee.costs.invalidateMany)
      count(state, .flushAll, 0)
      dropEverything()
    default:
      charge(state.pointee.costs.invalidateMany)
      count(state, .flushAll, 0)
      forEachTLB { $0.removeAll(mask: Tag.global, pattern: 0) }
      forEachStructureCache { $0.removeAll() }
    }
  }

  /// Carries out an invalidation that a change of the tables asked for, by the cheapest instruction
  /// that covers it: INVLPG for a page of the current PCID, INVPCID for the rest.
  public func invalidate(_ scope: InvalidationScope) {
    do {
      switch scope {
      case .address(let address, let pcid):
        if UInt64(pcid.rawValue) == state.pointee.pcid {
          invalidatePage(address.rawValue)
        } else {
          try invalidateProcessContext(
            type: 0, descriptor: UInt64(pcid.rawValue), address: address.rawValue)
        }
      case .context(let pcid):
        try invalidateProcessContext(type: 1, descriptor: UInt64(pcid.rawValue), address: 0)
      case .all: try invalidateProcessContext(type: 2, descriptor: 0, address: 0)
      case .allExceptGlobal: try invalidateProcessContext(type: 3, descriptor: 0, address: 0)
      }
    } catch {
      preconditionFailure("an invalidation of \(scope) was refused: PCIDs are in use but off")
    }
  }

  /// Drops the filters in front of the TLBs; no counter can change by it.
  package func dropTranslationFilters() { dropFilters(state) }

  private func charge(_ cycles: Cycles) { add(state, .cycles, 0, cycles) }

  private func forEachTLB(_ body: (TagStore) -> Void) {
    for tlb in [state.pointee.itlb, state.pointee.dtlb, state.pointee.stlb] {
      for i in 0..<tlb.arrayCount { body(tlb.arrays[i]) }
    }
  }

  private func forEachStructureCache(_ body: (TagStore) -> Void) {
    if let store = state.pointee.structures.0 { body(store) }
    if let store = state.pointee.structures.1 { body(store) }
    if let store = state.pointee.structures.2 { body(store) }
  }

  /// Non-global translations and structure-cache entries of one PCID.
  private func dropContext(_ pcid: UInt64) {
    forEachTLB { $0.removeAll(mask: Tag.global | 0xfff, pattern: pcid) }
    dropStructures(of: pcid)
  }

  private func dropStructures(of pcid: UInt64) {
    forEachStructureCache { $0.removeAll(mask: 0xfff, pattern: pcid) }
  }

  private func dropEverything() {
    forEachTLB { $0.removeAll() }
    forEachStructureCache { $0.removeAll() }
  }
}

/// Drops the page that holds `address`, of whatever size, from all TLBs.
func dropTranslations(
  _ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, pcid: UInt64, andGlobal: Bool
) {
  dropFilterSlots(s, address)
  dropTranslations(s.pointee.itlb, address, pcid, andGlobal)
  dropTranslations(s.pointee.dtlb, address, pcid, andGlobal)
  dropTranslations(s.pointee.stlb, address, pcid, andGlobal)
}

/// The same, global or not, but not from the instruction TLB: no access to data changes what the
/// next fetch finds there, unless it faults.
func dropDataTranslations(_ s: UnsafeMutablePointer<MMUState>, _ address: UInt64, pcid: UInt64) {
  dropFilterSlots(s, address)
  dropTranslations(s.pointee.dtlb, address, pcid, true)
  dropTranslations(s.pointee.stlb, address, pcid, true)
}

private func dropTranslations(
  _ tlb: TLB, _ address: UInt64, _ pcid: UInt64, _ andGlobal: Bool
) {
  for i in 0..<tlb.probeCount {
    let probe = tlb.probes[i]
    if probe.store.live[Int(probe.size)] == 0 { continue }
    let number = (address & 0xffff_ffff_ffff) &>> probe.shift
    let tag = Tag.make(number, size: probe.size, pcid: pcid)
    let entry = probe.store.findExactly(tag)
    if entry >= 0 { probe.store.remove(entry) }
    if andGlobal {
      let entry = probe.store.findExactly(Tag.asGlobal(tag))
      if entry >= 0 { probe.store.remove(entry) }
    }
  }
}
