public import MMUExecution
public import MMUKernel
public import MMUPaging
public import MMUTiming

/// Everything that decides what a run does and what it counts.
///
///     var machine = try MachineConfiguration(preset: "skylake")
///     try machine.set("dtlb.4k.entries", to: "128")
///     try machine.validate()
///
/// The same configuration, program and input give the same report, byte for byte. The fields that
/// can be set by name, their spelling and their text form stand in one table, `ConfigurationField`.
public struct MachineConfiguration: Hashable, Sendable {
  /// The preset this configuration started from.
  public var preset = "default"
  /// RAM in bytes: a multiple of 4096, from 8 MiB to 64 GiB.
  public var ram: UInt64 = 1 << 30
  /// Drives every random choice: address-space layout, AT_RANDOM, getrandom, random replacement.
  public var seed: UInt64 = 1
  /// Stack, heap and mmap region start at seeded random places.
  public var randomizesAddresses = true
  /// The interpreter.
  public var engine = EngineKind.fast
  /// The guest's environment, `NAME=VALUE` each; empty unless asked for.
  public var environment: [String] = []
  /// Directories of the host that the guest sees; none unless asked for.
  public var directories: [SharedDirectory] = []
  /// The run ends before the first instruction at which so many have retired; nil: no limit.
  public var maximumInstructions: UInt64?
  /// The run ends before the first instruction at which so many cycles have passed; nil: no limit.
  public var maximumCycles: UInt64?
  /// RLIMIT_STACK in bytes.
  public var stackLimit: UInt64 = 8 << 20
  /// Segments that are both writable and executable may be loaded.
  public var allowsWritableCode = true
  /// Cycles after which a program gives way to others that can run: 1 ms.
  public var quantum: UInt64 = 3_000_000
  /// Cycles between two looks of the flusher at dirty pages: 5 s.
  public var writebackInterval: UInt64 = 15_000_000_000
  /// Cycles after which it writes a dirty page: 30 s.
  public var dirtyExpiry: UInt64 = 90_000_000_000
  /// Per cent of RAM that may be dirty before it writes at once.
  public var dirtyBackgroundPercent: UInt64 = 10
  /// Per cent of RAM that may be dirty before writers wait for it.
  public var dirtyPercent: UInt64 = 20
  /// Where private memory goes when frames are short; nil: nowhere.
  public var swap: SwapConfiguration?
  /// About one in so many transfers to and from swap fails; 0: none.
  public var swapErrorOdds: UInt64 = 0
  /// Per cent of RAM that compressed pages of swap may take.
  public var compressedSwapPercent: UInt64 = 0
  /// How much rather anonymous memory goes than files, 0 to 200.
  public var swappiness: UInt64 = 60
  /// What chooses the pages that go.
  public var reclaimPolicy = ReclaimPolicyKind.twoList
  /// Bytes of pages that may be resident at once, of all processes and files together; nil: what fits.
  public var residentLimit: UInt64?
  /// How much memory programs may be promised.
  public var overcommit = OvercommitMode.heuristic
  /// Per cent of RAM in the commit limit of its strict mode.
  public var overcommitRatio: UInt64 = 50
  /// Where anonymous memory gets pages of 2 MiB.
  public var hugePages = HugePageMode.madvise
  /// How khugepaged makes them of small ones.
  public var collapse = CollapseRules()
  /// Pages of 2 MiB set aside at the start for MAP_HUGETLB.
  public var hugePool2M: UInt64 = 0
  /// Pages of 1 GiB set aside.
  public var hugePool1G: UInt64 = 0
  /// Clock frequency for the seconds shown to the guest, in MHz.
  public var megahertz: UInt64 = 3000
  /// Counting starts at the first arrival at this label; nil: at the first instruction.
  public var regionStart: String?
  /// Counting stops at the next arrival at this label; nil: at the end.
  public var regionEnd: String?
  /// TLBs, paging-structure caches and control bits.
  public var mmu = MMUConfiguration()
  /// What things cost.
  public var costs = CostModel()

