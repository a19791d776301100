import MMUMemory
import RISCV

/// One decoded operation: 32 bytes.
///
///     0   handler     address of a `Handler`
///     8   rd          destination; 32 instead of 0
///     9   rs1, 10 rs2
///     11  width       loads and stores: log2 of the size, plus 4 if zero-extended
///     10  link        jumps: bytes from the page's start to the next instruction (16 bits)
///     12  immediate   32 bits; direct jumps inside the page: distance in bytes of operations
///     16  prefix      packed totals of the operations before this one in its page
///     24  extra       branches: what a taken one adds to `acc`; lui, auipc: the 64-bit value
enum Operation {
  static var stride: Int { 32 }
  static var rd: Int { 8 }
  static var rs1: Int { 9 }
  static var rs2: Int { 10 }
  static var link: Int { 10 }
  static var width: Int { 11 }
  static var immediate: Int { 12 }
  static var prefix: Int { 16 }
  static var extra: Int { 24 }
  /// Instructions of a page; the operation behind them leads to the next page.
  static var slots: Int { 1024 }
}

/// Totals of a stretch of instructions in one word: instret << 48 | cost << 24 | stores << 12 | loads.
enum Totals {
  static var retired: UInt64 { 1 << 48 }
  static var store: UInt64 { 1 << 12 }
  static var load: UInt64 { 1 }
  static func cost(_ cycles: UInt64) -> UInt64 { cycles &<< 24 }
}

/// Decodes the 1,024 instructions of a frame into operations with their prefix sums.
///
/// The operations name no virtual address, so a frame mapped at several places is decoded once.
/// - Parameters:
///   - code: the frame's bytes.
///   - stops: offsets in the page at which a run may have to stop.
func decodePage(
  _ code: UnsafeRawPointer, into page: UnsafeMutableRawPointer, handlers: HandlerTable,
  costs: UnsafeMutablePointer<UInt64>, stops: [UInt64]
) {
  var totals: UInt64 = 0
  var at = page
  /// The operation before, if it has its opcode's ordinary handler.
  var before = Opcode.illegal
  for index in 0..<Operation.slots {
    let word = UInt32(littleEndian: (code + index &* 4).load(as: UInt32.self))
    let i = decode(word)
    var handler = handlers.operation(i.opcode)
    var immediate = i.immediate
    var extra: UInt64 = 0
    let rd: UInt8 = i.rd == 0 ? 32 : i.rd
    let cost = Totals.cost(costs[Int(i.opcode.rawValue)])
    var own = Totals.retired &+ cost
    at.storeBytes(of: rd, toByteOffset: Operation.rd, as: UInt8.self)
    at.storeBytes(of: i.rs1, toByteOffset: Operation.rs1, as: UInt8.self)
    at.storeBytes(of: i.rs2, toByteOffset: Operation.rs2, as: UInt8.self)
    at.storeBytes(of: 0, toByteOffset: Operation.width, as: UInt8.self)
    let wide = UInt64(bitPattern: Int64(i.immediate))
    switch i.opcode {
    case .illegal, .ecall, .ebreak, .csrrw, .csrrs, .csrrc, .csrrwi, .csrrsi, .csrrci, .roiBegin,
      .roiEnd:
      handler = handlers.leave
      own = 0
    case .lb, .lh, .lw, .ld, .lbu, .lhu, .lwu, .sb, .sh, .sw, .sd:
      let width = (word &>> 12) & 7
      at.storeBytes(of: UInt8(width), toByteOffset: Operation.width, as: UInt8.self)
      own &+= i.opcode.rawValue >= Opcode.sb.rawValue ? Totals.store : Totals.load
    case .lui: extra = wide
    case .auipc: extra = UInt64(index &* 4) &+ wide
    case .addi:
      if i.rs1 == 0 {
        handler = handlers.loadImmediate
        extra = wide
      }
    case .jal, .beq, .bne, .blt, .bge, .bltu, .bgeu:
      let target = Int64(index &* 4) &+ Int64(i.immediate)
      extra = totals &+ own
      if target & 3 != 0 {
        // Not taken it is an ordinary branch; taken it traps: the stepper finds out.
        handler = handlers.leave
        own = 0
      } else if target >= 0 && target < 4096 {
        let distance = target / 4 &- Int64(index)
        immediate = Int32(distance &* Int64(Operation.stride))
        if i.opcode == .jal && i.rd == 0 { handler = handlers.jump }
      } else {
        handler = handlers.far(i.opcode)
        immediate = Int32(truncatingIfNeeded: target)
      }
    case .jalr: break
    case .lrW, .scW, .amoswapW, .amoaddW, .amoxorW, .amoandW, .amoorW, .amominW, .amomaxW,
      .amominuW, .amomaxuW, .lrD, .scD, .amoswapD, .amoaddD, .amoxorD, .amoandD, .amoorD,
      .amominD, .amomaxD, .amominuD, .amomaxuD:
      immediate = Int32(i.opcode.rawValue)
    default: break
    }
    if i.opcode == .jal || i.opcode == .jalr {
      at.storeBytes(
        of: UInt16(truncatingIfNeeded: index &* 4 &+ 4), toByteOffset: Operation.link,
        as: UInt16.self)
    }
    let isOrdinary = handler == handlers.operation(i.opcode) && handler != handlers.leave
    if isOrdinary {
      let pair = handlers.pair(before, i.opcode)
      let isStop = !stops.isEmpty && stops.contains { $0 & 0xfff == UInt64(index &* 4) }
      if pair != 0 && !isStop { (at - Operation.stride).storeBytes(of: pair, as: UInt.self) }
    }
    before = isOrdinary ? i.opcode : .illegal
    at.storeBytes(of: handler, as: UInt.self)
    at.storeBytes(of: immediate, toByteOffset: Operation.immediate, as: Int32.self)
    at.storeBytes(of: totals, toByteOffset: Operation.prefix, as: UInt64.self)
    at.storeBytes(of: extra, toByteOffset: Operation.extra, as: UInt64.self)
    totals &+= own
    at += Operation.stride
  }
  at.storeBytes(of: handlers.nextPage, as: UInt.self)
  at.storeBytes(of: totals, toByteOffset: Operation.prefix, as: UInt64.self)
  // What a taken branch inside the page adds: the totals behind it less those before its target.
  for index in 0..<Operation.slots {
    let operation = page + index &* Operation.stride
    let handler = operation.load(as: UInt.self)
    if !handlers.isNearBranch(handler) { continue }
    let distance = operation.load(fromByteOffset: Operation.immediate, as: Int32.self)
    let behind = operation.load(fromByteOffset: Operation.extra, as: UInt64.self)
    let target = (operation + Int(distance)).load(
      fromByteOffset: Operation.prefix, as: UInt64.self)
    operation.storeBytes(of: behind &- target, toByteOffset: Operation.extra, as: UInt64.self)
  }
  for stop in stops {
    let slot = Int(stop & 0xfff) / 4
    let operation = page + slot &* Operation.stride
    operation.storeBytes(of: handlers.stop, as: UInt.self)
  }
}
