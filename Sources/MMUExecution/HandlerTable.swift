import RISCV

/// The handlers of all operations, as the addresses that stand in decoded pages.
struct HandlerTable {
  private let operations: UnsafeMutablePointer<UInt>
  private let farOperations: UnsafeMutablePointer<UInt>
  /// For each two opcodes the handler that does both, or zero.
  private let pairs: UnsafeMutablePointer<UInt>
  let leave = address(opLeave)
  let stop = address(opStop)
  let nextPage = address(opNextPage)
  let loadImmediate = address(opLoadImmediate)
  let jump = address(opJump)

  private static func address(_ handler: Handler) -> UInt { unsafeBitCast(handler, to: UInt.self) }

  init() {
    let count = Opcode.allCases.count
    operations = .allocate(capacity: count)
    operations.initialize(repeating: leave, count: count)
    farOperations = .allocate(capacity: count)
    farOperations.initialize(repeating: leave, count: count)
    pairs = .allocate(capacity: count * count)
    pairs.initialize(repeating: 0, count: count * count)
    for (first, second, handler) in pairHandlers {
      pairs[Int(first.rawValue) * count + Int(second.rawValue)] = Self.address(handler)
    }
    for (opcode, handler) in Self.handlers {
      operations[Int(opcode.rawValue)] = Self.address(handler)
    }
    for (opcode, handler) in Self.farHandlers {
      farOperations[Int(opcode.rawValue)] = Self.address(handler)
    }
    for opcode in Opcode.allCases where opcode.instructionClass == .atomic {
      operations[Int(opcode.rawValue)] = Self.address(opAtomic)
    }
  }

  func free() {
    operations.deallocate()
    farOperations.deallocate()
    pairs.deallocate()
  }

  func operation(_ opcode: Opcode) -> UInt { operations[Int(opcode.rawValue)] }
  func pair(_ first: Opcode, _ second: Opcode) -> UInt {
    pairs[Int(first.rawValue) &* Opcode.allCasesCount &+ Int(second.rawValue)]
  }
  func far(_ opcode: Opcode) -> UInt { farOperations[Int(opcode.rawValue)] }

  /// Tells whether an operation's `extra` is what a taken branch inside the page adds.
  func isNearBranch(_ handler: UInt) -> Bool {
    for opcode in Opcode.beq.rawValue...Opcode.bgeu.rawValue
    where operations[Int(opcode)] == handler { return true }
    return handler == jump || handler == operations[Int(Opcode.jal.rawValue)]
  }

  private static let farHandlers: [(Opcode, Handler)] = [
    (.beq, opBeqFar), (.bne, opBneFar), (.blt, opBltFar), (.bge, opBgeFar), (.bltu, opBltuFar),
    (.bgeu, opBgeuFar), (.jal, opJalFar),
  ]

  private static let handlers: [(Opcode, Handler)] =
    [
      (.lui, opLoadImmediate), (.auipc, opAuipc), (.jal, opJal), (.jalr, opJalr),
      (.beq, opBeq), (.bne, opBne), (.blt, opBlt), (.bge, opBge), (.bltu, opBltu),
      (.bgeu, opBgeu),
      (.addi, opAddi), (.slti, opSlti), (.sltiu, opSltiu), (.xori, opXori), (.ori, opOri),
      (.andi, opAndi), (.slli, opSlli), (.srli, opSrli), (.srai, opSrai),
      (.add, opAdd), (.sub, opSub), (.sll, opSll), (.slt, opSlt), (.sltu, opSltu), (.xor, opXor),
      (.srl, opSrl), (.sra, opSra), (.or, opOr), (.and, opAnd),
      (.addiw, opAddiw), (.slliw, opSlliw), (.srliw, opSrliw), (.sraiw, opSraiw),
      (.addw, opAddw), (.subw, opSubw), (.sllw, opSllw), (.srlw, opSrlw), (.sraw, opSraw),
      (.fence, opFence), (.fenceI, opFence),
      (.mul, opMul), (.mulh, opMulh), (.mulhsu, opMulhsu), (.mulhu, opMulhu), (.div, opDiv),
      (.divu, opDivu), (.rem, opRem), (.remu, opRemu), (.mulw, opMulw), (.divw, opDivw),
      (.divuw, opDivuw), (.remw, opRemw), (.remuw, opRemuw),
      (.lb, opLb), (.lh, opLh), (.lw, opLw), (.ld, opLd), (.lbu, opLbu), (.lhu, opLhu),
      (.lwu, opLwu), (.sb, opSb), (.sh, opSh), (.sw, opSw), (.sd, opSd),
    ]
}

extension Opcode {
  /// The number of opcodes; raw values have no gaps.
  @inline(__always) static var allCasesCount: Int { Int(Opcode.roiEnd.rawValue) &+ 1 }
}
