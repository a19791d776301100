public import MMUMemory
public import MMUPaging
public import MMUTiming
import RISCV

/// Why a run of the core ended.
public enum StopReason: Equatable, Sendable {
  /// The instruction or cycle mark was reached.
  case mark
  /// Somebody raised the interrupt flag.
  case interrupted
  /// ECALL; not retired yet.
  case environmentCall
  /// EBREAK.
  case breakpoint
  /// No instruction, or one that user mode may not execute.
  case illegalInstruction(UInt32)
  /// A jump or a taken branch to an address that is no multiple of 4; the jump has not retired.
  case misalignedFetch(target: UInt64)
  /// An atomic at an address that is no multiple of its size.
  case misalignedAtomic(address: UInt64)
  /// A fetch, load or store that could not be translated, or lies beyond RAM.
  case fault(TranslationFault)
  /// The program opened (true) or closed its region of interest; the hint has retired.
  case regionHint(Bool)
  /// An address of `stops` is about to be executed.
  case arrived(UInt64)
}

/// How far a run may go: it stops before the first instruction at which either has been reached.
public struct RunMark: Equatable, Sendable {
  /// `Core.instructions` to stop at.
  public var instructions: UInt64
  /// `Core.cycles` to stop at.
  public var cycles: Cycles

  /// Makes a mark; without arguments there is none.
  public init(instructions: UInt64 = .max, cycles: Cycles = .max) {
    self.instructions = instructions
    self.cycles = cycles
  }
}

/// One user-mode RV64IMA core with its MMU: registers, counters and the engine that runs it.
///
///     let core = Core(memory: memory, mmu: mmu)
///     core.programCounter = entry
///     let reason = core.run(until: RunMark(instructions: 1_000))
public final class Core {
  /// The memory it runs in.
  public let memory: PhysicalMemory
  /// The MMU all its accesses go through.
  public let mmu: MMU
  package let state: UnsafeMutablePointer<CoreState>
  /// Addresses at which a run stops before executing; see `StopReason.arrived`.
  public var stops: [UInt64] = [] {
    didSet { fast?.dropDecodedPages() }
  }
  /// Polled between slices; not zero ends the run as `interrupted`.
  public var interruptFlag: UnsafeMutablePointer<Int32>?
  /// Which engine runs.
  public let engineKind: EngineKind
  /// Sees every page of the program's data accesses as they retire.
  ///
  /// A run with an observer is the reference engine's, with the same results.
  public var onDataAccess: ((PageNumber, _ isWrite: Bool) -> Void)?
  private let reference = ReferenceEngine()
  package private(set) var fast: FastEngine?

  /// Makes a core with zero registers.
  ///
  /// - Parameters:
  ///   - memory: the machine's RAM.
  ///   - mmu: an MMU over the same memory.
  ///   - engine: which engine runs it; results do not depend on it.
  ///   - costs: the base cost of each class of instructions.
  public init(
    memory: PhysicalMemory, mmu: MMU, engine: EngineKind = .fast, costs: CostModel = CostModel()
  ) {
    self.memory = memory
    self.mmu = mmu
    engineKind = engine
    let table = UnsafeMutablePointer<UInt64>.allocate(capacity: Opcode.allCases.count)
    for opcode in Opcode.allCases {
      table[Int(opcode.rawValue)] = costs.base(of: opcode.instructionClass)
    }
    state = .allocate(capacity: 1)
    state.initialize(
      to: CoreState(
        mmu: mmu.state, context: mmu.state.pointee.context,
        memory: Unmanaged.passUnretained(memory), watch: memory.watch,
        hasStaleCode: memory.hasStaleCode, base: memory.base,
        ramBytes: memory.bytes, costs: table,
        dearest: Opcode.allCases.reduce(0) { max($0, table[Int($1.rawValue)]) },
        // Three translations, each with a walk, a dirty assist's walk and all flags to set.
        accessReserve: 3
          * (costs.stlbHit + costs.walkStart + 8 * costs.entryRead + 10 * costs.assist)))
    if engine == .fast { fast = FastEngine(self) }
  }

