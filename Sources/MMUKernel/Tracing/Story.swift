import MMUMemory
import MMUPaging
import RISCV

// Why a process was killed, told so that the reader knows what to look at: one line to grep for,
// then the area, the entries, and what it means in plain words.

extension Kernel {
  /// The story of a fatal signal.
  func story(
    _ process: Process, _ information: SignalInformation, _ fault: PageFault?,
    _ frame: TrapFrame, _ cause: DeathCause
  ) -> String {
    let pc = process.symbolizer.describe(frame.programCounter)
    var head = "pid \(process.pid) (\(process.name)) killed by \(information.signal.name) "
    head += "(\(information.code.name)): "
    var lines: [String] = []
    switch cause {
    case .unresolved, .handler, .faultLoop, .outOfMemory:
      if let fault {
        head += "\(accessName(process, fault, frame)) at \(describeData(process, fault.address)), "
        head += "pc \(pc), error code \(fault.errorCode)"
        lines += explain(process, fault, cause)
      }
    case .breakpoint: head += "ebreak at pc \(pc)"
    case .illegal(let word):
      head += "instruction 0x\(padded(UInt64(word), 8)) at pc \(pc)"
      lines.append(
        word == 0
          ? "all-zero words are no instruction: the program ran into memory that was never written"
          : "no instruction of RV64IMA, Zicsr and Zifencei that user mode may execute")
    case .misalignedFetch(let target):
      head += "jump to \(process.symbolizer.describe(target)) at pc \(pc)"
      lines.append("instructions stand at multiples of 4")
    case .misalignedAtomic(let address):
      head += "atomic access at \(hex(address)), pc \(pc)"
      lines.append("the address of an atomic is a multiple of its size")
    case .notCanonical(let address):
      head += "access at \(hex(address)), pc \(pc), general protection"
      lines.append(
        "the address is not canonical: bits 63 to 47 differ, so no table can map it")
    case .beyondRAM(let place):
      head += "at pc \(pc)"
      lines.append("the page tables lead to physical address \(hex(place)), beyond the RAM")
    case .sent:
      head +=
        information.sender == 0 ? "at pc \(pc)" : "sent by pid \(information.sender), at pc \(pc)"
    case .noSignalStack(let signal):
      head += "at pc \(pc)"
      lines.append(
        "the stack has no room for the frame of \(signal.name), or holds none to return to")
    case .inSystemCall(let name):
      head += "in \(name) at pc \(pc)"
      if information.signal == .brokenPipe {
        lines.append("the reader of the pipe has gone")
      }
    }
    switch cause {
    case .sent, .noSignalStack, .inSystemCall: break
    default: if let hint = endOfCode(process, frame.programCounter) { lines.append(hint) }
    }
    return ([head] + lines.map { "  " + $0 }).joined(separator: "\n")
  }

  /// What to say of a pc behind the last instruction of the code, no more than a page.
  ///
  /// The page of a file that holds the last instruction holds whatever follows it in the file, too.
  private func endOfCode(_ process: Process, _ pc: UInt64) -> String? {
    guard VirtualAddress.isCanonical(pc) else { return nil }
    let symbolizer = process.symbolizer
    if let area = process.space?.area(at: VirtualAddress(pc)), area.isAnonymous { return nil }
    let before = stride(from: pc, to: max(pc, 4096) - 4096, by: -4).dropFirst()
    var last: UInt64?
    if symbolizer.line(pc) == nil { last = before.first { symbolizer.line($0) != nil } }
    if last == nil, symbolizer.line(pc) == nil, symbolizer.symbol(pc) == nil {
      last = before.first { symbolizer.symbol($0) != nil }
    }
    return last.map {
      "this is behind the end of the code, whose last instruction is at "
        + "\(symbolizer.describe($0)): did the program run past it, without exit?"
    }
  }

