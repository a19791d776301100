import MMUMemory
import MMUPaging
import MMUTiming

// Making frames free when memory is short: how much is looked at (Linux's shrink_node), and who asks:
// kswapd below the low watermark, or below the lowest one whoever needs a frame.

extension SystemMemory {
  /// Pages a process that reclaims directly frees at once: Linux's SWAP_CLUSTER_MAX.
  static var clusterPages: UInt64 { 32 }

  /// Attempts before somebody is killed: Linux's MAX_RECLAIM_RETRIES.
  private static var reclaimAttempts: Int { 16 }

  /// Who reclaims.
  enum Reclaimer {
    case daemon
    case direct
  }

  /// Pages there must be room for: frames below a watermark, or pages beyond the limit.
  func shortage(below mark: UInt64) -> UInt64 {
    let available = frames.available
    let lists = frames.lists
    return max(
      available < mark ? mark - available : 0,
      lists.pages > lists.limit ? lists.pages - lists.limit : 0)
  }

  /// A huge page's pages may become resident besides those that are: Linux charges them all at once.
  var hasRoomForHugePage: Bool {
    let lists = frames.lists
    return lists.limit >= HugePages.frames && lists.pages <= lists.limit - HugePages.frames
  }

  /// Frees pages until nothing is short any more, or nothing more goes.
  ///
  /// Whoever works on a frame over a fault holds a reference to it, so that it stays.
  /// - Returns: pages freed.
  @discardableResult @inline(never)
  func reclaim(_ wanted: UInt64, by reclaimer: Reclaimer) -> UInt64 {
    let before = (freedByReclaim, scannedByReclaim)
    var priority: UInt64 = 12
    while true {
      shrink(wanted, before.0, scanTargets(priority))
      if freedByReclaim - before.0 >= wanted || priority == 0 { break }
      priority -= 1
    }
    // As on Linux nobody is killed while swap has room, however little it is liked.
    if swappiness == 0 && freedByReclaim == before.0 && canSwap {
      shrink(wanted, before.0, (frames.lists.count(.anonymous), 0))
    }
    let freed = freedByReclaim - before.0
    let scanned = scannedByReclaim - before.1
    charge(scanned &* costs.pageScan)
    switch reclaimer {
    case .daemon:
      reclaimCounters.freedByDaemon += freed
      reclaimCounters.scannedByDaemon += scanned
    case .direct:
      // kswapd may have something to do again.
      if freed > 0 { frames.isLow = false }
      reclaimCounters.freedDirectly += freed
      reclaimCounters.scannedDirectly += scanned
    }
    return freed
  }

  /// One pass over so many pages of both kinds.
  private func shrink(
    _ wanted: UInt64, _ before: UInt64, _ targets: (anonymous: UInt64, file: UInt64)
  ) {
    var left = targets
    while left.anonymous > 0 || left.file > 0 {
      for kind in [PageKind.file, .anonymous] {
        let budget = kind == .file ? left.file : left.anonymous
        if budget == 0 { continue }
        let part = min(budget, Self.clusterPages)
        let freed = freedByReclaim
        let looked = scan(kind, part)
        scannedByReclaim += looked
        // Pages that were looked at in vain speak for the other kind.
        noteCost(kind, looked - min(looked, freedByReclaim - freed))
        let rest = looked == 0 ? 0 : budget - part
        if kind == .file { left.file = rest } else { left.anonymous = rest }
        if freedByReclaim - before >= wanted { return }
      }
    }
  }

  /// Lets the policy look at up to `count` pages of a kind; how many there were.
  package func scan(_ kind: PageKind, _ count: UInt64) -> UInt64 { policy.scan(kind, count, self) }

  /// Linux's lru_note_cost: what a kind of pages has cost lately, by pages.
  func noteCost(_ kind: PageKind, _ pages: UInt64) {
    reclaimCosts[kind.rawValue] &+= pages
    if reclaimCosts[0] &+ reclaimCosts[1] > frames.lists.pages / 4 {
      reclaimCosts[0] /= 2
      reclaimCosts[1] /= 2
    }
  }

  /// Whether pages of anonymous memory can go anywhere.
  private var canSwap: Bool {
    guard let swap, swap.isOn else { return false }
    return swap.free > 0 || swap.cachedFrames > 0
  }

