@testable import MMUKernel
import MMUMemory
import MMUPaging

/// The model beside the kernel: whatever process has the core takes a step in both, and what comes of
/// it is compared.
///
/// A step that waits, or an access that has to wait for the disk, is begun again when its process has
/// the core again, and predicted anew then.
final class ProcessModel {
  /// The files there may be: three on the disk, two in memory.
  static let paths = ["a", "b", "c", "/tmp/d", "/dev/shm/e"]
  static let descriptorLimit = 20
  /// Where the processes map, unmap and move pages.
  static let window: UInt64 = 0x4000_0000
  /// Pages of fixed content, the source of writes, and pages to read to.
  static let pattern: UInt64 = 0x3800_0000
  static let scratch: UInt64 = 0x3900_0000
  static let bufferPages: UInt64 = 20

  let bench: Bench
  let limits: ModelLimits
  var random: SeededGenerator
  var processes: [Int32: ModelProcess] = [:]
  var root: ModelProcess
  var names: [Int: ModelFile] = [:]
  var segments: [ModelSegment] = []
  var lastAttachment = 0
  var lastPID: Int32 = 2
  var log: [String] = []
  var problem: String?
  /// Operations completed.
  var steps = 0
  var isSwapOn = true
  /// Something was not to be had in the middle of a call, and the model does not know how far that came:
  /// the run ends there.
  var isLost = false
  /// A frame of this step is to be missing.
  var mayMissFrame = false

