/// A whole machine: RAM, one core with its MMU, and the kernel.
///
///     let machine = try Machine(MachineConfiguration(), program: elf, host: MemoryHostIO())
///     let result = machine.run()
///     print(result.statistics.walks.count)
///
/// A machine runs one program once; make another for another run. Several may exist side by side.
public final class Machine {
  /// What it was made of.
  public let configuration: MachineConfiguration
  /// The bytes.
  public let memory: PhysicalMemory
  /// The core's MMU.
  public let mmu: MMU
  /// The core.
  public let core: Core
  /// The kernel.
  public let kernel: Kernel
  /// Not zero ends the run as interrupted, with status 128 + its value, the number of the signal
  /// that asks for it; polled between slices.
  public var interruptFlag: UnsafeMutablePointer<Int32>? {
    get { core.interruptFlag }
    set { core.interruptFlag = newValue }
  }

  /// Takes each story and warning when it arises; all of them stand in the result too.
  public var onMessage: ((KernelMessage) -> Void)?

  /// Looks at the processes of the run; set before it begins.
  public var observer: Observer?
  /// Every trap is followed by `SystemMemory.checkInvariants()`, the run by a search for leaks; what
  /// is broken ends the run with status 70.
  public var checksInvariants = false

  /// Sees every page of the programs' data accesses as they retire, with the process.
  ///
  /// The kernel's own copies are not among them. Counts are the same, the run is slower.
  public var onDataAccess: ((_ process: Int32, PageNumber, _ isWrite: Bool) -> Void)? {
    didSet {
      guard let onDataAccess else { return core.onDataAccess = nil }
      core.onDataAccess = { [unowned kernel] page, isWrite in
        onDataAccess(kernel.current?.pid ?? 0, page, isWrite)
      }
    }
  }

  private let image: ELFImage
  var pendingSights = PendingSights()
  /// The run is over: what still ends is ended from outside.
  private(set) var isFinishing = false
  private var result = RunResult()
  private var region: RegionOfInterest
  /// The process whose instructions are being counted, and up to where they have been.
  private var running: Process?
  private var instructionsCharged: UInt64 = 0
  private var seenSwitches: UInt64 = 0

  /// Puts a machine together and loads a program, of which no page is resident yet.
  ///
  /// - Parameters:
  ///   - configuration: valid, see `MachineConfiguration.validate()`.
  ///   - program: the ELF file.
  ///   - path: its name as the guest sees it, the first argument.
  ///   - arguments: the further ones.
  ///   - host: the guest's standard streams, and the directories it is given.
  ///   - pageFaultHandler: takes the place of the kernel's own.
  /// - Throws: why the program cannot be started.
  public init(
    _ configuration: MachineConfiguration = MachineConfiguration(), program: ELFImage,
    path: String = "program", arguments: [String] = [], host: any HostIO,
    pageFaultHandler: (any PageFaultHandler)? = nil
  ) throws(StartError) {
    self.configuration = configuration
    image = program
    memory = PhysicalMemory(bytes: configuration.ram)
    mmu = MMU(
      memory: memory, configuration: configuration.mmu, costs: configuration.costs,
      seed: configuration.seed)
    core = Core(
      memory: memory, mmu: mmu, engine: configuration.engine, costs: configuration.costs)
    var options = KernelConfiguration()
    options.seed = configuration.seed
    options.isAddressLayoutRandom = configuration.randomizesAddresses
    options.deniesWritableCode = !configuration.allowsWritableCode
    options.stackLimit = configuration.stackLimit
    options.quantum = configuration.quantum
    options.writebackInterval = configuration.writebackInterval
    options.dirtyExpiry = configuration.dirtyExpiry
    options.dirtyBackgroundPercent = configuration.dirtyBackgroundPercent
    options.dirtyPercent = configuration.dirtyPercent
    options.overcommit = configuration.overcommit
    options.overcommitRatio = configuration.overcommitRatio
    options.hugePages = configuration.hugePages
    options.collapse = configuration.collapse
    options.hugePool2M = configuration.hugePool2M
    options.hugePool1G = configuration.hugePool1G
    options.cyclesPerSecond = configuration.megahertz * 1_000_000
    options.pageFaultHandler = pageFaultHandler
    options.mounts = try configuration.mounts(from: host)
    try configuration.setPressure(in: &options, from: host)
    kernel = Kernel(
      memory: memory, configuration: options, costs: configuration.costs, host: host)
    region = RegionOfInterest(
      start: configuration.regionStart.flatMap { program.symbols.address(of: $0) },
      end: configuration.regionEnd.flatMap { program.symbols.address(of: $0) })
    kernel.attach(mmu)
    try kernel.start(
      ProgramImage(program), path: path, arguments: [path] + arguments,
      environment: configuration.environment)
    var frame = TrapFrame(registers: core.registers, programCounter: 0)
    kernel.enter(&frame, on: mmu)
    core.programCounter = frame.programCounter
    core.charge(kernel.chargedCycles)
    running = kernel.current
  }

