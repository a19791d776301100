import MMUMemory
import MMUPaging
import MMUTiming

/// A named machine modelled after published figures of a real one.
///
/// Only TLB geometry and the cost of a second-level hit differ between presets; replacement is LRU and
/// the paging-structure caches are the default's in all of them (assumed: vendors publish neither).
/// Every number names its source:
/// - [a] Intel Optimization Manual 248966-045, Table 2-15 (published, second-hand)
/// - [b] CPUID dump of a Skylake-SP in an Intel community thread; 64 and 1536 confirmed by Chips and Cheese
/// - [c] CPUID leaf 18H dump of an i7-1068NG7
/// - [d] notes on Hennessy & Patterson, i9-12900 (published, second-hand)
/// - [e] Chips and Cheese, "AMD's Zen 4, Part 2: Memory Subsystem"
/// - [f] 7-cpu.com, Zen 2
/// - [g] WikiChip, Zen 2
/// - [h] public study note, likely after 7-cpu.com (published, second-hand)
/// - [i] Chips and Cheese, Neoverse N1 (published, second-hand)
/// - [k] public notes without a primary source (published, second-hand)
public struct Preset: Sendable {
  /// The name, as in `--preset NAME`.
  public let name: String
  /// What it is modelled after, and how far the sources reach.
  public let summary: String
  private let change: @Sendable (inout MachineConfiguration) -> Void

  /// The machine.
  public var configuration: MachineConfiguration {
    var result = MachineConfiguration()
    result.preset = name
    change(&result)
    return result
  }