  /// Makes the default machine.
  public init() {}

  /// Makes the machine of a preset.
  ///
  /// - Throws: `ConfigurationError` naming the presets there are.
  public init(preset name: String) throws(ConfigurationError) {
    guard let preset = Preset.all.first(where: { $0.name == name }) else {
      throw ConfigurationError(
        "there is no preset '\(name)'",
        help: "presets: " + Preset.all.map(\.name).joined(separator: ", "), unknownName: name,
        knownNames: Preset.all.map(\.name))
    }
    self = preset.configuration
  }

  /// Sets a field by its name in `ConfigurationField.all`.
  ///
  /// Values that depend on one another (entries and ways) are checked by `validate()`.
  /// - Throws: `ConfigurationError` for an unknown field or a value it cannot have.
  public mutating func set(_ name: String, to text: String) throws(ConfigurationError) {
    guard let field = ConfigurationField.named(name) else {
      throw ConfigurationError(
        "there is no field '\(name)'", help: "'mmuemu help fields' lists them", unknownName: name,
        knownNames: ConfigurationField.all.map(\.name))
    }
    try field.set(&self, text)
  }

  /// Checks what concerns more than one field.
  ///
  /// - Throws: `ConfigurationError` naming the first contradiction.
  public func validate() throws(ConfigurationError) {
    for (name, arrays) in [
      ("itlb", mmu.instructionTLB), ("dtlb", mmu.dataTLB), ("stlb", mmu.secondTLB),
    ] {
      for array in arrays { try array.geometry.validate(name) }
    }
    for (name, cache) in [
      ("pml4e", mmu.pml4eCache), ("pdpte", mmu.pdpteCache), ("pde", mmu.pdeCache),
    ] {
      try cache?.validate(name)
    }
    guard ram <= 1 << mmu.controls.physicalAddressBits else {
      throw ConfigurationError(
        "ram=\(ByteSize.print(ram)) is more than maxphyaddr="
          + "\(mmu.controls.physicalAddressBits) can address")
    }
    // The kernel's own tables and the program need a few MiB; the lowest page of 1 GiB has them.
    let pooled = hugePool2M << 21 + hugePool1G << 30
    guard pooled + 8 << 20 <= ram, hugePool1G == 0 || hugePool1G < ram >> 30 else {
      throw ConfigurationError(
        "huge-pages=\(hugePool2M) and huge-pages-1g=\(hugePool1G) do not fit into "
          + "ram=\(ByteSize.print(ram))")
    }
    try validateDirectories()
    try validatePressure()
    guard stackLimit <= ram else {
      throw ConfigurationError(
        "stack=\(ByteSize.print(stackLimit)) is more than ram=\(ByteSize.print(ram))")
    }
  }
}

/// A field name or value that no machine can have.
public struct ConfigurationError: Error, Hashable, Sendable {
  /// What is wrong, in one line.
  public let message: String
  /// How to put it right, if there is more to say.
  public let help: String?
  /// The name that is none of `knownNames`, for suggestions.
  public let unknownName: String?
  /// What could have been meant.
  public let knownNames: [String]

  /// Makes an error.
  public init(
    _ message: String, help: String? = nil, unknownName: String? = nil, knownNames: [String] = []
  ) {
    self.message = message
    self.help = help
    self.unknownName = unknownName
    self.knownNames = knownNames
  }
}

extension CacheGeometry {
  /// Most entries an array can have.
  static let maximumEntries = 1 << 16

  fileprivate func validate(_ name: String) throws(ConfigurationError) {
    guard entries > 0, entries <= Self.maximumEntries else {
      throw ConfigurationError(
        "\(name): \(entries) entries: an array has 1 to \(Self.maximumEntries)")
    }
    guard ways > 0, entries % ways == 0 else {
      throw ConfigurationError(
        "\(name): \(entries) entries do not divide into sets of \(ways) ways",
        help: "entries = sets x ways, in whole sets; 'full' is one set")
    }
  }
}
