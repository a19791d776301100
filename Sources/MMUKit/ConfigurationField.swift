import MMUExecution
import MMUKernel
import MMUMemory
import MMUPaging
import MMUTiming

/// The value of a configuration field, as reports print it.
public enum FieldValue: Hashable, Sendable {
  /// An exact integer.
  case number(UInt64)
  /// On or off.
  case flag(Bool)
  /// Words.
  case text(String)
  /// Not set.
  case none

  /// The spelling that `--set` reads back.
  public var text: String {
    switch self {
    case .number(let value): "\(value)"
    case .flag(let value): value ? "on" : "off"
    case .text(let value): value
    case .none: "none"
    }
  }
}

/// A named input of a run: one row serves `--set`, `help fields`, the JSON report and its rerun line.
public struct ConfigurationField: Sendable {
  /// The name, as in `--set NAME=VALUE`.
  public let name: String
  /// What it is, in one line.
  public let summary: String
  /// Reads the value, or nil where the row is only another way to set a part of a field.
  public let value: (@Sendable (MachineConfiguration) -> FieldValue)?
  let set: @Sendable (inout MachineConfiguration, String) throws(ConfigurationError) -> Void

  /// All fields, in the order in which reports print them.
  public static let all: [ConfigurationField] = machine + paging + costs

  /// The field of a name.
  public static func named(_ name: String) -> ConfigurationField? {
    all.first { $0.name == name }
  }
}

extension ConfigurationField {
  private typealias Path<Value> = WritableKeyPath<MachineConfiguration, Value> & Sendable

  private static func number(
    _ name: String, _ summary: String, _ path: any Path<UInt64>,
    in range: ClosedRange<UInt64> = 0...UInt64.max
  ) -> Self {
    Self(
      name: name, summary: summary, value: { .number($0[keyPath: path]) },
      set: { (target, text) throws(ConfigurationError) in
        guard let value = UInt64.plain(text), range.contains(value) else {
          throw ConfigurationError(
            "\(name)=\(text) is not a number"
              + (range.upperBound == .max
                ? "" : " from \(range.lowerBound) to \(range.upperBound)"))
        }
        target[keyPath: path] = value
      })
  }

  private static func size(
    _ name: String, _ summary: String, _ path: any Path<UInt64>, in range: ClosedRange<UInt64>
  ) -> Self {
    Self(
      name: name, summary: summary, value: { .number($0[keyPath: path]) },
      set: { (target, text) throws(ConfigurationError) in
        guard let value = ByteSize.parse(text) else {
          throw ConfigurationError(
            "\(name)=\(text) is not a size",
            help: "a size is a number with K, M or G, here \(ByteSize.print(range.lowerBound)) to "
              + ByteSize.print(range.upperBound))
        }
        guard range.contains(value), value % pageBytes == 0 else {
          throw ConfigurationError(
            "\(name)=\(text): it is a multiple of 4K from \(ByteSize.print(range.lowerBound)) to "
              + ByteSize.print(range.upperBound))
        }
        target[keyPath: path] = value
      })
  }

  private static func limit(
    _ name: String, _ summary: String, _ path: any Path<UInt64?>
  ) -> Self {
    Self(
      name: name, summary: summary,
      value: { $0[keyPath: path].map(FieldValue.number) ?? .none },
      set: { (target, text) throws(ConfigurationError) in
        if text == "none" {
          target[keyPath: path] = nil
        } else if let value = UInt64.plain(text) {
          target[keyPath: path] = value
        } else {
          throw ConfigurationError("\(name)=\(text) is neither a number nor 'none'")
        }
      })
  }

  private static func flag(
    _ name: String, _ summary: String, _ path: any Path<Bool>,
    _ words: (on: String, off: String)? = nil
  ) -> Self {
    Self(
      name: name, summary: summary,
      value: {
        let value = $0[keyPath: path]
        return words.map { .text(value ? $0.on : $0.off) } ?? .flag(value)
      },
      set: { (target, text) throws(ConfigurationError) in
        let (on, off) = words ?? ("on", "off")
        guard text == on || text == off else {
          throw ConfigurationError("\(name)=\(text): it is '\(on)' or '\(off)'")
        }
        target[keyPath: path] = text == on
      })
  }

  private static func label(
    _ name: String, _ summary: String, _ path: any Path<String?>
  ) -> Self {
    Self(
      name: name, summary: summary, value: { $0[keyPath: path].map(FieldValue.text) ?? .none },
      set: { $0[keyPath: path] = $1 == "none" ? nil : $1 })
  }

