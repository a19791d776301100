public import MMUKit

/// A number of the report: one row serves the JSON report, `compare` and `list counters`.
public struct ReportCounter: Sendable {
  /// The path of its key in the JSON report: `walks.entryReads.pte`.
  public let key: String
  /// What it counts, in one line.
  public let summary: String
  /// Reads it; nil where the machine has no such mechanism.
  public let value: @Sendable (Statistics) -> UInt64?

  init(
    _ key: String, _ summary: String, _ value: @escaping @Sendable (Statistics) -> UInt64?
  ) {
    self.key = key
    self.summary = summary
    self.value = value
  }

  /// All of them, in the order of the JSON report.
  public static let all: [ReportCounter] = machine + hugePages + reclaim

  private static let machine: [ReportCounter] = [
    Self("instructions", "instructions retired") { $0.instructions },
    Self("cycles", "cycles of the whole machine") { $0.cycles },
    Self("userCycles", "cycles in user mode, TLB misses and walks included") { $0.userCycles },
    Self("systemCycles", "cycles in the kernel") { $0.systemCycles },
    Self("systemCalls", "system calls completed") { $0.systemCalls },
    Self("loads", "load instructions retired") { $0.loads },
    Self("stores", "store instructions retired") { $0.stores },
    Self("atomics", "atomic instructions retired: AMO, LR, SC") { $0.atomics },
    Self("itlb.lookups", "fetches looked up in the first-level instruction TLB") {
      $0.itlb.lookups
    },
    Self("itlb.misses", "of these, not found there") { $0.itlb.misses },
    Self("dtlb.lookups", "user accesses looked up in the first-level data TLB") { $0.dtlb.lookups },
    Self("dtlb.misses", "of these, not found there") { $0.dtlb.misses },
    Self("dtlb.supervisorLookups", "the kernel's accesses to user memory looked up there") {
      $0.supervisorDTLB.lookups
    },
    Self("dtlb.supervisorMisses", "of these, not found there") { $0.supervisorDTLB.misses },
    Self("stlb.lookups", "first-level misses looked up in the second-level TLB") {
      $0.stlb.lookups
    },
    Self("stlb.misses", "of these, not found there") { $0.stlb.misses },
    Self("walks.count", "page walks started") { $0.walks.count },
    Self("walks.cycles", "cycles spent in walks, assists included") { $0.walks.cycles },
    Self("walks.entryReads.pml4e", "PML4 entries read by walks") { $0.walks.readsPML4E },
    Self("walks.entryReads.pdpte", "page-directory-pointer entries read by walks") {
      $0.walks.readsPDPTE
    },
    Self("walks.entryReads.pde", "page-directory entries read by walks") { $0.walks.readsPDE },
    Self("walks.entryReads.pte", "page-table entries read by walks") { $0.walks.readsPTE },
    Self("walks.structureHits.pml4e", "walks begun behind a cached PML4 entry") {
      $0.walks.hitsPML4E
    },
    Self("walks.structureHits.pdpte", "walks begun behind a cached page-directory-pointer entry") {
      $0.walks.hitsPDPTE
    },
    Self("walks.structureHits.pde", "walks begun behind a cached page-directory entry") {
      $0.walks.hitsPDE
    },
    Self("walks.assists.accessed", "accessed flags set in memory") { $0.walks.assistsAccessed },
    Self("walks.assists.dirty", "dirty flags set in memory") { $0.walks.assistsDirty },
    Self("flushes.page", "INVLPG: one page dropped from the TLBs") { $0.flushes.page },
    Self("flushes.pcid", "INVPCID of one context") { $0.flushes.pcid },
    Self("flushes.all", "flushes of everything") { $0.flushes.all },
    Self("flushes.cr3", "MOV CR3 that drops a context") { $0.flushes.cr3 },
    Self("faults.minor", "page faults resolved without reading a disk or swap") { $0.faults.minor },
    Self("faults.major", "page faults that read a disk or swap, compressed or not") {
      $0.faults.major
    },
    Self("faults.zero", "of the faults, an anonymous page provided") { $0.faults.zero },
    Self("faults.copyOnWrite", "of the faults, a shared frame copied or taken over") {
      $0.faults.copyOnWrite
    },
    Self("faults.file", "of the faults, a page of a file or of the program") { $0.faults.file },
    Self("faults.swap", "of the faults, a page read back from swap (absent without swap)") {
      $0.memory.swapIn == nil ? nil : $0.faults.swap
    },
    Self("faults.signal", "faults that became a signal") { $0.faults.signal },
    Self("faults.spurious", "faults whose entry already permitted the access") {
      $0.faults.spurious
    },
    Self("memory.peakResidentPages", "most pages a process had resident at once") {
      $0.memory.peakResidentPages
    },
    Self("memory.pageTablePages", "most frames holding paging structures at once") {
      $0.memory.pageTablePages
    },
    Self("memory.framesUsedPeak", "most frames in use at once") { $0.memory.framesUsedPeak },
    Self("memory.roundedBytes", "bytes by which lengths of mmap were rounded up to pages") {
      $0.memory.roundedBytes
    },
    Self("memory.freePages", "free frames when the program ended") { $0.memory.freePages },
    Self("memory.unusableFreeIndexOrder9", "thousandths of them in blocks below 2 MiB") {
      $0.memory.unusableFreeIndexOrder9
    },
    Self("memory.oomKills", "processes killed because memory ran out") { $0.memory.oomKills },
    Self("memory.swapOut", "pages written to swap (absent without swap)") { $0.memory.swapOut },
    Self("memory.swapIn", "pages read back from swap (absent without swap)") { $0.memory.swapIn },
  ]

  /// Absent where huge pages were neither used nor asked for.
  private static let hugePages: [ReportCounter] = [
    Self("hugePages.peakMapped", "most leaves of 2 MiB over private memory at once") {
      $0.hugePages?.peakMapped
    },
    Self("hugePages.faultAllocations", "2 MiB pages made by faults") {
      $0.hugePages?.faultAllocations
    },
    Self("hugePages.collapses", "2 MiB pages made of small ones") { $0.hugePages?.collapses },
    Self("hugePages.fallbacks", "2 MiB pages not made for want of 512 frames in a row") {
      $0.hugePages?.fallbacks
    },
    Self("hugePages.splits", "2 MiB leaves split into page tables") { $0.hugePages?.splits },
    Self("hugePages.pool2M", "2 MiB pages set aside for MAP_HUGETLB") { $0.hugePages?.pool2M },
    Self("hugePages.pool2MPeakUsed", "of these, most in use at once") {
      $0.hugePages?.pool2MPeakUsed
    },
    Self("hugePages.pool1G", "1 GiB pages set aside for MAP_HUGETLB") { $0.hugePages?.pool1G },
    Self("hugePages.pool1GPeakUsed", "of these, most in use at once") {
      $0.hugePages?.pool1GPeakUsed
    },
  ]
}