  /// All presets, the default first.
  public static let all: [Preset] = [
    Preset(name: "default", summary: "the machine of Spec/CostModel.md, near Intel Skylake") { _ in
    },
    Preset(name: "skylake", summary: "Intel Skylake client (2015)") { machine in
      machine.mmu.instructionTLB = [
        TLBArray([.size4K], CacheGeometry(entries: 128, ways: 8)),  // [a]
        TLBArray([.size2M], CacheGeometry(entries: 8)),  // 8 per thread [a]; full: assumed
      ]
      machine.mmu.dataTLB = [
        TLBArray([.size4K], CacheGeometry(entries: 64, ways: 4)),  // [b]
        TLBArray([.size2M], CacheGeometry(entries: 32, ways: 4)),  // [h]
        TLBArray([.size1G], CacheGeometry(entries: 4, ways: 4)),  // [b]
      ]
      machine.mmu.secondTLB = [
        TLBArray([.size4K, .size2M], CacheGeometry(entries: 1536, ways: 12)),  // [b], ways [h]
        TLBArray([.size1G], CacheGeometry(entries: 16, ways: 4)),  // [h]; 4-way: assumed
      ]
      machine.costs.stlbHit = 9  // [h]
      machine.costs.walkStart = 9  // found out as a hit is: assumed
      machine.costs.entryRead = 4  // L1D latency [a]; 9 + 2 x 4 = 17 with a warm PDPTE cache [h]
    },
    Preset(name: "icelake", summary: "Intel Ice Lake client, Sunny Cove (2019)") { machine in
      machine.mmu.instructionTLB = [
        TLBArray([.size4K], CacheGeometry(entries: 128, ways: 8)),  // assumed: as Skylake
        TLBArray([.size2M], CacheGeometry(entries: 8)),  // [c]
      ]
      // The array for loads; the 16-entry one for stores [c] is not modelled apart.
      machine.mmu.dataTLB = [
        TLBArray([.size4K], CacheGeometry(entries: 64, ways: 4)),  // [c]
        TLBArray([.size2M], CacheGeometry(entries: 32, ways: 4)),  // [c]
        TLBArray([.size1G], CacheGeometry(entries: 8)),  // [c]
      ]
      // 1024 8-way for 4K/2M and 1024 8-way for 4K/1G [c]: 4K pages may use both halves.
      machine.mmu.secondTLB = [
        TLBArray([.size4K], CacheGeometry(entries: 2048, ways: 16)),  // both halves of [c]
        TLBArray([.size2M], CacheGeometry(entries: 1024, ways: 8)),  // [c]
        TLBArray([.size1G], CacheGeometry(entries: 1024, ways: 8)),  // [c]
      ]
      machine.costs.stlbHit = 9  // assumed: between Skylake [h] and Golden Cove [d]
    },
    Preset(name: "goldencove", summary: "Intel Golden Cove, P-core of Alder Lake (2021)") {
      machine in
      machine.mmu.instructionTLB = [
        TLBArray([.size4K], CacheGeometry(entries: 256, ways: 8)),  // [d]
        TLBArray([.size2M], CacheGeometry(entries: 32, ways: 8)),  // 32 [d]; 8-way: assumed
      ]
      // The array for loads; the one for stores has no published size [d].
      machine.mmu.dataTLB = [
        TLBArray([.size4K], CacheGeometry(entries: 96, ways: 6)),  // [d]
        TLBArray([.size2M], CacheGeometry(entries: 32, ways: 4)),  // [d]
        TLBArray([.size1G], CacheGeometry(entries: 8, ways: 8)),  // [d]
      ]
      machine.mmu.secondTLB = [
        TLBArray([.size4K, .size2M, .size1G], CacheGeometry(entries: 2048, ways: 16))  // [d]
      ]
      machine.costs.stlbHit = 9  // 8 for the access, 9 in total [d]
      machine.costs.entryRead = 5  // L1D latency [e]
    },
    Preset(name: "zen2", summary: "AMD Zen 2 (2019)") { machine in
      // The 512-entry second-level instruction TLB [f] is not modelled apart from the STLB.
      machine.mmu.instructionTLB = [
        TLBArray([.size4K, .size2M, .size1G], CacheGeometry(entries: 64))  // [f]
      ]
      machine.mmu.dataTLB = [
        TLBArray([.size4K, .size2M, .size1G], CacheGeometry(entries: 64))  // [g]
      ]
      // [g] gives 12 ways, which do not divide 2048: 16 assumed. No 1G entries (split into 2M [g]);
      // the directory entries it also holds are left to the structure caches.
      machine.mmu.secondTLB = [
        TLBArray([.size4K, .size2M], CacheGeometry(entries: 2048, ways: 16))
      ]
      machine.costs.stlbHit = 7  // [i]
      machine.costs.walkStart = 7  // assumed: as a hit
    },
    Preset(name: "zen3", summary: "AMD Zen 3 (2020); much assumed") { machine in
      machine.mmu.instructionTLB = [
        TLBArray([.size4K, .size2M, .size1G], CacheGeometry(entries: 64))  // assumed
      ]
      machine.mmu.dataTLB = [
        TLBArray([.size4K, .size2M, .size1G], CacheGeometry(entries: 64))  // 64 [e]; full: assumed
      ]
      // The number of ways is assumed.
      machine.mmu.secondTLB = [
        TLBArray([.size4K, .size2M], CacheGeometry(entries: 2048, ways: 16))  // 2048 [e]
      ]
      machine.costs.stlbHit = 7  // assumed: as Zen 2 and 4
      machine.costs.walkStart = 7  // assumed: as a hit
      machine.costs.entryRead = 4  // L1D latency: Chips and Cheese, Golden Cove's caches
    },
    Preset(name: "zen4", summary: "AMD Zen 4 (2022)") { machine in
      machine.mmu.instructionTLB = [
        TLBArray([.size4K, .size2M, .size1G], CacheGeometry(entries: 64))  // [k]
      ]
      machine.mmu.dataTLB = [
        TLBArray([.size4K, .size2M, .size1G], CacheGeometry(entries: 72))  // [e]; shared by all [k]
      ]
      // The number of ways is assumed.
      machine.mmu.secondTLB = [
        TLBArray([.size4K, .size2M], CacheGeometry(entries: 3072, ways: 24))  // 3072 [e]
      ]
      machine.costs.stlbHit = 8  // 7-8 [e]
      machine.costs.walkStart = 8  // assumed: as a hit
      machine.costs.entryRead = 4  // L1D latency [e]
    },
  ]
}