  private static let machine: [Self] = [
    size("ram", "RAM in bytes", \.ram, in: (8 << 20)...(64 << 30)),
    number("seed", "drives every random choice", \.seed),
    flag("aslr", "seeded random places for stack, heap and mmap region", \.randomizesAddresses),
    Self(
      name: "engine", summary: "fast or reference; both count alike",
      value: { .text($0.engine.rawValue) },
      set: { (target, text) throws(ConfigurationError) in
        guard let engine = EngineKind(rawValue: text) else {
          throw ConfigurationError("engine=\(text): it is 'fast' or 'reference'")
        }
        target.engine = engine
      }),
    limit("max-instructions", "ends the run at so many instructions", \.maximumInstructions),
    limit("max-cycles", "ends the run at so many cycles", \.maximumCycles),
    size("stack", "RLIMIT_STACK in bytes", \.stackLimit, in: (64 << 10)...(1 << 30)),
    flag(
      "wx", "segments both writable and executable: allow or deny", \.allowsWritableCode,
      ("allow", "deny")),
    number(
      "writeback-interval", "cycles between two looks of the flusher at dirty pages",
      \.writebackInterval, in: 1...UInt64.max / 4),
    number(
      "dirty-expire", "cycles after which the flusher writes a dirty page", \.dirtyExpiry,
      in: 0...UInt64.max / 4),
    number(
      "dirty-background", "per cent of RAM that may be dirty before the flusher writes at once",
      \.dirtyBackgroundPercent, in: 0...100),
    number(
      "dirty-limit", "per cent of RAM that may be dirty before writers wait for the flusher",
      \.dirtyPercent, in: 0...100),
    Self(
      name: "swap", summary: "swap area: SIZE, or SIZE:FILE for a file of the host; or none",
      value: { machine in
        guard let swap = machine.swap else { return .none }
        return swap.file == nil ? .number(swap.bytes) : .text(swap.text)
      },
      set: { (target, text) throws(ConfigurationError) in
        target.swap = try SwapConfiguration.parse(text)
      }),
    number(
      "swap-errors", "about one in so many transfers to and from swap fails; 0: none",
      \.swapErrorOdds),
    Self(
      name: "zswap", summary: "per cent of RAM that compressed pages of swap may take",
      value: { .number($0.compressedSwapPercent) },
      set: { (target, text) throws(ConfigurationError) in
        let digits = text.hasSuffix("%") ? String(text.dropLast()) : text
        guard let value = UInt64.plain(digits), value <= 90 else {
          throw ConfigurationError("zswap=\(text) is not a share of RAM from 0% to 90%")
        }
        target.compressedSwapPercent = value
      }),
    number(
      "swappiness", "how much rather anonymous memory goes than files", \.swappiness, in: 0...200),
    Self(
      name: "reclaim-policy",
      summary: "what chooses the pages that go: "
        + ReclaimPolicyKind.allCases.map(\.rawValue).joined(separator: ", "),
      value: { .text($0.reclaimPolicy.rawValue) },
      set: { (target, text) throws(ConfigurationError) in
        target.reclaimPolicy = try ReclaimPolicyKind(naming: text)
      }),
    Self(
      name: "rss-limit", summary: "bytes of pages that may be resident at once, of all processes",
      value: { $0.residentLimit.map(FieldValue.number) ?? .none },
      set: { (target, text) throws(ConfigurationError) in
        if text == "none" {
          target.residentLimit = nil
          return
        }
        guard let bytes = ByteSize.parse(text), bytes >= 1 << 20, bytes % pageBytes == 0 else {
          throw ConfigurationError(
            "rss-limit=\(text): it is a multiple of 4K from 1M on, or 'none'")
        }
        target.residentLimit = bytes
      }),
    Self(
      name: "overcommit", summary: "promises of memory: 0 heuristic, 1 always, 2 strict limit",
      value: { .number($0.overcommit.rawValue) },
      set: { (target, text) throws(ConfigurationError) in
        guard let mode = UInt64.plain(text).flatMap(OvercommitMode.init(rawValue:)) else {
          throw ConfigurationError("overcommit=\(text): it is 0, 1 or 2")
        }
        target.overcommit = mode
      }),
    number(
      "overcommit-ratio", "per cent of RAM that may be promised in strict mode", \.overcommitRatio,
      in: 0...UInt64(Int32.max)),
    Self(
      name: "thp", summary: "2 MiB pages for anonymous memory: never, madvise or always",
      value: { .text($0.hugePages.rawValue) },
      set: { (target, text) throws(ConfigurationError) in
        guard let mode = HugePageMode(rawValue: text) else {
          throw ConfigurationError("thp=\(text): it is 'never', 'madvise' or 'always'")
        }
        target.hugePages = mode
      }),
    number(
      "khugepaged-interval", "cycles between two looks of khugepaged", \.collapse.interval,
      in: 1...UInt64.max / 4),
    number(
      "khugepaged-pause", "the same after it found no block of frames", \.collapse.pause,
      in: 1...UInt64.max / 4),
    number(
      "khugepaged-pages", "pages it looks at each time, in steps of 512", \.collapse.pages,
      in: 512...1 << 30),
    number(
      "khugepaged-max-none", "of 512 pages, how many may be absent for it to make them one",
      \.collapse.maximumAbsent, in: 0...511),
    number(
      "khugepaged-max-shared", "of 512 pages, how many may be shared with other processes",
      \.collapse.maximumShared, in: 0...512),
    number(
      "huge-pages", "pages of 2 MiB set aside for MAP_HUGETLB", \.hugePool2M, in: 0...32768),
    number(
      "huge-pages-1g", "pages of 1 GiB set aside for MAP_HUGETLB", \.hugePool1G, in: 0...64),
    number(
      "quantum", "cycles after which a program gives way to others that can run", \.quantum,
      in: 10_000...1_000_000_000_000),
    number("mhz", "clock shown to the guest, in MHz", \.megahertz, in: 1...1_000_000),
    label("from", "count from the first arrival at this label", \.regionStart),
    label("to", "count until the next arrival at this label", \.regionEnd),
  ]

