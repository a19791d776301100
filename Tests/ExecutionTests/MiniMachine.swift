import MMUExecution
import MMUMemory
import MMUPaging
import RISCV

/// A core with just enough around it to run a program made of words: page tables filled on demand,
/// and traps answered from a seeded generator, so that two runs of one program meet the same answers.
final class MiniMachine {
  static let code: UInt64 = 0x10_000
  static let data: UInt64 = 0x4_0000_0000
  static let dataPages: UInt64 = 96
  /// A page for code written at run time.
  static let written: UInt64 = 0x12_000

  let memory = PhysicalMemory(bytes: 8 << 20)
  let mmu: MMU
  let core: Core
  private var nextFrame: UInt64 = 8
  private var traps: UInt64
  private(set) var log: [String] = []
  private let root: UInt64 = 4 << 12

  init(
    _ program: [UInt32], engine: EngineKind, configuration: MMUConfiguration = MMUConfiguration(),
    seed: UInt64 = 1
  ) {
    mmu = MMU(memory: memory, configuration: configuration)
    core = Core(memory: memory, mmu: mmu, engine: engine)
    traps = seed
    loadContext(flags: 0)
    for (i, word) in program.enumerated() {
      let address = Self.code + UInt64(i) * 4
      let frame = map(address, flags: 0x7)
      let place = PhysicalAddress(frame + (address & 0xfff))
      withUnsafeBytes(of: word.littleEndian) { bytes in
        do throws(BusError) {
          try memory.write(bytes, at: place)
        } catch {
          preconditionFailure("the program is too large")
        }
      }
    }
    map(Self.written, flags: 7)
    core.programCounter = Self.code
  }

  func loadContext(flags: UInt64) {
    do throws(GeneralProtection) {
      try mmu.writeControlRegister3(root | flags)
    } catch {
      preconditionFailure("CR3 refused")
    }
  }

  private func word(_ place: UInt64) -> UnsafeMutablePointer<UInt64> {
    (memory.base + Int(place)).assumingMemoryBound(to: UInt64.self)
  }

  /// Maps the page of `address` if it is not; the physical address of its frame.
  @discardableResult
  func map(_ address: UInt64, flags: UInt64) -> UInt64 {
    var table = root
    for level in PagingLevel.allCases {
      let entry = word(table + level.index(address) * 8)
      if entry.pointee & 1 == 0 {
        entry.pointee = nextFrame << 12 | (level == .pt ? flags : 7)
        nextFrame += 1
      }
      table = entry.pointee & PageTableEntry.addressMask
    }
    return table
  }

  /// The leaf entry of a mapped page.
  func leaf(_ address: UInt64) -> UnsafeMutablePointer<UInt64>? {
    var table = root
    for level in PagingLevel.allCases {
      let entry = word(table + level.index(address) * 8)
      if entry.pointee & 1 == 0 { return nil }
      if level == .pt { return entry }
      table = entry.pointee & PageTableEntry.addressMask
    }
    return nil
  }

  private func random() -> UInt64 { SplitMix.next(&traps) }

  /// Answers a trap; whatever is not a missing page of the data area skips the instruction.
  func answer(_ reason: StopReason) {
    switch reason {
    case .fault(.pageFault(let fault)):
      let address = fault.address.rawValue
      let inData = address >= Self.data && address < Self.data + Self.dataPages << 12
      if inData, leaf(address) == nil {
        // A and D are sometimes left for the processor to set.
        map(address, flags: random() % 2 == 0 ? 0x67 : 0x7)
        core.charge(700)
        return
      }
      if inData, let entry = leaf(address), entry.pointee & 2 == 0 {
        entry.pointee |= 2
        return
      }
      core.programCounter &+= 4
    case .environmentCall:
      core.retireEnvironmentCall()
      core.charge(100)
      disturb()
      core.programCounter &+= 4
    case .misalignedFetch, .misalignedAtomic, .breakpoint, .illegalInstruction, .fault:
      core.programCounter &+= 4
    default: break
    }
    // A program that ran away comes back.
    let pc = core.programCounter
    if case .illegalInstruction = reason, pc >= Self.written {
      core.programCounter = core.registers[1] & ~3
    } else if pc < Self.code || pc >= Self.code + 0x3000 || pc & 3 != 0 {
      core.programCounter = Self.code
    }
  }

  /// What a kernel might do meanwhile: invalidations, protection, writes of its own, other contexts.
  private func disturb() {
    let address = Self.data + (random() % Self.dataPages) << 12
    switch random() % 10 {
    case 0: mmu.invalidatePage(address)
    case 1: loadContext(flags: 0)
    case 2: loadContext(flags: 1 | 1 << 63)
    case 3: loadContext(flags: 1)
    case 4:
      if let entry = leaf(address) {
        entry.pointee &= ~2
        mmu.invalidatePage(address)
      }
    case 5:
      if let entry = leaf(address) {
        entry.pointee &= ~0x60  // Without an invalidation: the TLB may be stale.
      }
    case 6:
      mmu.setAlignmentCheck(true)
      _ = try? mmu.translate(linear: address, for: Access(.write, .supervisor))
      mmu.setAlignmentCheck(false)
    case 7: mmu.invalidate(.all)
    case 8:
      // The kernel writes into the code's frame.
      let frame = FrameNumber(map(Self.code, flags: 7) >> 12)
      memory.willWrite(frame)
    default: break
    }
  }

  /// Everything that must be equal at equal marks.
  var snapshot: String {
    var text = "pc \(core.programCounter) \(core.counters) cycles \(core.cycles)"
    for i in 0..<32 { text += " x\(i)=\(core.registers[i])" }
    let counters = mmu.counters
    for counter in MMUCounter.allCases
    where counter != .instructionTranslations && counter != .dataTranslations {
      text += " \(counter)=\(counters[counter, .user])+\(counters[counter, .supervisor])"
    }
    return text
  }

  /// A hash over all frames in use.
  var memoryHash: UInt64 {
    var hash: UInt64 = 14_695_981_039_346_656_037
    for i in 0..<Int(nextFrame * 512) {
      hash = (hash ^ word(UInt64(i) * 8).pointee) &* 1_099_511_628_211
    }
    return hash
  }
}
