public import MMUMemory
public import MMUPaging
public import MMUTiming

/// What all address spaces of a machine share: frames, the kernel's half, the zero page, file pages,
/// PCIDs, and the MMUs that must hear of invalidations.
///
///     let system = SystemMemory(memory)
///     system.attach(mmu)
///     let space = try AddressSpace(system)
public final class SystemMemory {
  /// The bytes.
  public let memory: PhysicalMemory
  /// The allocator of all frames.
  public let frames: FrameAllocator
  /// The latencies the kernel charges.
  public let costs: CostModel
  /// Cycles of kernel work so far; a machine adds them to its clock.
  public private(set) var chargedCycles: Cycles = 0
  /// The frame of zeros that reads of untouched anonymous memory see.
  package let zeroFrame: UInt64
  /// A PML4 with the kernel's half and nothing else: what a core has loaded while no process runs.
  package let kernelRoot: UInt64
  /// Tables of the kernel's half, the root included.
  public let kernelTablePages: Int
  /// PML4 entries 256...511 that are present: from 256 on.
  private let kernelEntryCount: Int
  /// Transparent huge pages.
  var huge = HugePages()
  /// Called when an area that may have huge pages is used for the first time, and later now and then.
  var onHugePageCandidate: () -> Void = {}
  /// Huge pages set aside at the start: of 2 MiB, of 1 GiB.
  private(set) var pools: [HugePool]
  /// Paging structures of all processes now, and the most there ever were.
  public internal(set) var tablePages = 0 {
    didSet { if tablePages > peakTablePages { peakTablePages = tablePages } }
  }
  /// The most there ever were.
  public private(set) var peakTablePages = 0
  /// Open files that areas show; index 0 is none.
  var sources: [OpenFile?] = [nil]
  private var freeSources: [UInt32] = []
  /// All regular files there are, on every file system.
  private(set) var inodes: [Inode?] = []
  private var freeInodes: [Int] = []
  /// Dirty pages of files.
  let writeback = Writeback()
  /// Frames in the page cache.
  var cachedFrames: UInt64 = 0
  /// Open file descriptions.
  public internal(set) var openFiles = 0

  /// Internal fragmentation: bytes by which lengths asked of mmap were rounded up to whole
  /// pages.
  public internal(set) var roundedBytes: UInt64 = 0
  /// Where private memory goes when frames are short; nil: nowhere.
  var swap: SwapArea?
  /// Pages it has room for; 0 while it is off.
  var swapPages: UInt64 { swap.map { $0.isOn ? $0.capacity : 0 } ?? 0 }
  /// What chooses pages then.
  var policy: any ReclaimPolicy = ReclaimPolicyKind.twoList.make(seed: 0)
  /// How much rather anonymous memory goes than files: 0 to 200, Linux's vm.swappiness.
  var swappiness: UInt64 = 60
  /// Pages of swap that are read at once at most, as a power of two: Linux's vm.page-cluster.
  var pageCluster: UInt64 = 3
  /// What reclaim has done.
  public internal(set) var reclaimCounters = ReclaimCounters()
  /// Pages freed and looked at by reclaim so far.
  var freedByReclaim: UInt64 = 0
  var scannedByReclaim: UInt64 = 0
  /// By kind: what its pages have cost lately, see `noteCost`.
  var reclaimCosts: [UInt64] = [0, 0]
  /// Pages that have gone or become active so far: the clock of refaults.
  var evictions: UInt32 = 0
  var activatedFileBefore: UInt64 = 0
  /// Faults to come that do not try to reclaim, since the last tries found nothing; and how many those were.
  var reclaimBackoff: UInt64 = 0
  var failedReclaims: UInt64 = 0
  /// Time lost to a lack of memory.
  var stall = MemoryStall()
  /// Pages written to the disk by reclaim that nobody has been charged for, and cycles of such writing for
  /// the disk alone.
  var pagesForDisk: UInt64 = 0
  var diskWork: Cycles = 0