  private static let paging: [Self] =
    tlb("itlb", "first-level instruction TLB", \.mmu.instructionTLB)
    + tlb("dtlb", "first-level data TLB", \.mmu.dataTLB)
    + tlb("stlb", "second-level TLB", \.mmu.secondTLB)
    + cache("pml4e", "PML4 entries", \.mmu.pml4eCache)
    + cache("pdpte", "page-directory-pointer entries", \.mmu.pdpteCache)
    + cache("pde", "page-directory entries", \.mmu.pdeCache) + [
      Self(
        name: "replacement", summary: "sets the policy of every TLB and cache", value: nil,
        set: { (target, text) throws(ConfigurationError) in
          let policy = try GeometryText.replacement(text)
          for i in target.mmu.instructionTLB.indices {
            target.mmu.instructionTLB[i].geometry.replacement = policy
          }
          for i in target.mmu.dataTLB.indices {
            target.mmu.dataTLB[i].geometry.replacement = policy
          }
          for i in target.mmu.secondTLB.indices {
            target.mmu.secondTLB[i].geometry.replacement = policy
          }
          target.mmu.pml4eCache?.replacement = policy
          target.mmu.pdpteCache?.replacement = policy
          target.mmu.pdeCache?.replacement = policy
        }),
      number(
        "maxphyaddr", "physical-address bits; those above are reserved",
        \.mmu.controls.physicalAddressBits, in: 32...52),
      flag(
        "pcid", "CR4.PCIDE: TLB entries carry a process-context id", \.mmu.controls.processContexts),
      flag("pge", "CR4.PGE: global pages", \.mmu.controls.globalPages),
      flag("nx", "EFER.NXE: pages can forbid execution", \.mmu.controls.executeDisable),
      flag(
        "smep", "CR4.SMEP: the kernel cannot execute user pages",
        \.mmu.controls.supervisorExecutionPrevention),
      flag(
        "smap", "CR4.SMAP: the kernel reaches user pages only on purpose",
        \.mmu.controls.supervisorAccessPrevention),
      flag("wp", "CR0.WP: the kernel respects read-only pages", \.mmu.controls.writeProtect),
      flag("pke", "CR4.PKE: protection keys", \.mmu.controls.protectionKeys),
    ]

  /// The rows of one TLB level: the whole, and its parts by page size.
  private static func tlb(
    _ name: String, _ summary: String, _ path: any Path<[TLBArray]>
  ) -> [Self] {
    var rows = [
      Self(
        name: name, summary: "\(summary): SIZES:ENTRIES/WAYS:POLICY,... or none",
        value: { .text(GeometryText.print($0[keyPath: path])) },
        set: { (target, text) throws(ConfigurationError) in
          target[keyPath: path] = try GeometryText.parseArrays(text)
        })
    ]
    for size in PageSize.allCases {
      let prefix = "\(name).\(GeometryText.name(size).lowercased())"
      rows += parts(prefix, "of its \(GeometryText.name(size)) array") {
        (target, edit) throws(ConfigurationError) in
        guard let i = target[keyPath: path].firstIndex(where: { $0.sizes.contains(size) }) else {
          throw ConfigurationError(
            "\(name) has no array for \(GeometryText.name(size)) pages",
            help: "set '\(name)' as a whole: --set \(name)=\(GeometryText.name(size)):16/4")
        }
        try edit(&target[keyPath: path][i].geometry)
      }
    }
    return rows
  }