  /// `write of 8 bytes`, with the size if the instruction can be read.
  private func accessName(
    _ process: Process, _ fault: PageFault, _ frame: TrapFrame
  ) -> String {
    if fault.access.kind == .fetch { return "fetch" }
    let kind = fault.access.kind == .write ? "write" : "read"
    if fault.access.mode == .supervisor { return kind + " by the kernel" }
    guard let place = process.space?.peek(frame.programCounter) else { return kind }
    let opcode = decode(UInt32(littleEndian: place.loadUnaligned(as: UInt32.self))).opcode
    let size: Int
    switch opcode {
    case .lb, .lbu, .sb: size = 1
    case .lh, .lhu, .sh: size = 2
    case .ld, .sd: size = 8
    default:
      if opcode.mnemonic.hasSuffix(".d") {
        size = 8
      } else if opcode.instructionClass == .load || opcode.instructionClass == .store
        || opcode.instructionClass == .atomic
      {
        size = 4
      } else {
        return kind
      }
    }
    return "\(kind) of \(size) byte\(size == 1 ? "" : "s")"
  }

  private func describeData(_ process: Process, _ address: VirtualAddress) -> String {
    guard let symbol = process.symbolizer.symbol(address.rawValue) else {
      return hex(address.rawValue)
    }
    let offset = symbol.offset == 0 ? "" : "+\(hex(symbol.offset))"
    return "\(hex(address.rawValue)) (\(symbol.name)\(offset))"
  }

  private func explain(
    _ process: Process, _ fault: PageFault, _ cause: DeathCause
  ) -> [String] {
    guard let space = process.space else { return [] }
    let address = fault.address.rawValue
    var lines: [String] = []
    if let area = space.area(at: fault.address) {
      lines.append("area: \(describe(area))")
    } else if address >= 1 << 47 {
      lines.append("area: none; this is the kernel's half of the address space")
    } else {
      lines.append("area: none; \(nearest(space, address))")
    }
    lines.append("entries: \(describeEntries(space, fault))")
    lines.append(plainWords(space, fault, cause))
    return lines
  }

  /// `0x10000-0x11000 r-x prog`.
  func describe(_ area: VirtualMemoryArea) -> String {
    var name = area.isAnonymous ? "anonymous" : system.sources[Int(area.source)]?.path ?? "file"
    if area.flags.contains(.stack) { name = "[stack]" }
    if area.flags.contains(.heap) { name = "[heap]" }
    return "\(hex(area.lower))-\(hex(area.upper)) \(area.permissions) \(name)"
  }

  private func nearest(_ space: AddressSpace, _ address: UInt64) -> String {
    let position = space.areas.firstEnding(after: address)
    let above = space.areas.area(position)
    let below = space.areas.previous(position).flatMap { space.areas.area($0) }
    switch (below, above) {
    case (let below?, let above?):
      let isBelow = address - below.upper < above.lower - address
      let distance = isBelow ? address - below.upper : above.lower - address
      return "nearest is \(describe(isBelow ? below : above)), \(distance) bytes "
        + (isBelow ? "below" : "above")
    case (let below?, nil):
      return "nearest is \(describe(below)), \(address - below.upper) bytes below"
    case (nil, let above?):
      return "nearest is \(describe(above)), \(above.lower - address) bytes above"
    case (nil, nil): return "the process has none"
    }
  }

  /// The entries on the way, and which bit of which forbade the access.
  private func describeEntries(_ space: AddressSpace, _ fault: PageFault) -> String {
    let names: [PagingLevel: String] = [
      .pml4: "PML4E", .pdpt: "PDPTE", .pd: "PDE", .pt: "PTE",
    ]
    let walk = space.tables.walk(fault.address.rawValue)
    var parts: [String] = []
    for (level, entry) in walk {
      let name = names[level] ?? ""
      if !entry.isPresent {
        parts.append(
          entry.rawValue == 0
            ? "\(name) not present (P = 0)"
            : SoftwareEntry.isSwapped(entry.rawValue)
              ? "\(name) in swap (P = 0, slot \(entry.frame.rawValue)), which cannot be read"
              : entry.rawValue == SoftwareEntry.guardPage
                ? "\(name) a guard (P = 0, nothing else)"
                : "\(name) kept without access (P = 0, the page is still there)")
        continue
      }
      var denied: [String] = []
      if fault.access.mode == .user && !entry.contains(.user) { denied.append("U/S = 0") }
      if fault.access.kind == .write && !entry.contains(.writable) { denied.append("R/W = 0") }
      if fault.access.kind == .fetch && entry.contains(.executeDisable) { denied.append("XD = 1") }
      let reason = denied.isEmpty ? "" : ", forbids it: \(denied.joined(separator: ", "))"
      parts.append("\(name) \(entry)\(reason)")
    }
    return parts.joined(separator: "; ")
  }