  /// Pages read from the disk, written to it, and made dirty, so far.
  var readPages: UInt64 = 0
  var writtenPages: UInt64 = 0
  var dirtiedPages: UInt64 = 0
  /// Cycles of waiting for the disk that nobody has waited yet.
  var diskWait: Cycles = 0
  private var targets: [MMU] = []
  private var usesContexts = true
  /// XD, or nothing while EFER.NXE = 0 makes it a reserved bit.
  private(set) var noExecute = PageTableEntry.executeDisable.rawValue
  private var freeContexts: [UInt16] = []
  private var nextContext: UInt16 = 1
  /// Who has each PCID.
  private var contextOwners: [AddressSpace?] = [nil]
  private var oldestContext: UInt16 = 0
  /// Address spaces alive, in no order.
  var spaces: [AddressSpace] = []
  /// The families they belong to, by number.
  var families: [AddressSpaceFamily?] = []
  var freeFamilies: [UInt32] = []
  var lastAnonymousIdentity: UInt32 = 0
  /// What programs have been promised.
  let promises = MemoryPromises()
  /// Kills a process for a fault that finds no frame; true if it is worth another attempt.
  var killForMemory: (MemoryRequest) -> Bool = { _ in false }

  /// Where the kernel's half shows physical address 0: everything from here on is a direct map.
  public static let directMap: UInt64 = 0xffff_8000_0000_0000

  /// Takes charge of all of `memory` and maps it in the kernel's half.
  ///
  /// - Precondition: the memory is at least 64 KiB and nobody else has written it.
  public init(_ memory: PhysicalMemory, costs: CostModel = CostModel()) {
    precondition(memory.frameCount >= 16, "the kernel needs at least 64 KiB of RAM")
    self.memory = memory
    self.costs = costs
    frames = FrameAllocator(memory)
    var builder = DirectMapBuilder(frames: frames, memory: memory)
    kernelRoot = builder.build()
    kernelEntryCount = builder.rootEntries
    kernelTablePages = builder.tables
    zeroFrame = frames.take(.kernel, zeroed: true)
    precondition(zeroFrame != 0, "RAM is too small for the kernel's own tables")
    promises.userReserve = min(frames.available / 32, MemoryPromises.largestUserReserve)
    pools = [HugePool(.size2M, pages: 0, frames), HugePool(.size1G, pages: 0, frames)]
  }

  /// Sets huge pages aside, as many as there are; before anything else is mapped.
  func setAside(_ count2M: UInt64, _ count1G: UInt64) {
    let large = HugePool(.size1G, pages: count1G, frames)
    pools = [HugePool(.size2M, pages: count2M, frames), large]
  }

  /// The huge pages of a size.
  func pool(_ size: PageSize) -> HugePool { pools[size == .size1G ? 1 : 0] }

  // MARK: Time

  /// Adds cycles of kernel work.
  @inline(__always)
  public func charge(_ cycles: Cycles) { chargedCycles &+= cycles }

  // MARK: Invalidations

  /// Makes an MMU hear of all invalidations from now on.
  public func attach(_ mmu: MMU) {
    usesContexts = mmu.controls.processContexts
    if !mmu.controls.executeDisable && noExecute != 0 {
      // XD is a reserved bit then; nothing else is mapped yet but the kernel's half.
      precondition(spaces.isEmpty, "all cores have the same EFER.NXE")
      noExecute = 0
      DirectMapBuilder(frames: frames, memory: memory).clearExecuteDisable(root: kernelRoot)
    }
    targets.append(mmu)
    loadKernelRoot(on: mmu)
  }

  /// Delivers an invalidation to every MMU that may hold the translations.
  ///
  /// PCID 0 tags nothing but the kernel's own tables while contexts are in use: an address space that
  /// has none is cached nowhere.
  public func deliver(_ scope: InvalidationScope) {
    if usesContexts {
      switch scope {
      case .address(_, let pcid) where pcid.rawValue == 0: return
      case .context(let pcid) where pcid.rawValue == 0: return
      default: break
      }
    }
    for mmu in targets { mmu.invalidate(scope) }
  }