  private static func cache(
    _ name: String, _ summary: String, _ path: any Path<CacheGeometry?>
  ) -> [Self] {
    [
      Self(
        name: name, summary: "structure cache of \(summary): ENTRIES/WAYS:POLICY or none",
        value: { .text(GeometryText.print($0[keyPath: path])) },
        set: { (target, text) throws(ConfigurationError) in
          target[keyPath: path] = try GeometryText.parseGeometry(text)
        })
    ]
      + parts(name, "of that cache") { (target, edit) throws(ConfigurationError) in
        guard var geometry = target[keyPath: path] else {
          throw ConfigurationError(
            "there is no \(name) cache", help: "make one first: --set \(name)=4")
        }
        try edit(&geometry)
        target[keyPath: path] = geometry
      }
  }

  private typealias Edit = (inout CacheGeometry) throws(ConfigurationError) -> Void

  private static func parts(
    _ prefix: String, _ whose: String,
    _ find:
      @escaping @Sendable (inout MachineConfiguration, Edit) throws(ConfigurationError) -> Void
  ) -> [Self] {
    [
      Self(
        name: "\(prefix).entries", summary: "entries \(whose)", value: nil,
        set: { (target, text) throws(ConfigurationError) in
          let count = try GeometryText.count(text)
          try find(&target) { (geometry) throws(ConfigurationError) in
            if geometry.ways == geometry.entries { geometry.ways = count }
            geometry.entries = count
          }
        }),
      Self(
        name: "\(prefix).ways", summary: "ways \(whose), or full", value: nil,
        set: { (target, text) throws(ConfigurationError) in
          let count = text == "full" ? nil : try GeometryText.count(text)
          try find(&target) { (geometry) throws(ConfigurationError) in
            geometry.ways = count ?? geometry.entries
          }
        }),
      Self(
        name: "\(prefix).replacement", summary: "policy \(whose)", value: nil,
        set: { (target, text) throws(ConfigurationError) in
          let policy = try GeometryText.replacement(text)
          try find(&target) { (geometry) throws(ConfigurationError) in
            geometry.replacement = policy
          }
        }),
    ]
  }

  private static func cost(
    _ name: String, _ summary: String, _ path: any Path<Cycles>
  ) -> Self {
    number("cost.\(name)", "cycles: \(summary)", path, in: 0...1_000_000_000)
  }

  private static let costs: [Self] = [
    cost("alu", "integer arithmetic and logic", \.costs.alu),
    cost("multiply", "MUL and MULH", \.costs.multiply),
    cost("divide", "DIV and REM", \.costs.divide),
    cost("load", "a load", \.costs.load),
    cost("store", "a store", \.costs.store),
    cost("branch", "a conditional branch", \.costs.branch),
    cost("jump", "JAL and JALR", \.costs.jump),
    cost("atomic", "an atomic operation, LR or SC", \.costs.atomic),
    cost("fence", "FENCE and FENCE.I", \.costs.fence),
    cost("system", "CSR reads and ECALL itself", \.costs.system),
    cost("stlb-hit", "a first-level TLB miss that hits the second level", \.costs.stlbHit),
    cost("walk-start", "starting a page walk", \.costs.walkStart),
    cost("entry-read", "one entry read by a walk", \.costs.entryRead),
    cost("assist", "setting an accessed or dirty flag", \.costs.assist),
    cost("exception-entry", "an exception, into the kernel and back", \.costs.exceptionEntry),
    cost("system-call-entry", "an ECALL, into the kernel and back", \.costs.systemCallEntry),
    cost("fault-handling", "deciding what a page fault means", \.costs.faultHandling),
    cost("context-switch", "another thread on the core", \.costs.contextSwitch),
    cost("frame-allocation", "allocating or freeing a frame", \.costs.frameAllocation),
    cost("page-zero", "zeroing a frame", \.costs.pageZero),
    cost("page-copy", "copying a frame", \.costs.pageCopy),
    cost("copy-word", "copying 8 bytes to or from user memory", \.costs.copyWord),
    cost("area-operation", "making, splitting or removing an area", \.costs.areaOperation),
    cost("entry-edit", "a page-table entry written by the kernel", \.costs.entryEdit),
    cost("invalidate-page", "INVLPG", \.costs.invalidatePage),
    cost("invalidate-many", "a flush of more than a page", \.costs.invalidateMany),
    cost("disk-request", "a request to the disk", \.costs.diskRequest),
    cost("page-scan", "looking at a page for reclaim", \.costs.pageScan),
    cost("compress-page", "compressing a page of swap", \.costs.compressPage),
    cost("decompress-page", "decompressing one", \.costs.decompressPage),
    cost("disk-page", "each page of a request to the disk", \.costs.diskPage),
  ]
}
