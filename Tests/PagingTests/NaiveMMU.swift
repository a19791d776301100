import MMUMemory
import MMUPaging
import MMUTiming
import TestSupport

// A second implementation of Spec/Paging.md, as naive as can be: arrays of structs, linear search,
// every rule written out again from the document. It shares no function with the MMU; only the names
// of registers, counters and geometries.

/// What a translation comes to.
enum NaiveOutcome: Equatable {
  case physical(UInt64)
  case pageFault(UInt64)
  case generalProtection
  case busError(UInt64)
}

/// A cached translation, or a cached upper entry.
struct NaiveEntry: Equatable {
  var number: UInt64
  var size: PageSize
  var pcid: UInt64
  var global: Bool
  /// The page's (or the next table's) physical address.
  var base: UInt64
  var writable: Bool
  var user: Bool
  var executeDisable: Bool
  var key: UInt64 = 0
  var dirty = false
}

/// A set-associative array of entries.
final class NaiveCache {
  struct Way {
    var entry: NaiveEntry?
    var time = 0
  }
  let replacement: Replacement
  let ways: Int
  var sets: [[Way]]
  /// For each set, the tree-PLRU choices made so far: a range of ways to "the victim is on the right".
  var victimIsRight: [[Range<Int>: Bool]]
  var now = 0
  var random: Dice

  init(_ geometry: CacheGeometry, _ seeds: inout Dice) {
    random = Dice(seeds.next())
    replacement = geometry.replacement
    ways = geometry.ways
    sets = Array(repeating: Array(repeating: Way(), count: ways), count: geometry.sets)
    victimIsRight = Array(repeating: [:], count: geometry.sets)
  }

  func set(_ number: UInt64) -> Int { Int(number % UInt64(sets.count)) }

  func find(_ number: UInt64, _ size: PageSize, _ pcid: UInt64) -> (set: Int, way: Int)? {
    let set = set(number)
    for way in 0..<ways {
      if let e = sets[set][way].entry, e.number == number, e.size == size,
        e.global || e.pcid == pcid
      {
        return (set, way)
      }
    }
    return nil
  }

  func touch(_ place: (set: Int, way: Int)) {
    now += 1
    if replacement == .lru { sets[place.set][place.way].time = now }
    if replacement == .treePLRU {
      var range = 0..<ways
      while range.count > 1 {
        let (left, right) = halves(range)
        victimIsRight[place.set][range] = left.contains(place.way)
        range = left.contains(place.way) ? left : right
      }
    }
  }

  private func halves(_ range: Range<Int>) -> (Range<Int>, Range<Int>) {
    let middle = range.lowerBound + (range.count + 1) / 2
    return (range.lowerBound..<middle, middle..<range.upperBound)
  }

  /// Returns whether a live entry had to go.
  func fill(_ entry: NaiveEntry) -> Bool {
    let set = set(entry.number)
    let way = victim(set)
    let evicts = sets[set][way].entry != nil
    now += 1
    sets[set][way] = Way(entry: entry, time: now)
    if replacement == .treePLRU { touch((set, way)) }
    return evicts
  }

  private func victim(_ set: Int) -> Int {
    for way in 0..<ways where sets[set][way].entry == nil { return way }
    if replacement == .treePLRU {
      var range = 0..<ways
      while range.count > 1 {
        let (left, right) = halves(range)
        range = victimIsRight[set][range] == true ? right : left
      }
      return range.lowerBound
    }
    if replacement == .random { return Int(random.next() % UInt64(ways)) }
    var oldest = 0
    for way in 0..<ways where sets[set][way].time < sets[set][oldest].time { oldest = way }
    return oldest
  }

  func drop(where condition: (NaiveEntry) -> Bool) {
    for set in sets.indices {
      for way in 0..<ways {
        if let e = sets[set][way].entry, condition(e) { sets[set][way].entry = nil }
      }
    }
  }
}

struct NaiveTLB {
  var arrays: [(sizes: [PageSize], cache: NaiveCache)]

  init(_ configuration: [TLBArray], _ seeds: inout Dice) {
    arrays = []
    for array in configuration {
      arrays.append((array.sizes, NaiveCache(array.geometry, &seeds)))
    }
  }