  /// Loads CR3 with the tables of the kernel alone.
  func loadKernelRoot(on mmu: MMU) { loadRoot(kernelRoot << 12, pcid: 0, on: mmu) }

  /// MOV CR3, keeping the context's translations if contexts are in use.
  func loadRoot(_ root: UInt64, pcid: UInt16, on mmu: MMU) {
    let value = usesContexts ? root | UInt64(pcid) | 1 << 63 : root
    do {
      try mmu.writeControlRegister3(value)
    } catch {
      preconditionFailure("CR3 = \(String(value, radix: 16)) was refused: RAM beyond MAXPHYADDR?")
    }
  }

  /// Leaves the tables at `root` on every core that has them loaded: they are about to go.
  func leave(root: UInt64) {
    for mmu in targets where mmu.controlRegister3 & ~0xfff == root { loadKernelRoot(on: mmu) }
  }

  // MARK: Contexts

  /// Gives an address space a PCID: a free one, or if all 4,095 are taken that of the one that has
  /// had its own for the longest time, whose translations are dropped.
  ///
  /// Nothing to do while CR4.PCIDE = 0.
  func giveContext(to space: AddressSpace) {
    if !usesContexts { return }
    var context = freeContexts.popLast() ?? 0
    if context == 0 && nextContext <= 4095 {
      context = nextContext
      nextContext += 1
      contextOwners.append(nil)
    }
    while context == 0 {
      oldestContext = oldestContext % 4095 + 1
      let root = contextOwners[Int(oldestContext)]?.root.rawValue
      if targets.contains(where: { $0.controlRegister3 & ~0xfff == root }) { continue }
      context = oldestContext
      deliver(.context(PCID(context)))
      contextOwners[Int(context)]?.pcid = PCID(0)
    }
    contextOwners[Int(context)] = space
    space.pcid = PCID(context)
  }

  /// Takes back a PCID whose translations have been dropped.
  func returnContext(of space: AddressSpace) {
    let context = space.pcid.rawValue
    if context == 0 { return }
    contextOwners[Int(context)] = nil
    freeContexts.append(context)
    space.pcid = PCID(0)
  }

  /// Puts the kernel's half into a new PML4.
  func shareKernelHalf(with root: UnsafeMutablePointer<UInt64>) {
    let own = table(kernelRoot)
    for i in 256..<256 + kernelEntryCount { root[i] = own[i] }
  }

  /// The entries of a table, for reading; a writer calls `memory.willWrite` first.
  @inline(__always)
  func table(_ frame: UInt64) -> UnsafeMutablePointer<UInt64> {
    (memory.base + Int(frame &<< 12)).assumingMemoryBound(to: UInt64.self)
  }

  // MARK: Files

  /// Counts one more area of an address space that shows an open file; 0 is none.
  func retainSource(_ source: UInt32, by space: AddressSpace) {
    guard source != 0, let file = sources[Int(source)] else { return }
    file.areas += 1
    file.hold()
    file.inode?.changeAreas(of: space, by: 1)
  }

  /// Counts one area less.
  func releaseSource(_ source: UInt32, by space: AddressSpace) {
    guard source != 0, let file = sources[Int(source)] else { return }
    file.areas -= 1
    if file.areas == 0 {
      file.source = 0
      sources[Int(source)] = nil
      freeSources.append(source)
    }
    file.inode?.changeAreas(of: space, by: -1)
    file.release()
  }

  /// The index by which areas name an open file.
  ///
  /// - Precondition: the caller makes an area of it, or forgets the index.
  func source(of file: OpenFile) -> UInt32 {
    if file.source != 0 { return file.source }
    let index = freeSources.popLast() ?? UInt32(sources.count)
    if index == sources.count { sources.append(nil) }
    sources[Int(index)] = file
    file.source = index
    return index
  }

  /// Forgets the index of a file of which no area was made after all.
  func dropSource(_ file: OpenFile) {
    if file.areas > 0 || file.source == 0 { return }
    sources[Int(file.source)] = nil
    freeSources.append(file.source)
    file.source = 0
  }