  /// How many pages of each kind a pass looks at, the more the lower the priority: Linux's get_scan_count.
  private func scanTargets(_ priority: UInt64) -> (anonymous: UInt64, file: UInt64) {
    let lists = frames.lists
    let anonymous = lists.count(.anonymous)
    let file = lists.count(.file)
    func share(_ pages: UInt64) -> UInt64 { pages >> priority }
    if !canSwap { return (0, share(file)) }
    if priority == 0 && swappiness > 0 { return (anonymous, file) }
    // So few pages of files are left that the next access would need them again.
    if file + frames.available <= frames.watermarks.high && share(anonymous) > 0 {
      return (share(anonymous), 0)
    }
    if swappiness == 0 { return (0, share(file)) }
    // While there are inactive pages of files in plenty, nothing else goes.
    if policy.inactive(.file, lists) >> priority > 0 && !areFilesRefaulting {
      return (0, share(file))
    }
    let total = reclaimCosts[0] + reclaimCosts[1]
    let costs = (total + reclaimCosts[0] + 1, total + reclaimCosts[1] + 1)
    let both = costs.0 + costs.1
    let weights = (swappiness * both / costs.0, (200 - swappiness) * both / costs.1)
    let sum = max(weights.0 + weights.1, 1)
    return (share(anonymous) * weights.0 / sum, share(file) * weights.1 / sum)
  }

  /// Files' pages have come back since reclaim began that a fitting working set would have kept.
  private var areFilesRefaulting: Bool {
    reclaimCounters.activatedFile != activatedFileBefore
  }

  // MARK: Who asks

  /// A process needs frames and there are too few: it makes some free itself, and waits for the disk.
  @inline(never)
  func reclaimDirectly() {
    let lists = frames.lists
    lists.isShort = shortage(below: frames.watermarks.min) > 0
    if !lists.isShort { return }
    if reclaimBackoff > 0 && lists.pages <= lists.limit {
      reclaimBackoff -= 1
      return
    }
    let start = chargedCycles
    var freed: UInt64 = 0
    var attempts = 0
    repeat {
      freed += reclaim(max(Self.clusterPages, shortage(below: 0)), by: .direct)
      attempts += 1
    } while lists.pages > lists.limit && attempts < Self.reclaimAttempts
    reclaimCounters.directReclaims += 1
    stall.addReclaim(chargedCycles &- start, until: writeback.clock())
    settleDisk(waits: true)
    // Nothing there that could go: looking again at every fault would only cost time.
    failedReclaims = freed == 0 ? min(failedReclaims + 1, 10) : 0
    reclaimBackoff = freed == 0 ? 1 << failedReclaims : 0
    lists.isShort = shortage(below: frames.watermarks.min) > 0
  }

  /// The last attempt before somebody gets no frame.
  ///
  /// - Returns: whether frames became free.
  @inline(never)
  func reclaim() -> Bool {
    var freed: UInt64 = 0
    var attempts = 0
    repeat {
      // Pages that were accessed stay the first time.
      freed = reclaim(Self.clusterPages, by: .direct)
      attempts += 1
    } while freed == 0 && attempts < Self.reclaimAttempts
    reclaimCounters.directReclaims += 1
    settleDisk(waits: true)
    if freed > 0 {
      reclaimBackoff = 0
      failedReclaims = 0
    }
    return freed > 0
  }

  /// Does what needs frames, again as long as reclaim frees some.
  ///
  /// - Throws: what `body` throws; it leaves nothing behind then.
  func reclaiming<Result>(_ body: () throws(Errno) -> Result) throws(Errno) -> Result {
    while true {
      do { return try body() } catch {
        if error != .noMemory || !reclaim() { throw error }
      }
    }
  }

  /// Makes the swap area, if it has room for a page behind its header.
  ///
  /// - Parameter store: nil is the machine's own disk.
  func addSwap(
    pages: UInt64, in store: (any SwapStore)? = nil, name: String = "/dev/vdb", seed: UInt64 = 1
  ) {
    if pages < 2 { return }
    swap = SwapArea(
      store ?? MemorySwapStore(pages: pages), name: name, isFile: store != nil, pages: pages,
      frameCount: memory.frameCount, seed: seed)
  }

  /// Charges what was written to the disk since the last time: to who waits, or to the disk alone.
  func settleDisk(waits: Bool) {
    if pagesForDisk == 0 { return }
    let time = costs.diskRequest &+ pagesForDisk &* costs.diskPage
    pagesForDisk = 0
    if waits {
      diskWait &+= time
      stall.isCause = true
    } else {
      diskWork &+= time
    }
  }
}