  func cache(_ size: PageSize) -> NaiveCache? { arrays.first { $0.sizes.contains(size) }?.cache }

  /// Smallest page first.
  func find(_ address: UInt64, _ pcid: UInt64) -> (NaiveCache, (set: Int, way: Int))? {
    for size in [PageSize.size4K, .size2M, .size1G] {
      guard let cache = cache(size) else { continue }
      if let place = cache.find(naiveNumber(address, size), size, pcid) { return (cache, place) }
    }
    return nil
  }

  func drop(where condition: (NaiveEntry) -> Bool) {
    for array in arrays { array.cache.drop(where: condition) }
  }
}

/// The page number of the 48-bit address.
func naiveNumber(_ address: UInt64, _ size: PageSize) -> UInt64 {
  (address % (1 << 48)) / size.bytes
}

/// The whole of it.
final class NaiveMMU {
  let memory: PhysicalMemory
  let costs = CostModel()
  var controls: PagingControls
  var root: UInt64 = 0
  var lowCR3: UInt64 = 0
  var cr2: UInt64 = 0
  var itlb: NaiveTLB
  var dtlb: NaiveTLB
  var stlb: NaiveTLB
  /// Of PML4 entries, PDPT entries and PD entries.
  var structures: [NaiveCache?]
  /// User counters, then supervisor ones.
  var counters = [UInt64](repeating: 0, count: 2 * MMUCounter.allCases.count)

  init(memory: PhysicalMemory, configuration: MMUConfiguration, seed: UInt64) {
    self.memory = memory
    var seeds = Dice(seed)
    controls = configuration.controls
    itlb = NaiveTLB(configuration.instructionTLB, &seeds)
    dtlb = NaiveTLB(configuration.dataTLB, &seeds)
    stlb = NaiveTLB(configuration.secondTLB, &seeds)
    structures = []
    for cache in [configuration.pml4eCache, configuration.pdpteCache, configuration.pdeCache] {
      structures.append(cache.map { NaiveCache($0, &seeds) })
    }
  }

  var pcid: UInt64 { controls.processContexts ? lowCR3 : 0 }

  func count(_ counter: MMUCounter, _ mode: Access.Mode, _ amount: UInt64 = 1) {
    counters[counter.rawValue + (mode == .user ? 0 : MMUCounter.allCases.count)] += amount
  }

  func of(_ counters: [MMUCounter], _ size: PageSize) -> MMUCounter {
    counters[Int(size.rawValue)]
  }

  // Accesses.

  func translate(_ address: UInt64, _ access: Access) -> NaiveOutcome {
    guard address < 1 << 47 || address >= 0xffff_8000_0000_0000 else { return .generalProtection }
    let mode = access.mode
    let isFetch = access.kind == .fetch
    count(isFetch ? .instructionTranslations : .dataTranslations, mode)
    if let (cache, place) = (isFetch ? itlb : dtlb).find(address, pcid) {
      let entry = cache.sets[place.set][place.way].entry!
      if let code = refusal(entry, access) { return raise(address, code, mode) }
      if access.kind == .write && !entry.dirty {
        return assist(address, access, cache, place, isSecond: false)
      }
      cache.touch(place)
      return .physical(entry.base + address % entry.size.bytes)
    }
    count(isFetch ? .itlbMisses : .dtlbMisses, mode)
    count(.stlbLookups, mode)
    if let (cache, place) = stlb.find(address, pcid) {
      let entry = cache.sets[place.set][place.way].entry!
      count(of([.stlbHits4K, .stlbHits2M, .stlbHits1G], entry.size), mode)
      count(.cycles, mode, costs.stlbHit)
      if let code = refusal(entry, access) { return raise(address, code, mode) }
      if access.kind == .write && !entry.dirty {
        return assist(address, access, cache, place, isSecond: true)
      }
      cache.touch(place)
      fillFirst(entry, access)
      return .physical(entry.base + address % entry.size.bytes)
    }
    count(.stlbMisses, mode)
    count(.walks, mode)
    var spent = costs.walkStart
    let found = walk(address, access, counted: true, &spent)
    count(.cycles, mode, spent)
    count(.walkCycles, mode, spent)
    switch found {
    case .success(let entry):
      count(of([.walks4K, .walks2M, .walks1G], entry.size), mode)
      fillSecond(entry, mode)
      fillFirst(entry, access)
      return .physical(entry.base + address % entry.size.bytes)
    case .failure(let stop):
      count(.faultedWalks, mode)
      return end(stop, address, mode)
    }
  }

