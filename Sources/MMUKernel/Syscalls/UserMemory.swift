import MMUMemory
import MMUPaging
import MMUTiming

// The only way the kernel touches a program's memory: through the MMU, in supervisor mode with AC
// set, one translation for each page touched. A fault on the way is handled as one of the program's
// own, so a buffer may be untouched memory, and a transfer may end half-way.

extension Kernel {
  /// Linux's access_ok: the whole range lies in the user half.
  @inline(__always)
  func isUserRange(_ address: UInt64, _ count: UInt64) -> Bool {
    address <= AddressSpace.userLimit && count <= AddressSpace.userLimit &- address
  }

  /// Copies from the program; returns how many bytes could be had.
  func copyIn(_ address: UInt64, _ count: Int, to target: UnsafeMutableRawPointer) -> Int {
    transfer(address, count, target, toUser: false)
  }

  /// Copies to the program; returns how many bytes could be put.
  func copyOut(_ source: UnsafeRawPointer, _ count: Int, to address: UInt64) -> Int {
    transfer(address, count, UnsafeMutableRawPointer(mutating: source), toUser: true)
  }

  /// Copies words to the program.
  ///
  /// - Throws: EFAULT unless all of them could be put.
  func copyOut(words: [UInt64], to address: UInt64) throws(Errno) {
    let count = words.count * 8
    guard isUserRange(address, UInt64(count)) else { throw .badAddress }
    let done = words.withUnsafeBytes { copyOut($0.baseAddress!, count, to: address) }
    if done != count { throw .badAddress }
  }

  private func transfer(
    _ address: UInt64, _ count: Int, _ host: UnsafeMutableRawPointer, toUser: Bool
  ) -> Int {
    guard let mmu, count > 0, isUserRange(address, UInt64(count)) else { return 0 }
    let access: UInt64 = toUser ? 2 : 0
    // With CR0.WP = 0 the processor would let the kernel write read-only pages, the zero page too.
    let verifies = toUser && !mmu.controls.writeProtect
    mmu.setAlignmentCheck(true)
    defer { mmu.setAlignmentCheck(false) }
    system.charge(UInt64((count + 7) / 8) &* system.costs.copyWord)
    var done = 0
    while done < count {
      let at = address &+ UInt64(done)
      let part = min(count - done, Int(4096 - at & 4095))
      if verifies && !makeWritable(at) { return done }
      var place = resolve(mmu.state, at, access)
      var attempts = 0
      while place == 0 {
        attempts += 1
        if attempts > configuration.faultLoopLimit || !faultIn(mmu.lastFault(access)) {
          return done
        }
        place = resolve(mmu.state, at, access)
      }
      let physical = PhysicalAddress(place & ~0xfff | at & 0xfff)
      guard system.memory.contains(physical, count: UInt64(part)) else { return done }
      let guest = system.memory.base + Int(physical.rawValue)
      if toUser {
        system.memory.willWrite(physical.frame)
        guest.copyMemory(from: host + done, byteCount: part)
      } else {
        (host + done).copyMemory(from: guest, byteCount: part)
      }
      done += part
    }
    return done
  }

  /// Does for a write of the kernel what the processor does with CR0.WP = 1.
  private func makeWritable(_ address: UInt64) -> Bool {
    for _ in 0..<configuration.faultLoopLimit {
      let entry = current?.space?.entry(at: VirtualAddress(truncating: address))
      if let entry, entry.isPresent, entry.contains(.writable) { return true }
      let code: ErrorCode = entry?.isPresent == true ? [.present, .write] : .write
      let fault = PageFault(
        address: VirtualAddress(truncating: address), errorCode: code,
        access: Access(.write, .supervisor))
      if !faultIn(.pageFault(fault)) { return false }
    }
    return false
  }

  /// Handles a fault of the kernel's own access; true if the access can be repeated.
  private func faultIn(_ translation: TranslationFault) -> Bool {
    guard case .pageFault(let fault) = translation, let process = current,
      let space = process.space, !fault.errorCode.contains(.reservedBit)
    else { return false }
    system.charge(system.costs.exceptionEntry)
    let address = fault.address.rawValue
    let outcome: FaultOutcome
    if pageFaultHandler == nil {
      let resolution = space.resolveFault(address, fault.access.bits)
      if resolution.isResolved {
        process.countResolved(resolution)
        return true
      }
      outcome = resolution.outcome(address: address)
    } else {
      guard let trapFrame else { return false }
      outcome = custom(fault, trapFrame, space)
      if outcome == .resume {
        process.minorFaults &+= 1
        return true
      }
    }
    switch outcome {
    case .resume, .signal: return false
    case .wait(.device(let cycles)):
      // The process would sleep here; with one process that is the same as time passing.
      process.majorFaults &+= 1
      system.charge(cycles)
      return true
    case .outOfMemory:
      // The kernel's own handler has asked the OOM killer already. If that chose this process, it ends
      // with the call.
      return pageFaultHandler != nil && makeRoom(for: fault)
    }
  }
}