  /// Where the core has to stop now.
  private var stops: [UInt64] { region.stops + pendingSights.stops }

  /// The address of a label of the program.
  func address(of label: String) -> UInt64? { image.symbols.address(of: label) }

  /// Runs the program to its end, or until a limit or the interrupt flag ends it.
  public func run() -> RunResult {
    kernel.messages = { [unowned self] in note($0) }
    for label in [configuration.regionStart, configuration.regionEnd] {
      if let label, image.symbols.address(of: label) == nil {
        note(KernelMessage(kind: .limit, text: "the program has no label '\(label)'"))
      }
    }
    prepareSights()
    core.stops = stops
    var mark = RunMark(
      instructions: configuration.maximumInstructions ?? .max,
      cycles: configuration.maximumCycles ?? .max)
    let maximumCycles = mark.cycles
    var passing = false
    // Instructions retired at the last arrival.
    var lastArrival: UInt64?
    while true {
      mark.cycles = min(maximumCycles, kernel.deadline, pendingSights.cycle)
      let reason = core.run(until: mark, passing: passing)
      passing = false
      switch reason {
      case .mark:
        if core.cycles >= pendingSights.cycle {
          pendingSights.cycle = .max
          show(.cycle)
        }
        if core.instructions >= mark.instructions || core.cycles >= maximumCycles {
          return finish(Statistics.Exit(status: 75, reason: .limit))
        }
        // A stop only to look is none for the program.
        if core.cycles < kernel.deadline { continue }
        if let exit = trap(.timer) { return finish(exit) }
      case .interrupted:
        let signal = interruptFlag?.pointee ?? 2
        return finish(Statistics.Exit(status: 128 &+ signal, reason: .interrupt))
      case .regionHint(let begins):
        chargeInstructions()
        region.hint(begins, statistics)
      case .arrived(let address):
        // An instruction that faulted and is tried again has been arrived at before.
        if lastArrival != core.instructions {
          chargeInstructions()
          region.arrive(at: address, statistics)
          if address == pendingSights.address {
            pendingSights.address = nil
            show(.label(observer?.label ?? ""))
          }
          core.stops = stops
          lastArrival = core.instructions
        }
        passing = true
      case .environmentCall: if let exit = trap(.environmentCall) { return finish(exit) }
      case .breakpoint: if let exit = trap(.breakpoint) { return finish(exit) }
      case .illegalInstruction(let word):
        if let exit = trap(.illegalInstruction(word)) { return finish(exit) }
      case .misalignedFetch(let target):
        if let exit = trap(.misalignedFetch(target: target)) { return finish(exit) }
      case .misalignedAtomic(let address):
        if let exit = trap(.misalignedAtomic(address: address)) { return finish(exit) }
      case .fault(let fault): if let exit = trap(.fault(fault)) { return finish(exit) }
      }
    }
  }

