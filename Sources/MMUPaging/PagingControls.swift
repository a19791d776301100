/// The control bits that decide how an address is translated.
///
/// CR0.PG = 1, CR4.PAE = 1 and EFER.LMA = 1 always: this is 4-level paging and nothing else.
public struct PagingControls: Hashable, Sendable {
  /// CR0.WP: supervisor writes respect R/W = 0.
  public var writeProtect = true
  /// CR4.PGE: G in a leaf has effect.
  public var globalPages = true
  /// CR4.PCIDE: CR3[11:0] is a PCID.
  public var processContexts = true
  /// CR4.SMEP: supervisor fetches from user pages fault.
  public var supervisorExecutionPrevention = true
  /// CR4.SMAP: supervisor data accesses to user pages fault unless AC = 1.
  public var supervisorAccessPrevention = true
  /// CR4.PKE: protection keys of user pages have effect.
  public var protectionKeys = false
  /// EFER.NXE: XD has effect; while 0, bit 63 of an entry is reserved.
  public var executeDisable = true
  /// EFLAGS.AC: lifts SMAP for data accesses.
  public var alignmentCheck = false
  /// PKRU: for each key i, AD at bit 2i (no access) and WD at bit 2i+1 (no write).
  public var pkru: UInt32 = 0
  /// MAXPHYADDR: physical-address bits above are reserved in entries and CR3.
  ///
  /// 32...52.
  public var physicalAddressBits: UInt64 = 40

  /// Makes the controls of the default machine: everything on but protection keys.
  public init() {}

  /// CR4 bits by their positions in the register.
  package enum CR4 {
    package static let pge: UInt64 = 1 << 7
    package static let pcide: UInt64 = 1 << 17
    package static let smep: UInt64 = 1 << 20
    package static let smap: UInt64 = 1 << 21
    package static let pke: UInt64 = 1 << 22
  }

  /// The CR4 bits that concern paging, as in the register.
  public var controlRegister4: UInt64 {
    get {
      (globalPages ? CR4.pge : 0) | (processContexts ? CR4.pcide : 0)
        | (supervisorExecutionPrevention ? CR4.smep : 0)
        | (supervisorAccessPrevention ? CR4.smap : 0) | (protectionKeys ? CR4.pke : 0)
        | (1 << 5)  // PAE
    }
    set {
      globalPages = newValue & CR4.pge != 0
      processContexts = newValue & CR4.pcide != 0
      supervisorExecutionPrevention = newValue & CR4.smep != 0
      supervisorAccessPrevention = newValue & CR4.smap != 0
      protectionKeys = newValue & CR4.pke != 0
    }
  }
}