  struct Stop: Error {
    var outcome: NaiveOutcome
  }

  private func end(_ stop: Stop, _ address: UInt64, _ mode: Access.Mode) -> NaiveOutcome {
    if case .pageFault(let code) = stop.outcome { return raise(address, code, mode) }
    return stop.outcome
  }

  private func raise(_ address: UInt64, _ code: UInt64, _ mode: Access.Mode) -> NaiveOutcome {
    count(.pageFaults, mode)
    cr2 = address
    for tlb in [itlb, dtlb, stlb] { drop(tlb, address, pcid, andGlobal: true) }
    dropStructures(address, pcid)
    return .pageFault(code)
  }

  /// A write through an entry whose D is clear.
  private func assist(
    _ address: UInt64, _ access: Access, _ cache: NaiveCache, _ place: (set: Int, way: Int),
    isSecond: Bool
  ) -> NaiveOutcome {
    let old = cache.sets[place.set][place.way].entry!
    var spent: UInt64 = 0
    let found = walk(address, access, counted: false, &spent)
    count(.cycles, access.mode, spent)
    switch found {
    case .failure(let stop): return end(stop, address, access.mode)
    case .success(let new):
      if new.size == old.size && new.base == old.base {
        func renewed(_ entry: NaiveEntry) -> NaiveEntry {
          var result = new
          result.pcid = entry.pcid
          result.global = entry.global
          return result
        }
        if let second = stlb.cache(new.size), let there = second.find(new.number, new.size, pcid) {
          second.sets[there.set][there.way].entry =
            renewed(second.sets[there.set][there.way].entry!)
        }
        cache.sets[place.set][place.way].entry = renewed(old)
        cache.touch(place)
        if isSecond { fillFirst(renewed(old), access) }
      } else {
        drop(dtlb, address, pcid, andGlobal: true)
        drop(stlb, address, pcid, andGlobal: true)
        fillSecond(new, access.mode)
        fillFirst(new, access)
      }
      return .physical(new.base + address % new.size.bytes)
    }
  }

  private func fillSecond(_ entry: NaiveEntry, _ mode: Access.Mode) {
    guard let cache = stlb.cache(entry.size) else { return }
    count(.stlbFills, mode)
    if cache.fill(entry) { count(.stlbEvictions, mode) }
  }

  private func fillFirst(_ entry: NaiveEntry, _ access: Access) {
    let isFetch = access.kind == .fetch
    guard let cache = (isFetch ? itlb : dtlb).cache(entry.size) else { return }
    count(
      isFetch
        ? of([.itlbFills4K, .itlbFills2M, .itlbFills1G], entry.size)
        : of([.dtlbFills4K, .dtlbFills2M, .dtlbFills1G], entry.size), access.mode)
    if cache.fill(entry) { count(isFetch ? .itlbEvictions : .dtlbEvictions, access.mode) }
  }

  // The walk.

