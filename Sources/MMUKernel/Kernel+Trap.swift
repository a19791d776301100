import MMUMemory
public import MMUPaging
public import MMUTiming

extension Kernel {
  /// Lets the current process run on a core: loads CR3, and registers for its first instruction.
  ///
  /// - Precondition: a program was started and has not run yet.
  public func enter(_ frame: inout TrapFrame, on mmu: MMU) {
    guard let process = current, let space = process.space, let context = firstContext else {
      preconditionFailure("no program was started")
    }
    for i in 0..<32 { frame.registers[i] = 0 }
    frame.registers[2] = context.stackPointer
    frame.programCounter = context.entry
    space.activate(on: mmu)
    firstContext = nil
    // The clock begins with what starting the program took.
    resumedAt = system.chargedCycles &+ mmu.cycles
    process.systemCycles = resumedAt
  }

  /// Handles a trap of the current process.
  ///
  /// - Parameters:
  ///   - trap: why the core stopped.
  ///   - frame: its registers, which the result may have changed.
  ///   - mmu: its MMU, through which the kernel reaches the program's memory.
  ///   - now: the clock at the trap.
  public func handle(
    _ trap: Trap, frame: inout TrapFrame, mmu: MMU, now: Cycles
  ) -> TrapResult {
    guard let process = current, let space = process.space else {
      return .ended(retiresSystemCall: false)
    }
    self.mmu = mmu
    trapTime = now
    accountedFrom = now
    chargedAtTrap = system.chargedCycles
    translatedAtTrap = mmu.cycles
    process.userCycles &+= now &- resumedAt
    var result: TrapResult
    switch trap {
    case .environmentCall:
      system.charge(system.costs.systemCallEntry)
      loopCount = 0
      result = systemCall(process, &frame)
      if system.diskWait != 0 { waitForDisk() }
    case .fault(.pageFault(let fault)):
      system.charge(system.costs.exceptionEntry)
      result = pageFault(fault, process, space, &frame)
    case .timer:
      system.charge(system.costs.exceptionEntry)
      result = .resume
      needsAttention = true
    default:
      system.charge(system.costs.exceptionEntry)
      loopCount = 0
      result = exception(trap, process, frame)
    }
    let finished = self.now(mmu)
    if needsAttention || finished >= nextDeadline { return leave(result, &frame) }
    process.systemCycles &+= finished &- accountedFrom
    resumedAt = finished
    if case .idle(let until) = result { resumedAt = max(resumedAt, until) }
    return result
  }

  /// Ends a trap after which more is to be done than to go on.
  @inline(never)
  private func leave(_ result: TrapResult, _ frame: inout TrapFrame) -> TrapResult {
    let result = settle(result, &frame)
    chargeCurrent()
    resumedAt = now
    if case .idle(let until) = result { resumedAt = max(resumedAt, until) }
    return result
  }

  /// A page fault of the program itself.
  @inline(__always)
  private func pageFault(
    _ fault: PageFault, _ process: Process, _ space: AddressSpace, _ frame: inout TrapFrame
  ) -> TrapResult {
    let address = fault.address.rawValue
    if address == loopAddress && frame.programCounter == loopCounter {
      loopCount &+= 1
    } else {
      loopAddress = address
      loopCounter = frame.programCounter
      loopCount = 1
    }
    if loopCount > configuration.faultLoopLimit {
      let information = SignalInformation(.segmentationFault, .kernel, address: address)
      return kill(process, information, fault, frame, because: .faultLoop(loopCount))
    }
    let isDamaged = fault.errorCode.contains(.reservedBit)
    if pageFaultHandler == nil && !isDamaged {
      let resolution = space.resolveFault(address, fault.access.bits)
      if resolution.isResolved {
        process.countResolved(resolution)
        // It may have gone again before the program had it: that is no loop.
        if resolution.isMajor { loopCount = 0 }
        if system.diskWait != 0 { waitForDisk() }
        return .resume
      }
      return end(
        resolution.outcome(address: address), process, fault, frame, resolution: resolution)
    }
    let outcome =
      isDamaged
      ? FaultResolution.damagedEntry.outcome(address: address) : custom(fault, frame, space)
    return end(outcome, process, fault, frame, resolution: isDamaged ? .damagedEntry : nil)
  }

  /// Makes the current thread wait until the disk has done what was asked of it; others run.
  @inline(never)
  func waitForDisk() {
    let wait = system.diskWait
    let isStall = system.stall.isCause
    system.diskWait = 0
    system.stall.isCause = false
    guard let thread = currentThread, thread.state == .ready else { return }
    if isStall {
      thread.isStalled = true
      system.stall.begin(now)
    }
    block(on: nil, until: now &+ wait, .device, interruptible: false)
  }

