// Process groups and sessions, and what a process is called by.

extension Kernel {
  /// setpgid, as far as kill and wait need it.
  func setProcessGroup(_ process: Process, _ target: UInt64, _ group: UInt64) throws(Errno)
    -> UInt64
  {
    let pid = Int32(truncatingIfNeeded: target)
    let group = Int32(truncatingIfNeeded: group)
    if group < 0 { throw .invalid }
    var subject = process
    if pid != 0 && pid != process.pid {
      guard let child = process.children.first(where: { $0.pid == pid }) else { throw .noProcess }
      subject = child
    }
    if subject.session != process.session || subject.session == subject.pid {
      throw .notPermitted
    }
    let new = group == 0 ? subject.pid : group
    if new != subject.pid
      && !processes.contains(where: {
        processTable[$0.pid] === $0 && $0.processGroup == new && $0.session == process.session
      })
    {
      throw .notPermitted
    }
    subject.processGroup = new
    return 0
  }

  /// The process a number stands for; 0 is the caller.
  func named(_ number: UInt64, _ process: Process) throws(Errno) -> Process {
    let pid = Int32(truncatingIfNeeded: number)
    if pid == 0 { return process }
    guard let found = processTable[pid] ?? threadTable[pid]?.process else { throw .noProcess }
    return found
  }

  /// setsid.
  func setSession(_ process: Process) throws(Errno) -> UInt64 {
    if processes.contains(where: {
      processTable[$0.pid] === $0 && $0.processGroup == process.pid
    }) {
      throw .notPermitted
    }
    process.session = process.pid
    process.processGroup = process.pid
    return UInt64(process.pid)
  }
}