  deinit {
    state.pointee.costs.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// x0...x31: 32 words, of which the first must stay zero.
  public var registers: UnsafeMutablePointer<UInt64> {
    state.pointee.context.assumingMemoryBound(to: UInt64.self)
  }

  /// The address of the next instruction.
  public var programCounter: UInt64 {
    get { state.pointee.programCounter }
    set { state.pointee.programCounter = newValue }
  }

  /// Instructions retired.
  public var instructions: UInt64 { state.pointee.retired }

  /// The clock: base costs, the MMU's cycles and what `charge` added.
  public var cycles: Cycles { state.pointee.cycles }

  /// Adds cycles spent outside: the kernel's, the devices'.
  public func charge(_ cycles: Cycles) { state.pointee.outsideCycles &+= cycles }

  /// Retires the ECALL the core stands at, once its system call is complete.
  public func retireEnvironmentCall() {
    state.pointee.retired &+= 1
    state.pointee.baseCycles &+= state.pointee.costs[Int(Opcode.ecall.rawValue)]
  }

  /// Notes an ECALL whose system call will be restarted.
  public func restartEnvironmentCall() { state.pointee.fetchedNotRetired &+= 1 }

  /// Ends LR's reservation: whoever takes the core away from a program does.
  public func clearReservation() { state.pointee.reservation = .max }

  /// Runs until a mark, or until something else must act.
  ///
  /// - Parameter passing: executes an instruction at a stop that it stands at, instead of arriving
  ///   there again.
  public func run(until mark: RunMark = RunMark(), passing: Bool = false) -> StopReason {
    if let onDataAccess {
      return RecordingEngine(onDataAccess).run(self, until: mark, passing: passing)
    }
    if let fast { return fast.run(self, until: mark, passing: passing) }
    return reference.run(self, until: mark, passing: passing)
  }

  /// Runs by the reference engine, whatever the core was made with: results are the same.
  package func runByReference(until mark: RunMark) -> StopReason {
    reference.run(self, until: mark, passing: false)
  }

  /// Counts of the core itself; those of the MMU are in `mmu.counters`.
  public var counters: CoreCounters { CoreCounters(state.pointee) }
}

/// Which engine runs a core; results are the same.
public enum EngineKind: String, CaseIterable, Sendable {
  /// Threaded code with the filter in front of the TLB.
  case fast
  /// One modelled lookup for each access.
  case reference
}

/// What a core counts by itself.
public struct CoreCounters: Hashable, Sendable {
  /// Instructions retired.
  public var instructions: UInt64
  /// Loads retired, LR not included.
  public var loads: UInt64
  /// Stores retired, SC not included.
  public var stores: UInt64
  /// LR, SC and AMO retired.
  public var atomics: UInt64
  /// Lookups of the instruction TLB.
  public var instructionLookups: UInt64
  /// Lookups of the data TLB by user-mode accesses.
  public var dataLookups: UInt64
  /// Base cycles of the retired instructions.
  public var baseCycles: Cycles

  init(_ state: CoreState) {
    instructions = state.retired
    loads = state.loads
    stores = state.stores
    atomics = state.atomics
    instructionLookups = state.retired &+ state.fetchedNotRetired &+ state.faultedFetches
    dataLookups = state.loads &+ state.stores &+ state.atomics &+ state.extraDataLookups
    baseCycles = state.baseCycles
  }
}

extension CostModel {
  /// The base cost of a class of instructions.
  func base(of kind: InstructionClass) -> Cycles {
    switch kind {
    case .alu: alu
    case .multiply: multiply
    case .divide: divide
    case .load: load
    case .store: store
    case .branch: branch
    case .jump: jump
    case .atomic: atomic
    case .system: system
    case .fence: fence
    }
  }
}