  /// Asks the user's own handler.
  @inline(never)
  func custom(_ fault: PageFault, _ frame: TrapFrame, _ space: AddressSpace) -> FaultOutcome {
    guard let pageFaultHandler else { preconditionFailure("no handler") }
    var services = KernelServices(space)
    system.charge(system.costs.faultHandling)
    return pageFaultHandler.handle(fault, frame: frame, services: &services)
  }

  /// Carries out an outcome that is not the ordinary one.
  @inline(never)
  private func end(
    _ outcome: FaultOutcome, _ process: Process, _ fault: PageFault, _ frame: TrapFrame,
    resolution: FaultResolution?
  ) -> TrapResult {
    switch outcome {
    case .resume:
      process.minorFaults &+= 1
      return .resume
    case .wait(.device(let cycles)):
      process.majorFaults &+= 1
      if ready.isEmpty && sleepers.isEmpty { return .idle(until: now &+ cycles) }
      block(on: nil, until: now &+ cycles, .device, interruptible: false)
      return .resume
    case .signal(let information):
      process.signalFaults &+= 1
      if force(information) { return .resume }
      return kill(
        process, information, fault, frame,
        because: resolution.map { .unresolved($0) } ?? .handler)
    case .outOfMemory: return makeRoom(process, fault, frame, isAsked: resolution != nil)
    }
  }

  /// No frame for a fault: somebody else is killed, so that it can be tried again, or the process
  /// itself, or the run ends.
  ///
  /// - Parameter isAsked: the kernel's own handler has asked the OOM killer already.
  private func makeRoom(
    _ process: Process, _ fault: PageFault, _ frame: TrapFrame, isAsked: Bool
  ) -> TrapResult {
    if !isAsked && makeRoom(for: fault) { return .resume }
    if panic != nil { return .ended(retiresSystemCall: false) }
    return kill(
      process, SignalInformation(.kill, .kernel), fault, frame, because: .outOfMemory)
  }

  /// A trap that is neither a system call nor a page fault.
  private func exception(_ trap: Trap, _ process: Process, _ frame: TrapFrame) -> TrapResult {
    let pc = frame.programCounter
    let information: SignalInformation
    let cause: DeathCause
    switch trap {
    case .breakpoint:
      information = SignalInformation(.trap, .breakpoint, address: pc)
      cause = .breakpoint
    case .illegalInstruction(let word):
      information = SignalInformation(.illegalInstruction, .illegalOpcode, address: pc)
      cause = .illegal(word)
    case .misalignedFetch(let target):
      information = SignalInformation(.busError, .misaligned, address: target)
      cause = .misalignedFetch(target)
    case .misalignedAtomic(let address):
      information = SignalInformation(.busError, .misaligned, address: address)
      cause = .misalignedAtomic(address)
    case .fault(.generalProtection(let address)):
      process.signalFaults &+= 1
      information = SignalInformation(.segmentationFault, .notMapped, address: address)
      cause = .notCanonical(address)
    case .fault(.busError(let place)):
      process.signalFaults &+= 1
      information = SignalInformation(.busError, .noMemoryThere)
      cause = .beyondRAM(place.rawValue)
    case .environmentCall, .timer, .fault(.pageFault): preconditionFailure("handled elsewhere")
    }
    if force(information) { return .resume }
    return kill(process, information, nil, frame, because: cause)
  }

  /// Kills the process by a signal nobody handles, and says why.
  func kill(
    _ process: Process, _ information: SignalInformation, _ fault: PageFault?,
    _ frame: TrapFrame, because cause: DeathCause, retiresSystemCall: Bool = false
  ) -> TrapResult {
    if trace != nil, let currentThread { traceSignal(information, to: currentThread) }
    tellStory(process, information, fault, frame, cause)
    terminate(process, .killed(information.signal))
    return .ended(retiresSystemCall: retiresSystemCall)
  }
}

extension Kernel {
  /// Says why a process is killed.
  func tellStory(
    _ process: Process, _ information: SignalInformation, _ fault: PageFault?,
    _ frame: TrapFrame, _ cause: DeathCause
  ) {
    tell(story(process, information, fault, frame, cause), of: process)
  }

  /// Tells the story of a process's end; no more than a hundred, but for the first process's.
  func tell(_ text: @autoclosure () -> String, of process: Process) {
    storyCount += 1
    if storyCount <= 100 || process === processes.first { say(.story, text()) }
    if storyCount == 100 { say(.limit, "further processes killed by signals are not explained") }
  }
}

/// What a story has to explain.
enum DeathCause {
  case unresolved(FaultResolution)
  case handler
  case faultLoop(Int)
  case outOfMemory
  case breakpoint
  case illegal(UInt32)
  case misalignedFetch(UInt64)
  case misalignedAtomic(UInt64)
  case notCanonical(UInt64)
  case beyondRAM(UInt64)
  case inSystemCall(String)
  /// Another process, or itself, sent it.
  case sent
  /// The frame of this signal did not fit onto the stack.
  case noSignalStack(Signal)
}
