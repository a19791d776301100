// Who may do what: the two rules every translation obeys, stated once. The walk, the TLB hit and
// the tests' truth tables all ask here.

/// Rights gathered over a walk, in the bit positions of a leaf: R/W and U/S as the AND over all
/// levels, XD as the OR; frame, key, G and D as in the leaf.
///
/// This is what a TLB entry holds.
package typealias EffectiveEntry = UInt64

extension PagingControls {
  /// The reserved bits of an entry at `level`: any of them set in a present entry is a fault with
  /// RSVD = 1.
  ///
  /// Intel SDM Vol. 3A, Tables 4-15 to 4-20: bits 51:MAXPHYADDR everywhere, XD while EFER.NXE = 0,
  /// PS in a PML4 entry, bits 20:13 of a 2 MiB leaf, bits 29:13 of a 1 GiB leaf.
  package func reservedBits(_ level: PagingLevel, entry: UInt64) -> UInt64 {
    var reserved = PageTableEntry.addressMask & ~((1 &<< physicalAddressBits) &- 1)
    if !executeDisable { reserved |= PageTableEntry.executeDisable.rawValue }
    let large = entry & PageTableEntry.largePage.rawValue != 0
    switch level {
    case .pml4: reserved |= PageTableEntry.largePage.rawValue
    case .pdpt: if large { reserved |= 0x3fff_e000 }
    case .pd: if large { reserved |= 0x001f_e000 }
    case .pt: break
    }
    return reserved
  }

  /// The bits of an error code that do not depend on the outcome: W/R, U/S, and I/D for a fetch if
  /// EFER.NXE or CR4.SMEP is on.
  package func errorBits(_ access: UInt64) -> UInt64 {
    executeDisable || supervisorExecutionPrevention ? access : access & ~16
  }

  /// Decides an access to a present page; zero if it is permitted, else the whole error code.
  ///
  ///     mode        access  forbidden if
  ///     user        any     U/S = 0
  ///     user        write   R/W = 0
  ///     user        fetch   XD = 1
  ///     supervisor  data    U/S = 1 and SMAP = 1 and AC = 0
  ///     supervisor  write   R/W = 0 and WP = 1
  ///     supervisor  fetch   XD = 1, or U/S = 1 and SMEP = 1
  ///     any         data    PKE = 1 and U/S = 1 and AD of the key            (PK)
  ///     any         write   PKE = 1 and U/S = 1 and WD of the key, by user or if WP = 1 (PK)
  ///
  /// Intel SDM Vol. 3A, "Access Rights" (§4.6). XD counts only while EFER.NXE = 1.
  package func denial(_ entry: EffectiveEntry, _ access: UInt64) -> UInt64 {
    let isUserPage = entry & PageTableEntry.user.rawValue != 0
    let isWrite = access & 2 != 0
    let isFetch = access & 16 != 0
    let isUser = access & 4 != 0
    var denied: Bool
    if isUser {
      denied = !isUserPage || (isWrite && entry & PageTableEntry.writable.rawValue == 0)
    } else if isFetch {
      denied = isUserPage && supervisorExecutionPrevention
    } else {
      denied =
        (isUserPage && supervisorAccessPrevention && !alignmentCheck)
        || (isWrite && writeProtect && entry & PageTableEntry.writable.rawValue == 0)
    }
    if isFetch && executeDisable && entry & PageTableEntry.executeDisable.rawValue != 0 {
      denied = true
    }
    var keyDenied = false
    if protectionKeys && isUserPage && !isFetch {
      let rights = pkru &>> UInt32(truncatingIfNeeded: (entry &>> 58) & 30)
      keyDenied = rights & 1 != 0 || (isWrite && rights & 2 != 0 && (isUser || writeProtect))
    }
    if !(denied || keyDenied) { return 0 }
    return 1 | errorBits(access) | (keyDenied ? ErrorCode.protectionKey.rawValue : 0)
  }
}