  private func walk(
    _ address: UInt64, _ access: Access, counted: Bool, _ spent: inout UInt64
  ) -> Result<NaiveEntry, Stop> {
    var level = 0
    var table = root
    var user = true
    var writable = true
    var executeDisable = false
    if counted {
      for deepest in [2, 1, 0] {
        guard let cache = structures[deepest],
          let place = cache.find(structureNumber(address, deepest), .size4K, pcid)
        else { continue }
        cache.touch(place)
        count([.hitsPML4E, .hitsPDPTE, .hitsPDE][deepest], access.mode)
        let entry = cache.sets[place.set][place.way].entry!
        (user, writable, executeDisable) = (entry.user, entry.writable, entry.executeDisable)
        (table, level) = (entry.base, deepest + 1)
        break
      }
    }
    while true {
      let place = table + (address >> UInt64(39 - 9 * level)) % 512 * 8
      spent += costs.entryRead
      if counted {
        count([.readsPML4E, .readsPDPTE, .readsPDE, .readsPTE][level], access.mode)
      }
      guard let entry = try? memory.load(PhysicalAddress(place)) else {
        return .failure(Stop(outcome: .busError(place)))
      }
      let has = { (bit: UInt64) in entry >> bit & 1 == 1 }
      if !has(0) { return .failure(Stop(outcome: .pageFault(accessBits(access)))) }
      if isReserved(entry, level) {
        return .failure(Stop(outcome: .pageFault(accessBits(access) + 1 + 8)))
      }
      user = user && has(2)
      writable = writable && has(1)
      executeDisable = executeDisable || has(63)
      let next = entry & 0xf_ffff_ffff_f000
      if level < 3 && (level == 0 || !has(7)) {
        set(5, at: place, .assistsAccessed, access.mode, &spent)
        if counted, let cache = structures[level] {
          count(.structureFills, access.mode)
          let cached = NaiveEntry(
            number: structureNumber(address, level), size: .size4K, pcid: pcid, global: false,
            base: next, writable: writable, user: user, executeDisable: executeDisable)
          if cache.fill(cached) { count(.structureEvictions, access.mode) }
        }
        table = next
        level += 1
        continue
      }
      let size: PageSize = level == 3 ? .size4K : level == 2 ? .size2M : .size1G
      var result = NaiveEntry(
        number: naiveNumber(address, size), size: size, pcid: pcid,
        global: has(8) && controls.globalPages, base: next - next % size.bytes,
        writable: writable, user: user, executeDisable: executeDisable, key: entry >> 59 % 16,
        dirty: has(6))
      if let code = refusal(result, access) {
        return .failure(Stop(outcome: .pageFault(code)))
      }
      set(5, at: place, .assistsAccessed, access.mode, &spent)
      if access.kind == .write {
        set(6, at: place, .assistsDirty, access.mode, &spent)
        result.dirty = true
      }
      return .success(result)
    }
  }

  private func set(
    _ bit: UInt64, at place: UInt64, _ counter: MMUCounter, _ mode: Access.Mode,
    _ spent: inout UInt64
  ) {
    let entry = try! memory.load(PhysicalAddress(place))
    if entry >> bit & 1 == 1 { return }
    try! memory.store(entry | 1 << bit, at: PhysicalAddress(place))
    count(counter, mode)
    spent += costs.assist
  }

  private func structureNumber(_ address: UInt64, _ level: Int) -> UInt64 {
    (address % (1 << 48)) >> UInt64(39 - 9 * level)
  }

  private func isReserved(_ entry: UInt64, _ level: Int) -> Bool {
    let large = entry >> 7 & 1 == 1
    var mask: UInt64 = 0
    for bit in controls.physicalAddressBits..<52 { mask += 1 << bit }
    if !controls.executeDisable { mask += 1 << 63 }
    if level == 0 { mask += 1 << 7 }
    if level == 1 && large { for bit: UInt64 in 13...29 { mask += 1 << bit } }
    if level == 2 && large { for bit: UInt64 in 13...20 { mask += 1 << bit } }
    return entry & mask != 0
  }

  private func accessBits(_ access: Access) -> UInt64 {
    var code: UInt64 = access.mode == .user ? 4 : 0
    if access.kind == .write { code += 2 }
    if access.kind == .fetch
      && (controls.executeDisable || controls.supervisorExecutionPrevention)
    {
      code += 16
    }
    return code
  }

  /// The error code if the access is refused.
  private func refusal(_ e: NaiveEntry, _ access: Access) -> UInt64? {
    let write = access.kind == .write
    var refused = false
    switch (access.mode, access.kind) {
    case (.user, .fetch): refused = !e.user || e.executeDisable
    case (.user, _): refused = !e.user || (write && !e.writable)
    case (.supervisor, .fetch):
      refused = e.executeDisable || (e.user && controls.supervisorExecutionPrevention)
    case (.supervisor, _):
      refused =
        (e.user && controls.supervisorAccessPrevention && !controls.alignmentCheck)
        || (write && !e.writable && controls.writeProtect)
    }
    var byKey = false
    if controls.protectionKeys && e.user && access.kind != .fetch {
      let two = controls.pkru >> UInt32(2 * e.key) & 3
      byKey =
        two & 1 == 1
        || (write && two & 2 == 2 && (access.mode == .user || controls.writeProtect))
    }
    if !refused && !byKey { return nil }
    return accessBits(access) + 1 + (byKey ? 32 : 0)
  }

