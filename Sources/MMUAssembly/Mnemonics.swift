import RISCV

/// What a word at the start of a statement assembles to.
enum MnemonicEntry {
  /// An instruction of the table, with the ordering its suffix names.
  case real(Opcode, MemoryOrdering)
  case pseudo(Pseudo)
}

/// The pseudo-instructions of the RISC-V assembly programmer's manual.
enum Pseudo {
  case nop, li, la, mv, not, neg, negw
  case signExtendByte, signExtendHalf, signExtendWord
  case zeroExtendByte, zeroExtendHalf, zeroExtendWord
  case seqz, snez, sltz, sgtz
  /// sgt, sgtu: operands swapped.
  case swapped(Opcode)
  /// beqz, bgtz...: compared with zero; `zeroFirst` if zero is the first operand.
  case branchZero(Opcode, zeroFirst: Bool)
  /// bgt, ble...: operands swapped.
  case branchSwapped(Opcode)
  case j, jr, ret, call, tail, jump
  case fenceTSO, pause
  case readCounter(ControlStatusRegister)
  case csrRead
  /// csrw, csrs, csrc: the register form and the immediate form.
  case csrWrite(Opcode, Opcode)
  case csrWriteImmediate(Opcode)
  case unimplemented
}

/// All mnemonics, found by their bytes.
final class Mnemonics: Sendable {
  static let shared = Mnemonics()
  static var registers: RegisterNames { RegisterNames.shared }

  nonisolated(unsafe) let names: NameTable
  let entries: [MnemonicEntry]
  /// Operands for messages, and how many there may be.
  let usages: [(text: String, counts: ClosedRange<Int>)]