  /// Keeps a message for the result, and passes it on at once.
  private func note(_ message: KernelMessage) {
    if message.kind == .story {
      result.stories.append(message.text)
    } else {
      result.messages.append(message.text)
    }
    onMessage?(message)
  }

  /// Lets the kernel handle a trap; how the run ends, if it does.
  @inline(__always)
  private func trap(_ trap: Trap) -> Statistics.Exit? {
    var frame = TrapFrame(registers: core.registers, programCounter: core.programCounter)
    let before = kernel.chargedCycles
    let outcome = kernel.handle(trap, frame: &frame, mmu: mmu, now: core.cycles)
    core.charge(kernel.chargedCycles &- before)
    core.programCounter = frame.programCounter
    defer { if kernel.contextSwitches != seenSwitches { noteSwitch() } }
    if checksInvariants, let problem = kernel.system.checkInvariants() {
      return broken(problem)
    }
    switch outcome {
    case .resume: return nil
    case .systemCallCompleted:
      core.retireEnvironmentCall()
      return nil
    case .systemCallRestarts:
      core.restartEnvironmentCall()
      return nil
    case .idle(let until):
      if until > core.cycles { core.charge(until - core.cycles) }
      return nil
    case .ended(let retires):
      if retires {
        core.retireEnvironmentCall()
      } else if trap == .environmentCall {
        core.restartEnvironmentCall()
      }
      return exit
    }
  }

  /// Ends a run in which something of ours is wrong.
  @inline(never)
  private func broken(_ problem: String) -> Statistics.Exit {
    result.brokenInvariant = problem
    return Statistics.Exit(status: 70, reason: .invariant)
  }

  /// Another thread has the core now.
  @inline(never)
  private func noteSwitch() {
    seenSwitches = kernel.contextSwitches
    core.clearReservation()
    chargeInstructions()
    running = kernel.current
  }

  /// Gives the instructions retired since the last switch to the process that ran.
  private func chargeInstructions() {
    running?.instructions &+= core.instructions &- instructionsCharged
    instructionsCharged = core.instructions
  }

  /// How the first process ended.
  private var exit: Statistics.Exit {
    if let panic = kernel.panic {
      for line in panic.split(separator: "\n") {
        note(KernelMessage(kind: .limit, text: String(line)))
      }
      return Statistics.Exit(status: 75, reason: .outOfMemory)
    }
    guard let status = kernel.exitStatus else {
      guard let deadlock = kernel.deadlock else {
        preconditionFailure("the kernel ended a run whose first process is alive")
      }
      note(KernelMessage(kind: .limit, text: deadlock))
      return Statistics.Exit(status: 75, reason: .deadlock)
    }
    switch status {
    case .exited: return Statistics.Exit(status: status.shellStatus, reason: .exit)
    case .killed(let signal):
      return Statistics.Exit(
        status: status.shellStatus, signal: signal.rawValue, reason: .signal)
    }
  }

  private func finish(_ exit: Statistics.Exit) -> RunResult {
    isFinishing = true
    chargeInstructions()
    var all = statistics
    var exit = exit
    // Broken books are left alone.
    if exit.reason != .invariant {
      // What the end of the others costs is nobody's; how they end is in their rows.
      kernel.shutDown()
      if checksInvariants, let problem = kernel.leak ?? kernel.system.checkInvariants() {
        exit = broken(problem)
      }
    }
    let ended = processes
    for i in all.processes.indices {
      all.processes[i].status = ended[i].status
      all.processes[i].sharedPages = ended[i].sharedPages
      all.processes[i].workingSetPages = ended[i].workingSetPages
    }
    result.statistics = region.result(all)
    result.retiredInstructions = all.instructions
    result.statistics.exit = exit
    if let warning = region.warning { note(KernelMessage(kind: .limit, text: warning)) }
    return result
  }
}