/// Time lost to a lack of memory, as Linux's pressure-stall information counts it.
struct MemoryStall {
  /// Threads that wait for a page that had been evicted, or for the writes of their own reclaim.
  private var threads = 0
  private var since: Cycles = 0
  /// Cycles in which there were such threads, or one was reclaiming.
  private(set) var some: Cycles = 0
  /// Of these, cycles in which nothing else ran.
  private(set) var full: Cycles = 0
  /// The wait for the disk that comes next is for lack of memory.
  var isCause = false
  /// What /proc/pressure/memory shows, without a wait that goes on.
  private var averagesOfSome: PressureAverages
  private var averagesOfFull: PressureAverages

  /// Begins with nothing lost.
  init(cyclesPerSecond: Cycles = 3_000_000_000) {
    averagesOfSome = PressureAverages(period: 2 * cyclesPerSecond)
    averagesOfFull = averagesOfSome
  }

  /// A thread begins to wait.
  mutating func begin(_ now: Cycles) {
    if threads == 0 { since = now }
    threads += 1
  }

  /// A thread's wait is over.
  mutating func end(_ now: Cycles) {
    threads -= 1
    if threads == 0 { addSome(now &- since, until: now) }
  }

  private mutating func addSome(_ cycles: Cycles, until now: Cycles) {
    some &+= cycles
    averagesOfSome.add(cycles, until: now)
  }

  /// The running thread has reclaimed for so long.
  mutating func addReclaim(_ cycles: Cycles, until now: Cycles) {
    if threads == 0 { addSome(cycles, until: now) }
    full &+= cycles
    averagesOfFull.add(cycles, until: now)
  }

  /// Nobody ran for so long.
  mutating func addIdle(_ cycles: Cycles, until now: Cycles) {
    if threads == 0 { return }
    full &+= cycles
    averagesOfFull.add(cycles, until: now)
  }

  /// `some`, with the wait that goes on.
  func some(at now: Cycles) -> Cycles { some &+ (threads > 0 ? now &- since : 0) }

  /// The averages of `some` at a time, with the wait that goes on.
  func someAverages(at now: Cycles) -> PressureAverages {
    var averages = averagesOfSome
    if threads > 0 { averages.add(now &- since, until: now) }
    averages.advance(to: now)
    return averages
  }

  /// The averages of `full` at a time.
  func fullAverages(at now: Cycles) -> PressureAverages {
    var averages = averagesOfFull
    averages.advance(to: now)
    return averages
  }
}

extension Kernel {
  /// Makes the swap area, chooses the policy, and lets kswapd be woken.
  func prepareReclaim() {
    system.addSwap(
      pages: configuration.swapPages, in: configuration.swapStore, name: configuration.swapName,
      seed: configuration.seed)
    if let swap = system.swap {
      swap.errorOdds = configuration.swapErrorOdds
      let limit = system.memory.frameCount * configuration.compressedSwapPercent / 100
      if limit > 0 { swap.compressed = CompressedSwap(system, swap, limit: limit) }
    }
    system.policy = configuration.reclaimPolicy.make(seed: configuration.seed)
    system.swappiness = configuration.swappiness
    system.stall = MemoryStall(cyclesPerSecond: configuration.cyclesPerSecond)
    system.frames.lists.limit = configuration.residentLimit ?? .max
    let frames = system.frames
    let marks = frames.watermarks
    let total = frames.used + frames.available
    // In a machine as small as some tests make it, there is no room for reserves.
    if total < 8 * marks.high { return }
    frames.lowMark = total - marks.low
    frames.minimumMark = total - marks.min
    frames.onLow = { [unowned self] in
      isReclaimDaemonWoken = true
      needsAttention = true
    }
  }

  /// kswapd: frees frames up to the high watermark, in time nobody waits for but the disk's.
  ///
  /// Where nothing can go it gives up, until a process has freed something itself.
  func runReclaimDaemon() {
    isReclaimDaemonWoken = false
    system.reclaimCounters.daemonRuns += 1
    system.activatedFileBefore = system.reclaimCounters.activatedFile
    let high = system.frames.watermarks.high
    var freed: UInt64 = 0
    while case let wanted = system.shortage(below: high), wanted > 0 {
      let now = system.reclaim(wanted, by: .daemon)
      freed += now
      if now == 0 { break }
    }
    system.settleDisk(waits: false)
    if system.diskWork > 0 {
      diskBusyUntil = max(diskBusyUntil, now) &+ system.diskWork
      system.diskWork = 0
    }
    system.frames.isLow = freed == 0
  }
}