  // Registers and invalidations.

  private func drop(_ tlb: NaiveTLB, _ address: UInt64, _ pcid: UInt64, andGlobal: Bool) {
    tlb.drop {
      $0.number == naiveNumber(address, $0.size)
        && ($0.global ? andGlobal : $0.pcid == pcid)
    }
  }

  private func dropStructures(_ address: UInt64, _ pcid: UInt64) {
    for level in 0..<3 {
      structures[level]?.drop {
        $0.number == structureNumber(address, level) && $0.pcid == pcid
      }
    }
  }

  private func dropContext(_ pcid: UInt64) {
    for tlb in [itlb, dtlb, stlb] { tlb.drop { !$0.global && $0.pcid == pcid } }
    for cache in structures { cache?.drop { $0.pcid == pcid } }
  }

  private func dropEverything() {
    for tlb in [itlb, dtlb, stlb] { tlb.drop { _ in true } }
    for cache in structures { cache?.drop { _ in true } }
  }

  private func charge(_ cycles: UInt64) { count(.cycles, .supervisor, cycles) }

  func writeControlRegister3(_ value: UInt64) -> Bool {
    let keep = value >> 63 == 1
    let rest = value % (1 << 63)
    if rest >= 1 << controls.physicalAddressBits || (keep && !controls.processContexts) {
      return false
    }
    lowCR3 = rest % 4096
    root = rest - lowCR3
    charge(costs.invalidateMany)
    if !keep {
      count(.flushCR3, .supervisor)
      dropContext(pcid)
    }
    return true
  }

  func writeControlRegister4(_ value: UInt64) -> Bool {
    let old = controls
    if value >> 17 & 1 == 1 && !old.processContexts && lowCR3 != 0 { return false }
    let oldPCID = pcid
    controls.globalPages = value >> 7 & 1 == 1
    controls.processContexts = value >> 17 & 1 == 1
    controls.supervisorExecutionPrevention = value >> 20 & 1 == 1
    controls.supervisorAccessPrevention = value >> 21 & 1 == 1
    controls.protectionKeys = value >> 22 & 1 == 1
    if controls.globalPages != old.globalPages
      || (old.processContexts && !controls.processContexts)
    {
      count(.flushAll, .supervisor)
      charge(costs.invalidateMany)
      dropEverything()
    } else if controls.supervisorExecutionPrevention && !old.supervisorExecutionPrevention {
      count(.flushAll, .supervisor)
      charge(costs.invalidateMany)
      dropContext(oldPCID)
      for tlb in [itlb, dtlb, stlb] { tlb.drop { $0.global } }
    }
    return true
  }

  func invalidatePage(_ address: UInt64) {
    charge(costs.invalidatePage)
    guard address < 1 << 47 || address >= 0xffff_8000_0000_0000 else { return }
    count(.flushPage, .supervisor)
    for tlb in [itlb, dtlb, stlb] { drop(tlb, address, pcid, andGlobal: true) }
    for cache in structures { cache?.drop { $0.pcid == pcid } }
  }

  func invalidateProcessContext(type: UInt64, descriptor: UInt64, address: UInt64) -> Bool {
    if type > 3 || descriptor >= 4096 { return false }
    if type == 0 && address >= 1 << 47 && address < 0xffff_8000_0000_0000 { return false }
    if type <= 1 && !controls.processContexts && descriptor != 0 { return false }
    charge(type == 0 ? costs.invalidatePage : costs.invalidateMany)
    switch type {
    case 0:
      count(.flushPage, .supervisor)
      for tlb in [itlb, dtlb, stlb] { drop(tlb, address, descriptor, andGlobal: false) }
      dropStructures(address, descriptor)
    case 1:
      count(.flushPCID, .supervisor)
      dropContext(descriptor)
    case 2:
      count(.flushAll, .supervisor)
      dropEverything()
    default:
      count(.flushAll, .supervisor)
      for tlb in [itlb, dtlb, stlb] { tlb.drop { !$0.global } }
      for cache in structures { cache?.drop { _ in true } }
    }
    return true
  }
}