  /// What it most likely means.
  private func plainWords(
    _ space: AddressSpace, _ fault: PageFault, _ cause: DeathCause
  ) -> String {
    let address = fault.address.rawValue
    guard case .unresolved(let resolution) = cause else { return meaning(of: cause) }
    switch resolution {
    case .stackOverflow:
      return "stack overflow: the stack may grow to \(space.stackLimit >> 10) KiB and needs "
        + "\(AddressSpace.stackGuardGap >> 10) KiB free below it; endless recursion?"
    case .noArea:
      if address >= AddressSpace.userLimit {
        if address < 1 << 47 { return "the last page of the user half is never mapped" }
        return fault.errorCode.contains(.present)
          ? "kernel memory: only the supervisor may touch it (U/S = 0)"
          : "the kernel's half: no program may touch it, and nothing is mapped there"
      }
      if address < 4096 {
        return fault.access.kind == .fetch
          ? "null pointer: a jump through a function pointer that is 0?"
          : "null pointer: page 0 is never mapped"
      }
      if address < AddressSpace.lowestMapping {
        return "near-null pointer: nothing is ever mapped below "
          + "\(hex(AddressSpace.lowestMapping)); a field of a null pointer?"
      }
      return "nothing is mapped there"
    case .denied:
      let permissions = space.area(at: fault.address)?.permissions ?? []
      if permissions.rawValue == 0 { return "the area allows no access at all (PROT_NONE)" }
      switch fault.access.kind {
      case .fetch: return "execution of data: the area is not executable (no x), so XD is set"
      case .write:
        return permissions.contains(.execute)
          ? "write to text: the program's code is read-only"
          : "write to read-only memory"
      case .read: return "the area cannot be read"
      }
    case .guardPage: return "a guard page: MADV_GUARD_INSTALL was called for it"
    case .swapFailed: return "the page is in swap, and reading it has failed"
    case .beyondFile: return "the mapping is longer than its file: nothing is behind this page"
    case .noHugePage:
      return "no page is left in the pool of huge pages that is not promised to others; set more "
        + "aside with --huge-pages or --huge-pages-1g"
    case .damagedEntry: return "a reserved bit is set in an entry: the page tables are damaged"
    case .outOfMemory: return meaning(of: .outOfMemory)
    case .stackRefused:
      return "the stack may not grow: \(system.committedPages * 4) kB of memory are promised, and "
        + "overcommit mode 2 allows \(system.commitLimit * 4) kB"
    default: return meaning(of: .handler)
    }
  }

  /// What could be done about a lack of memory.
  private var meaningOfShortage: String {
    let lists = system.frames.lists
    if lists.limit != .max && lists.pages >= lists.limit {
      return
        "out of memory: the \(lists.limit) pages that --rss-limit allows are in use, and none can go"
    }
    if system.reclaimCounters.failedWrites > 0 {
      return "out of memory: \(system.reclaimCounters.failedWrites) writes to swap have failed"
    }
    return
      "out of memory: the \(system.memory.frameCount) frames are in use; give the machine more with "
      + (system.swap == nil ? "--ram, or --swap" : "--ram or --swap")
  }

  private func meaning(of cause: DeathCause) -> String {
    switch cause {
    case .faultLoop(let count):
      "fault loop: the same access faulted \(count) times in a row; "
        + "the page-fault handler says resume without making the page present"
    case .outOfMemory:
      meaningOfShortage
    case .handler: "the page-fault handler raised the signal"
    default: ""
    }
  }

  private func padded(_ value: UInt64, _ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
