import MMUMemory
import MMUPaging
import TestSupport

// Random page tables in a few frames, random addresses into them, random geometries: what the model
// checks share.

/// Tables in the first frames of RAM: 3 PML4s, 3 PDPTs, 5 PDs and 8 PTs, linked at random.
struct RandomTables {
  static let frames: [[UInt64]] = [[1, 2, 3], [4, 5, 6], [7, 8, 9, 10, 11], Array(12...19)]
  static let ram: UInt64 = 32 * 4096
  /// The table indices in use, by level.
  static let indices: [[UInt64]] = [
    [0, 255, 256, 511], [0, 1, 77], [0, 5, 511], [0, 1, 2, 3, 4, 12, 24, 64, 511],
  ]

  /// Leaves point to frames of RAM where their size allows it.
  var leavesInRAM = false

  func address(_ dice: inout Dice) -> UInt64 {
    var address: UInt64 = 0
    for level in 0..<4 {
      address |= dice.pick(Self.indices[level]) << UInt64(39 - 9 * level)
    }
    address |= dice.next() % 512 * 8
    return VirtualAddress(truncating: address).rawValue
  }

  func entry(_ level: Int, _ dice: inout Dice) -> UInt64 {
    if dice.chance(2) { return dice.next() & ~1 }
    var entry: UInt64 = 1
    if dice.chance(95) { entry |= 2 }
    if dice.chance(96) { entry |= 4 }
    if dice.chance(50) { entry |= 0x20 }
    if dice.chance(40) { entry |= 0x40 }
    if dice.chance(25) { entry |= 0x100 }
    if dice.chance(3) { entry |= 1 << 63 }
    if dice.chance(20) { entry |= dice.next() & 0x7ff0_0000_0000_0e18 }
    if dice.chance(1) { entry |= dice.next() & 0xf_ff00_0000_0080 }
    let leaf = level == 3 || (level == 2 && dice.chance(35)) || (level == 1 && dice.chance(20))
    if leaf {
      let bits = UInt64(39 - 9 * level)
      let within = leavesInRAM ? Self.ram - 1 : 0xff_ffff_ffff
      entry |= ((dice.next() & within) >> bits) << bits
      if level < 3 { entry |= 0x80 }
    } else if dice.chance(1) {
      entry |= 0x70_0000_0000
    } else {
      entry |= dice.pick(Self.frames[level + 1]) << 12
    }
    return entry
  }

  /// A random entry's place and new value.
  func edit(_ dice: inout Dice) -> (place: UInt64, value: UInt64) {
    let level = dice.pick([0, 1, 2, 2, 3, 3, 3, 3])
    let place = dice.pick(Self.frames[level]) << 12 + dice.pick(Self.indices[level]) * 8
    return (place, entry(level, &dice))
  }

  func fill(_ memories: [PhysicalMemory], _ dice: inout Dice) {
    for level in 0..<4 {
      for frame in Self.frames[level] {
        for index in Self.indices[level] {
          let value = entry(level, &dice)
          for memory in memories {
            try! memory.store(value, at: PhysicalAddress(frame << 12 + index * 8))
          }
        }
      }
    }
  }
}

/// Geometries of all kinds: every policy, sets that are no power of two, wide ones, arrays
/// that hold several sizes or none.
func randomGeometry(_ dice: inout Dice) -> MMUConfiguration {
  let policies: [Replacement] = [.lru, .lru, .treePLRU, .fifo, .random]
  func geometry() -> CacheGeometry {
    switch dice.below(6) {
    case 0: return CacheGeometry(entries: 1 + dice.below(6), replacement: dice.pick(policies))
    case 1: return CacheGeometry(entries: 18 + dice.below(10), replacement: dice.pick(policies))
    default:
      let ways = 1 + dice.below(5)
      return CacheGeometry(
        entries: ways * (1 + dice.below(5)), ways: ways, replacement: dice.pick(policies))
    }
  }
  func arrays() -> [TLBArray] {
    switch dice.below(5) {
    case 0: return [TLBArray([.size4K, .size2M, .size1G], geometry())]
    case 1: return [TLBArray([.size1G], geometry()), TLBArray([.size2M, .size4K], geometry())]
    case 2: return [TLBArray([.size4K], geometry())]
    default:
      return [
        TLBArray([.size4K], geometry()), TLBArray([.size2M], geometry()),
        TLBArray([.size1G], geometry()),
      ]
    }
  }
  var configuration = MMUConfiguration()
  configuration.instructionTLB = arrays()
  configuration.dataTLB = arrays()
  configuration.secondTLB = dice.chance(10) ? [] : arrays()
  configuration.pml4eCache = dice.chance(20) ? nil : geometry()
  configuration.pdpteCache = dice.chance(20) ? nil : geometry()
  configuration.pdeCache = dice.chance(20) ? nil : geometry()
  configuration.controls.executeDisable = !dice.chance(15)
  configuration.controls.protectionKeys = dice.chance(30)
  configuration.controls.supervisorAccessPrevention = dice.chance(30)
  configuration.controls.supervisorExecutionPrevention = dice.chance(30)
  return configuration
}

func randomAccess(_ dice: inout Dice) -> Access {
  Access(dice.pick([.read, .read, .write, .write, .fetch]), dice.chance(75) ? .user : .supervisor)
}

/// A difference between two counter arrays, by name; nil if there is none.
func firstDifference(
  _ mine: MMUCounters, _ other: [UInt64], except skipped: Set<MMUCounter> = []
) -> String? {
  if mine.values == other { return nil }
  let n = MMUCounter.allCases.count
  for i in 0..<2 * n where mine.values[i] != other[i] {
    let counter = MMUCounter.allCases[i % n]
    if skipped.contains(counter) { continue }
    return "\(i < n ? "user" : "supervisor") \(counter.name): \(mine.values[i]), not \(other[i])"
  }
  return nil
}