  /// Notes a file that can have pages.
  func register(_ inode: Inode) -> Int {
    if let free = freeInodes.popLast() {
      inodes[free] = inode
      return free
    }
    inodes.append(inode)
    return inodes.count - 1
  }

  /// Forgets a file that is no more.
  func unregister(_ slot: Int) {
    inodes[slot] = nil
    freeInodes.append(slot)
  }

  /// Whether frames may be taken for what is only a favour.
  var hasSpareFrames: Bool {
    !frames.lists.isShort && frames.available > max(64, frames.watermarks.low)
  }

  /// Lets the clock stand for a request to the disk; the kernel decides who waits.
  func waitForDisk(pages: UInt64) {
    diskWait &+= costs.diskRequest &+ pages &* costs.diskPage
  }

  /// A number no other run of anonymous pages has.
  func newAnonymousIdentity() -> UInt32 {
    lastAnonymousIdentity &+= 1
    return lastAnonymousIdentity
  }
}

/// Builds the kernel's half: all RAM, supervisor-only, global, writable, never executable, by the
/// largest leaves that fit.
///
/// A few tables even for hundreds of GiB.
struct DirectMapBuilder {
  let frames: FrameAllocator
  let memory: PhysicalMemory
  var tables = 0
  var rootEntries = 0

  init(frames: FrameAllocator, memory: PhysicalMemory) {
    self.frames = frames
    self.memory = memory
  }

  private static let leaf: UInt64 =
    PageTableEntry.present.rawValue | PageTableEntry.writable.rawValue
    | PageTableEntry.accessed.rawValue | PageTableEntry.dirty.rawValue
    | PageTableEntry.global.rawValue | PageTableEntry.executeDisable.rawValue
  private static let branch: UInt64 =
    PageTableEntry.present.rawValue | PageTableEntry.writable.rawValue
    | PageTableEntry.accessed.rawValue

  /// Makes the tables and returns the PML4's frame.
  mutating func build() -> UInt64 {
    let root = newTable()
    var address: UInt64 = 0
    while address < memory.bytes {
      entries(root)[256 + Int(address >> 39)] = fill(.pdpt, from: address) << 12 | Self.branch
      rootEntries += 1
      address += 1 << 39
    }
    return root
  }

  private mutating func newTable() -> UInt64 {
    let frame = frames.take(.kernel, zeroed: true)
    precondition(frame != 0, "RAM is too small for the kernel's own tables")
    tables += 1
    return frame
  }

  private func entries(_ frame: UInt64) -> UnsafeMutablePointer<UInt64> {
    (memory.base + Int(frame << 12)).assumingMemoryBound(to: UInt64.self)
  }

  /// Takes XD out of all leaves.
  func clearExecuteDisable(root: UInt64) {
    clear(.pml4, root)
  }

  private func clear(_ level: PagingLevel, _ frame: UInt64) {
    for i in (level == .pml4 ? 256 : 0)..<512 {
      let entry = entries(frame)[i]
      if entry & 1 == 0 { continue }
      if level == .pt || entry & PageTableEntry.largePage.rawValue != 0 {
        entries(frame)[i] = entry & ~PageTableEntry.executeDisable.rawValue
      } else {
        clear(
          PagingLevel(rawValue: level.rawValue + 1)!,
          (entry & PageTableEntry.addressMask) >> 12)
      }
    }
  }

  /// A table of `level` that maps RAM from `start` on.
  private mutating func fill(_ level: PagingLevel, from start: UInt64) -> UInt64 {
    let frame = newTable()
    let step: UInt64 = 1 << level.shift
    var address = start
    for i in 0..<512 where address < memory.bytes {
      if memory.bytes - address >= step {
        let large = level == .pt ? 0 : PageTableEntry.largePage.rawValue
        entries(frame)[i] = address | Self.leaf | large
      } else {
        let lower = fill(PagingLevel(rawValue: level.rawValue + 1)!, from: address)
        entries(frame)[i] = lower << 12 | Self.branch
      }
      address += step
    }
    return frame
  }
}