  func find(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? { names.find(bytes) }

  private init() {
    let names = NameTable()
    var entries: [MnemonicEntry] = []
    var usages: [(text: String, counts: ClosedRange<Int>)] = []
    func add(
      _ name: String, _ entry: MnemonicEntry, _ usage: String, _ counts: ClosedRange<Int>
    ) {
      precondition(names.intern(name) == entries.count, "mnemonic \(name) stands twice")
      entries.append(entry)
      usages.append((usage, counts))
    }
    for row in InstructionTable.shared.rows where row.opcode != .illegal {
      let counts: ClosedRange<Int>
      var usage = row.format.operands
      switch row.format {
      case .register, .immediate, .shift, .wordShift, .branch, .csr, .csrImmediate, .atomic:
        counts = 3...3
      case .load, .upper, .loadReserved: counts = 2...2
      case .store: counts = 2...3
      case .jump:
        (usage, counts) = ("[rd,] target", 1...2)
      case .jumpRegister:
        (usage, counts) = ("[rd,] offset(rs1)", 1...3)
      case .fence: counts = 0...2
      case .fixed, .fixedIgnoringOperands: counts = 0...0
      }
      let isAtomic = row.format == .atomic || row.format == .loadReserved
      let suffixes: [(String, MemoryOrdering)] =
        isAtomic
        ? [("", []), (".aq", .acquire), (".rl", .release), (".aqrl", [.acquire, .release])]
        : [("", [])]
      for (suffix, ordering) in suffixes {
        add(row.mnemonic + suffix, .real(row.opcode, ordering), usage, counts)
      }
    }
    func pseudo(_ name: String, _ entry: Pseudo, _ usage: String, _ counts: ClosedRange<Int>) {
      add(name, .pseudo(entry), usage, counts)
    }
    pseudo("nop", .nop, "", 0...0)
    pseudo("li", .li, "rd, constant", 2...2)
    for name in ["la", "lla", "lga"] { pseudo(name, .la, "rd, symbol", 2...2) }
    for name in ["mv", "move"] { pseudo(name, .mv, "rd, rs", 2...2) }
    for (name, entry) in [
      ("not", Pseudo.not), ("neg", .neg), ("negw", .negw), ("sext.b", .signExtendByte),
      ("sext.h", .signExtendHalf), ("sext.w", .signExtendWord), ("zext.b", .zeroExtendByte),
      ("zext.h", .zeroExtendHalf), ("zext.w", .zeroExtendWord), ("seqz", .seqz), ("snez", .snez),
      ("sltz", .sltz), ("sgtz", .sgtz),
    ] {
      pseudo(name, entry, "rd, rs", 2...2)
    }
    pseudo("sgt", .swapped(.slt), "rd, rs1, rs2", 3...3)
    pseudo("sgtu", .swapped(.sltu), "rd, rs1, rs2", 3...3)
    for (name, opcode, zeroFirst) in [
      ("beqz", Opcode.beq, false), ("bnez", .bne, false), ("blez", .bge, true),
      ("bgez", .bge, false), ("bltz", .blt, false), ("bgtz", .blt, true),
    ] {
      pseudo(name, .branchZero(opcode, zeroFirst: zeroFirst), "rs, target", 2...2)
    }
    for (name, opcode) in [("bgt", Opcode.blt), ("ble", .bge), ("bgtu", .bltu), ("bleu", .bgeu)] {
      pseudo(name, .branchSwapped(opcode), "rs1, rs2, target", 3...3)
    }
    pseudo("j", .j, "target", 1...1)
    pseudo("jr", .jr, "offset(rs)", 1...2)
    pseudo("ret", .ret, "", 0...0)
    pseudo("call", .call, "[rd,] symbol", 1...2)
    pseudo("tail", .tail, "symbol", 1...1)
    pseudo("jump", .jump, "symbol, rt", 2...2)
    pseudo("fence.tso", .fenceTSO, "", 0...0)
    pseudo("pause", .pause, "", 0...0)
    for (name, register) in [
      ("rdcycle", ControlStatusRegister.cycle), ("rdtime", .time), ("rdinstret", .instret),
    ] {
      pseudo(name, .readCounter(register), "rd", 1...1)
    }
    pseudo("csrr", .csrRead, "rd, csr", 2...2)
    for (name, opcode, immediate) in [
      ("csrw", Opcode.csrrw, Opcode.csrrwi), ("csrs", .csrrs, .csrrsi), ("csrc", .csrrc, .csrrci),
    ] {
      pseudo(name, .csrWrite(opcode, immediate), "csr, rs", 2...2)
      pseudo(name + "i", .csrWriteImmediate(immediate), "csr, immediate", 2...2)
    }
    pseudo("unimp", .unimplemented, "", 0...0)
    add("scall", .real(.ecall, []), "", 0...0)
    add("sbreak", .real(.ebreak, []), "", 0...0)
    self.names = names
    self.entries = entries
    self.usages = usages
  }

  static func isFloatRegister(_ word: String) -> Bool {
    let rest = word.dropFirst()
    let prefixes = ["", "t", "s", "a"]
    return prefixes.contains { prefix in
      rest.hasPrefix(prefix) && UInt8(rest.dropFirst(prefix.count)).map { $0 < 32 } ?? false
    }
  }

  /// Why a real RISC-V mnemonic is none of ours.
  static func refusal(of word: String) -> (message: String, help: String?)? {
    let privileged = [
      "mret", "sret", "uret", "dret", "mnret", "wfi", "sfence.vma", "sfence.vm", "hfence.vvma",
      "hfence.gvma", "sinval.vma",
    ]
    if privileged.contains(word) {
      return ("is privileged; this core runs user mode only (the kernel is not a guest)", nil)
    }
    if word.hasPrefix("c.") {
      return (
        "is a compressed instruction (extension C), which this core does not have",
        "write it without 'c.'"
      )
    }
    let floats = [
      "fl", "fs", "fadd", "fsub", "fmul", "fdiv", "fsqrt", "fmv", "fmadd", "fmsub", "fnmadd",
      "fnmsub", "fcvt", "feq", "flt", "fle", "fclass", "fmin", "fmax", "fneg", "fabs", "frcsr",
      "fscsr", "frflags", "fsflags", "frrm", "fsrm", "fsgnj",
    ]
    if word.hasPrefix("f"), !word.hasPrefix("fence"),
      floats.contains(where: {
        word.hasPrefix($0) && (word.count <= $0.count + 1 || word.contains(".") || $0.count > 3)
      })
    {
      return (
        "is a floating-point instruction, and this core has no F or D",
        "build C with -march=rv64ima -mabi=lp64"
      )
    }
    let bits = [
      "andn", "orn", "xnor", "clz", "ctz", "cpop", "clzw", "ctzw", "cpopw", "max", "min", "maxu",
      "minu", "rol", "ror", "rori", "rolw", "rorw", "roriw", "rev8", "orc.b", "sh1add", "sh2add",
      "sh3add", "add.uw", "sh1add.uw", "sh2add.uw", "sh3add.uw", "slli.uw", "bset", "bclr", "binv",
      "bext", "bseti", "bclri", "binvi", "bexti", "clmul", "clmulh", "clmulr",
    ]
    if bits.contains(word) {
      return ("belongs to extension B (Zba, Zbb, Zbs, Zbc), which this core does not have", nil)
    }
    if ["rdcycleh", "rdtimeh", "rdinstreth"].contains(word) {
      return ("exists on RV32 only", "\(word.dropLast()) reads all 64 bits")
    }
    if word.hasPrefix("la.tls.") {
      return ("needs thread-local storage, which is not supported", nil)
    }
    if word.hasPrefix("v"), word.contains(".v") || word.hasPrefix("vset") {
      return ("is a vector instruction (extension V), which this core does not have", nil)
    }
    return nil
  }
}

/// Register and CSR names, found by their bytes.
final class RegisterNames: Sendable {
  static let shared = RegisterNames()

  nonisolated(unsafe) private let table: NameTable
  private let numbers: [UInt8]
  nonisolated(unsafe) private let controlTable: NameTable
  private let controlNumbers: [UInt16]
  let names: [String]
  let controlNames: [String]

  private init() {
    names = Register.allCases.map(\.name) + Register.allCases.map(\.xName) + ["fp"]
    table = NameTable(names)
    numbers = Array(0..<32) + Array(0..<32) + [8]
    let controls = ControlStatusRegister.names
    controlNames = controls.map(\.name)
    controlTable = NameTable(controlNames)
    controlNumbers = controls.map(\.number)
  }

  func find(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt8? { table.find(bytes).map { numbers[$0] } }
  func find(_ name: String) -> UInt8? { table.find(name).map { numbers[$0] } }
  func findControl(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt16? {
    controlTable.find(bytes).map { controlNumbers[$0] }
  }
}
