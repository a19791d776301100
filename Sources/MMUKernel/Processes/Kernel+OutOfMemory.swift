import MMUMemory
import MMUPaging
import MMUTiming

// Out of memory: who has to give its memory to the others. The rules are those of Linux's
// mm/oom_kill.c. It is called for pages of programs only; a system call that finds no frame for a
// table or for the page cache fails instead.

/// A page that was wanted when there was no frame.
struct MemoryRequest {
  var address: UInt64
  var kind: Access.Kind
  /// Where; that of the current process, or of a program that it is about to become.
  var space: AddressSpace
}

extension MemoryRequest {
  /// The request of an access given as `Access.bits`.
  init(address: UInt64, _ access: UInt64, space: AddressSpace) {
    let kind: Access.Kind = access & 16 != 0 ? .fetch : access & 2 != 0 ? .write : .read
    self.init(address: address, kind: kind, space: space)
  }
}

extension Kernel {
  /// Finds frames for a fault of which a handler says that there are none.
  func makeRoom(for fault: PageFault) -> Bool {
    guard let space = current?.space else { return false }
    let request = MemoryRequest(
      address: fault.address.rawValue, kind: fault.access.kind, space: space)
    return system.reclaim() || killForMemory(request)
  }

  /// Frees memory for a fault that found no frame, even in the page cache: what a dying process still
  /// holds, or else that of the process chosen to die.
  ///
  /// The victim's memory is there at once, the rest of it ends when it is its turn to run, as with
  /// Linux's reaper: so a system call in progress sees no descriptor and no child vanish.
  /// - Returns: whether another attempt is worth it. If not, either the current process is dying
  ///   itself, or nobody can be killed and the run is over.
  func killForMemory(_ request: MemoryRequest) -> Bool {
    guard let process = current, !isRunOver else { return false }
    if process.isDying {
      // The call in progress fails, the process ends behind it.
      needsAttention = true
      return false
    }
    if let space = dyingSpace() {
      _ = takeMemory(of: space)
      return true
    }
    let head = outOfMemoryHead(process, request)
    guard let victim = chooseVictim(), let space = victim.space else {
      panic = head + "\nOut of memory and no killable processes: the run ends here"
      isRunOver = true
      needsAttention = true
      return false
    }
    memoryKills += 1
    let killed = processes.filter { $0.space === space }
    var report = head + "\n" + killLine(victim, space)
    for other in killed where other !== victim {
      report += "\nand with it process \(other.pid) (\(other.name)), which uses the same memory"
    }
    for process in killed { send(SignalInformation(.kill, .kernel), to: process) }
    needsAttention = true
    let isOwn = space === process.space
    report +=
      isOwn
      ? "\nfreed by its end, at once" : "\nfreed \(takeMemory(of: space) * 4) kB"
    tell(report, of: victim)
    return !isOwn
  }

  /// The memory of a process that is dying already but has not come to giving it back.
  private func dyingSpace() -> AddressSpace? {
    for process in processes where process.isDying {
      guard let space = process.space, !space.isSurrendered else { continue }
      if processes.allSatisfy({ $0.space !== space || $0.isDying }) { return space }
    }
    return nil
  }

  /// Takes all areas of processes that are about to end; how many frames that frees.
  ///
  /// - Precondition: the current process is none of them.
  private func takeMemory(of space: AddressSpace) -> UInt64 {
    let before = system.frames.available
    if let onExit {
      for process in processes where process.space === space { onExit(process) }
    }
    for process in processes where process.space === space { noteWorkingSet(of: process) }
    space.surrender()
    segments.discardDetached()
    return system.frames.available - before
  }

  /// The process with the most points; of several the youngest, as in Linux.
  private func chooseVictim() -> Process? {
    var chosen: Process?
    var most = Int64.min
    for process in processes {
      if let points = badness(of: process), points >= most {
        chosen = process
        most = points
      }
    }
    return chosen
  }

  /// Linux's oom_badness in pages: what its end would free, and a thousandth of the machine for each
  /// point of `oom_score_adj`; nil if it must not be killed.
  ///
  /// A vfork child is not chosen while it uses its parent's memory: the parent is.
  func badness(of process: Process) -> Int64? {
    guard let space = process.space, !space.isSurrendered,
      process.outOfMemoryAdjustment != Process.neverKilled,
      process.vforkWaiter == nil || process.parentProcess?.space !== space
    else { return nil }
    let pages =
      space.residentAnonymous + space.residentFile + space.swapEntries + UInt64(space.tablePages)
    return Int64(pages) + process.outOfMemoryAdjustment * Int64(system.totalPages / 1000)
  }

  /// What /proc/PID/oom_score shows: badness on a scale on which 2000 is the whole machine with the
  /// highest adjustment.
  func outOfMemoryScore(of process: Process) -> Int64 {
    guard let points = badness(of: process) else { return 0 }
    return (1000 + points * 1000 / Int64(system.totalPages)) * 2 / 3
  }

  /// /proc/PID/oom_score_adj: also that of the others that use the same memory.
  ///
  /// Linux asks for CAP_SYS_RESOURCE to go below what a privileged process has set; every program
  /// here is root, so it is never refused.
  /// - Throws: EINVAL unless the value is from -1000 to 1000.
  func setOutOfMemoryAdjustment(of process: Process, to value: Int64) throws(Errno) {
    guard (Process.neverKilled...1000).contains(value) else { throw .invalid }
    process.outOfMemoryAdjustment = value
    // A vfork child that is told so before exec means itself.
    guard process.vforkWaiter == nil, let space = process.space else { return }
    for other in processes where other.space === space { other.outOfMemoryAdjustment = value }
  }
}

extension Process {
  /// The `oom_score_adj` of processes that are not killed for memory.
  static var neverKilled: Int64 { -1000 }

  /// It ends, or SIGKILL is on its way.
  fileprivate var isDying: Bool { isEnding || threads.contains { $0.isKilled } }
}

extension AddressSpace {
  /// Gives up all areas with their pages and tables; only the PML4 is left.
  ///
  /// - Precondition: no program will run in it again.
  fileprivate func surrender() {
    isSurrendered = true
    do { try removeAreas(0, Self.userLimit) } catch {
      preconditionFailure("an area reaches out of the user half")
    }
  }
}

extension SystemMemory {
  /// RAM and swap in pages: what badness is measured by.
  var totalPages: UInt64 { memory.frameCount + swapPages }
}