  init(seed: UInt64, limits: ModelLimits) throws {
    self.limits = limits
    random = SeededGenerator(seed: seed &* 1_000_003)
    bench = try Bench(ram: limits.ram) {
      $0.hugePages = limits.hugePages
      limits.pressure?.configure(&$0, seed: seed)
    }
    let bench = bench
    bench.map(2, at: Bench.pathPage, flags: 0x10)
    bench.map(Self.bufferPages, at: Self.pattern, flags: 0x10)
    bench.map(Self.bufferPages, at: Self.scratch, flags: 0x10)
    for (i, path) in (Self.paths + [bench.kernel.configuration.swapName]).enumerated() {
      bench.put(Array(path.utf8) + [0], at: Bench.pathPage + UInt64(i) * 64)
    }
    root = ModelProcess(pid: 2, real: bench.process)
    processes[2] = root
    let bytes = (0..<Int(Self.bufferPages) * 4096).map { _ in
      UInt8(truncatingIfNeeded: random.next())
    }
    bench.put(bytes, at: Self.pattern)
    for page in 0..<Self.bufferPages {
      let start = Int(page) * 4096
      root.pages[Self.pattern / 4096 + page] = ModelledPage(
        permissions: 3, own: Array(bytes[start..<start + 4096]))
      root.pages[Self.scratch / 4096 + page] = ModelledPage(permissions: 3)
    }
    for fd in 0..<3 { root.descriptors[fd] = ModelDescription(.stream, access: fd == 0 ? 0 : 1) }
    root.startBreak = bench.space.startBreak
    root.currentBreak = root.startBreak
    // RLIMIT_NOFILE, SIGPIPE ignored, orphans come to the first process.
    func word(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(value >> (8 * $0) & 255) } }
    let limit = UInt64(Self.descriptorLimit)
    put(word(limit) + word(limit))
    bench.call(164, 7, Self.scratch)
    put(word(1) + word(0) + word(0))
    bench.call(134, 13, Self.scratch, 0, 8)
    bench.call(167, 36, 1)
  }

  private func put(_ bytes: [UInt8]) {
    bench.put(bytes, at: Self.scratch)
    _ = root.write(bytes, to: Self.scratch)
  }

  func below(_ n: Int) -> Int { Int(random.next() % UInt64(n)) }

  func fail(_ text: String) { if problem == nil { problem = text } }

  /// Takes steps until so many are complete, or something is wrong; then what that is.
  func run(_ count: Int) -> String? {
    while steps < count && problem == nil && !isLost {
      guard let current = bench.kernel.current, let process = processes[current.pid] else {
        fail("nobody runs")
        break
      }
      let operation: ModelOperation
      if let pending = process.pending, !wouldKillRoot(process, pending) {
        operation = pending
      } else if limits.isPressed && !isSwapOn {
        // Little fits without.
        operation = .swapOn
      } else if let new = choose(process) {
        operation = new
      } else {
        continue
      }
      process.pending = nil
      failSome(operation)
      attempt(process, operation)
      bench.kernel.system.frames.allocationsUntilFailure = nil
      if steps % limits.checkInterval == 0 { check() }
    }
    check()
    if problem == nil, let found = bench.finish() { fail(found) }
    guard let problem else { return nil }
    let messages = bench.messages.map { "\($0)\n" }.joined()
    return "step \(steps): \(problem); \(messages)the last operations were\n"
      + log.suffix(limits.shown).joined(separator: "\n")
  }

  /// The page of an access that waited is gone: another has cut the file.
  private func wouldKillRoot(_ process: ModelProcess, _ operation: ModelOperation) -> Bool {
    switch operation {
    case .load(let address), .store(let address, _):
      process === root && process.pages[address / 4096].map(\.isBeyondFile) ?? true
    default: false
    }
  }

  // MARK: One step

  private func attempt(_ process: ModelProcess, _ operation: ModelOperation) {
    switch operation {
    case .born:
      if bench.registers[10] != 0 { fail("clone returned \(bench.registers[10]) to the child") }
      done(process, operation, "")
    case .load(let address): access(process, operation, address, nil)
    case .store(let address, let value): access(process, operation, address, value)
    default: call(process, operation)
    }
  }

  private func done(_ process: ModelProcess, _ operation: ModelOperation, _ result: String) {
    steps += 1
    log.append("\(process.pid): \(operation) -> \(result)")
    if log.count > 2 * limits.shown { log.removeFirst(limits.shown) }
  }

  private func access(
    _ process: ModelProcess, _ operation: ModelOperation, _ address: UInt64, _ value: UInt8?
  ) {
    let lost = bench.reclaimCounters.failedReads
    for _ in 0..<20 {
      var page = process.pages[address / 4096]
      let offset = Int(address & 4095)
      do throws(TranslationFault) {
        let place = try bench.mmu.translate(
          linear: address, for: Access(value == nil ? .read : .write, .user))
        let host = bench.memory.base + Int(place.rawValue)
        look(process, address / 4096, host - offset)
        page = process.pages[address / 4096]
        guard let page, page.isAccessible(writing: value != nil) else {
          return fail("\(process.pid): \(operation) was possible")
        }
        if let value {
          bench.memory.willWrite(place.frame)
          host.storeBytes(of: value, as: UInt8.self)
          process.pages[address / 4096]!.store([value], at: offset)
          process.pages[address / 4096]!.isFreed = false
        } else {
          let got = host.load(as: UInt8.self)
          if got != page[offset] {
            fail("\(process.pid): \(operation) got \(got) instead of \(page[offset])")
          }
        }
        return done(process, operation, "\(value ?? page[offset])")
      } catch {
        bench.trap(.fault(error))
      }
      if process.real.space == nil {
        let signal: Int32 = page?.allows(writing: value != nil) ?? false ? 7 : 11
        if page?.isAccessible(writing: value != nil) ?? false {
          if limits.isPressed && !isSwapOn { return settle() }
          if bench.reclaimCounters.failedReads == lost { fail("\(operation) killed") }
          if process === root { isLost = true }
        }
        end(process, status: signal)
        done(process, operation, "signal \(signal)")
        return settle()
      }
      // The copy of a private page is made by the fault, whenever the store itself comes.
      if value != nil, let page, page.isAccessible(writing: true), !page.isShared {
        process.pages[address / 4096]!.own = page.content
      }
      settle()
      if bench.kernel.current !== process.real {
        process.pending = operation
        return
      }
    }
    fail("\(process.pid): \(operation) makes no progress")
  }

  private func call(_ process: ModelProcess, _ operation: ModelOperation) {
    let prediction = predict(process, operation)
    let lost = bench.reclaimCounters.failedReads
    let (number, arguments) = systemCall(operation)
    for i in 0..<6 { bench.registers[10 + i] = i < arguments.count ? arguments[i] : 0 }
    bench.registers[17] = number
    let thread = bench.kernel.currentThread
    let counter = bench.frame.programCounter
    bench.trap(.environmentCall)
    guard let thread, thread.state != .dead else {
      if case .ends = prediction {} else { fail("\(process.pid): \(operation) ended it") }
      done(process, operation, "end")
      return settle()
    }
    let isCurrent = bench.kernel.currentThread === thread
    let isCompleted =
      (isCurrent ? bench.frame.programCounter : thread.programCounter) != counter
    let result = Int64(
      bitPattern: isCurrent ? bench.registers[10] : thread.registers[10])
    if case .waits = prediction {
      if isCompleted { fail("\(process.pid): \(operation) = \(result) instead of waiting") }
      process.pending = operation
      return settle()
    }
    let isExpected: Bool
    switch prediction {
    case .value(let value): isExpected = value == result
    case .oneOf(let values): isExpected = values.contains(result)
    case .somewhere: isExpected = result > 0 && result & 4095 == 0
    case .waits, .ends: isExpected = false
    }
    done(process, operation, "\(result)")
    if !isExpected || !isCompleted {
      if isExcused(result, lost) {
        isLost = true
        return
      }
      return fail(
        "\(process.pid): \(operation) = \(isCompleted ? "\(result)" : "waits") "
          + "instead of \(prediction)")
    }
    complete(process, operation, result)
    settle()
  }

  /// What is known only now that the result is there.
  private func complete(_ process: ModelProcess, _ operation: ModelOperation, _ result: Int64) {
    switch operation {
    case .fork: addChild(process, Int32(result))
    case .swapOff: isSwapOn = result != 0
    case .swapOn: isSwapOn = true
    case .wait where result > 0: collect(process, Int32(result))
    case .remap(let address, let old, let new, let flags, _) where flags & 2 == 0 && result > 0:
      if UInt64(result) == address { return }
      let target = UInt64(result) / 4096
      if (target..<target + new).contains(where: { process.pages[$0] != nil }) {
        return fail("\(operation) moved onto pages that were there")
      }
      move(process, address / 4096, old, new, to: target, keepsOld: false)
      // And back to where everything else is.
      process.pending = .remap(
        UInt64(result), old: new, new: new, flags: 3,
        target: Self.window + UInt64(below(Int(limits.windowPages - new))) * 4096)
    case .read(_, let address, let count), .readAt(_, let address, let count, _):
      compare(process, address, min(count, Int(max(0, result))))
    case .pipe(let address) where result == 0: compare(process, address, 8)
    case .size(let fd, let address):
      guard let host = process.real.space?.peek(address),
        let size = process.descriptors[fd]?.file?.size
      else { return fail("\(operation) left nothing") }
      let bytes = UnsafeRawBufferPointer(start: host, count: 128)
      _ = process.write(bytes, to: address)
      let got = bytes.loadUnaligned(fromByteOffset: 48, as: UInt64.self)
      if got != UInt64(size) { fail("\(process.pid): \(operation) says \(got), not \(size)") }
    default: break
    }
  }

  private func addChild(_ parent: ModelProcess, _ pid: Int32) {
    guard let real = bench.kernel.processTable[pid] else { return fail("there is no child \(pid)") }
    let child = ModelProcess(pid: pid, real: real)
    child.parent = parent
    parent.children.append(child)
    for (number, page) in parent.pages where !page.isNotForked {
      var copy = page
      copy.isLocked = false
      if copy.isWiped {
        copy.own = nil
        copy.isGuard = false
      }
      child.pages[number] = copy
    }
    child.descriptors = parent.descriptors
    for description in child.descriptors.values { description.references += 1 }
    (child.startBreak, child.currentBreak) = (parent.startBreak, parent.currentBreak)
    child.pending = .born
    processes[pid] = child
    lastPID = pid
  }

  private func collect(_ process: ModelProcess, _ pid: Int32) {
    guard let child = processes.removeValue(forKey: pid), let status = child.status else { return }
    process.children.removeAll { $0 === child }
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: status >> (8 * $0)) }
    _ = process.write(bytes, to: Self.scratch)
    compare(process, Self.scratch, 4)
  }

  /// Ends a process in the model.
  func end(_ process: ModelProcess, status: Int32) {
    process.status = status
    process.pages = [:]
    for description in process.descriptors.values { description.release() }
    process.descriptors = [:]
    process.pending = nil
    for child in process.children {
      child.parent = root
      root.children.append(child)
    }
    process.children = []
  }

  /// Those that a signal has killed by now, or the kernel while there was no swap.
  private func settle() {
    for process in processes.values.sorted(by: { $0.pid < $1.pid })
    where process.status == nil && process.real.space == nil {
      if limits.isPressed && !isSwapOn {
        if process === root { isLost = true }
      } else if !process.isDoomed {
        return fail("\(process.pid) has ended, nobody knows why")
      }
      end(process, status: 9)
    }
  }

  // MARK: Comparing

  /// Compares what a call has written.
  private func compare(_ process: ModelProcess, _ address: UInt64, _ count: Int) {
    var at = address
    let end = address + UInt64(count)
    while at < end {
      let next = min(end, (at / 4096 + 1) * 4096)
      guard let page = process.pages[at / 4096], let host = process.real.space?.peek(at) else {
        if limits.isPressed {
          at = next
          continue
        }
        return fail("\(process.pid): page \(hex(at)) is not there after the kernel wrote it")
      }
      let start = Int(at & 4095)
      let real = UnsafeRawBufferPointer(start: host, count: Int(next - at))
      if !real.elementsEqual(page.content[start..<start + Int(next - at)]) {
        return fail("\(process.pid): other bytes at \(hex(at))")
      }
      at = next
    }
  }

  /// Compares every page that is present, and every area, and checks the kernel's books.
  private func check() {
    if problem != nil { return }
    if let broken = bench.kernel.system.checkInvariants() { return fail(broken) }
    if isLost { return }
    for process in processes.values.sorted(by: { $0.pid < $1.pid }) {
      guard let space = process.real.space else { continue }
      var known = 0
      for area in space.allAreas {
        for number in area.lower / 4096..<area.upper / 4096 {
          guard let page = process.pages[number] else {
            // The program itself and its stack are not modelled.
            if area.lower < Bench.pathPage + 8192 && number < process.startBreak / 4096
              || area.lower >= 1 << 46 || number * 4096 &- Bench.pathPage < 8192
            {
              continue
            }
            return fail("\(process.pid): an area has page \(hex(number * 4096))")
          }
          known += 1
          if UInt64(area.permissions.rawValue) != page.permissions
            || area.isShared != page.isShared || (area.source != 0) != (page.file != nil)
            || area.source != 0
              && area.pageOffset + (number - area.lower / 4096) != UInt64(page.filePage)
          {
            return fail("\(process.pid): page \(hex(number * 4096)) is in another area")
          }
          guard let host = space.peek(number * 4096) else { continue }
          look(process, number, host)
          guard let page = process.pages[number] else { continue }
          let isSame = page.content.withUnsafeBytes {
            UnsafeRawBufferPointer(start: host, count: 4096).elementsEqual($0)
          }
          if !isSame {
            let first = (0..<4096).first {
              host.load(fromByteOffset: $0, as: UInt8.self) != page[$0]
            }
            return fail(
              "\(process.pid): page \(hex(number * 4096)) differs at \(first ?? 0), "
                + "\(page.own == nil ? "not " : "")its own, \(area)")
          }
        }
      }
      if known != process.pages.count { return fail("\(process.pid): pages are missing") }
    }
  }
}

/// How large things get, and how often everything is checked.
struct ModelLimits {
  var ram: UInt64 = 16 << 20
  var windowPages: UInt64 = 48
  var filePages = 24
  var processes = 5
  var checkInterval = 250
  /// With `always` a part of the operations is about 2 MiB and more at once.
  var hugePages = HugePageMode.madvise
  /// Operations printed if something is wrong.
  var shown = 30
  /// Most pages are in swap or on the disk at any time.
  var pressure: ModelPressure?
  var isPressed: Bool { pressure != nil }

  init() {}
}
