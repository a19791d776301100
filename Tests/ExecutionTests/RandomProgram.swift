import MMUPaging
import RISCV

/// A random program: mostly arithmetic, loads and stores around pointers into the data area, short
/// branches, calls through registers, atomics, system calls, stores into its own code.
func randomProgram(seed: UInt64, length: Int) -> [UInt32] {
  var state = seed
  func random(_ bound: Int) -> Int { Int(SplitMix.next(&state) % UInt64(bound)) }
  func value() -> UInt8 { UInt8(16 + random(14)) }  // x16...x29 hold values
  func pointer() -> UInt8 { UInt8(8 + random(4)) }  // x8...x11 hold data pointers
  let arithmetic = Opcode.allCases.filter {
    [.alu, .multiply, .divide].contains($0.instructionClass) && $0 != .lui && $0 != .auipc
  }
  let immediates: Set<Opcode> = [
    .addi, .slti, .sltiu, .xori, .ori, .andi, .slli, .srli, .srai, .addiw, .slliw, .srliw, .sraiw,
  ]
  let loads: [Opcode] = [.lb, .lh, .lw, .ld, .lbu, .lhu, .lwu]
  let stores: [Opcode] = [.sb, .sh, .sw, .sd]
  let branches: [Opcode] = [.beq, .bne, .blt, .bge, .bltu, .bgeu]
  let atomics = Opcode.allCases.filter { $0.instructionClass == .atomic }
  var program: [UInt32] = []
  func emit(_ i: Instruction) { program.append(encode(i)) }
  // x8...x11 = data area, spread over pages; x12 = code.
  for i in 0..<4 {
    emit(Instruction(.addi, rd: UInt8(8 + i), immediate: 1))
    emit(Instruction(.slli, rd: UInt8(8 + i), rs1: UInt8(8 + i), immediate: 34))
    emit(Instruction(.lui, rd: 13, immediate: Int32(random(90) << 12)))
    emit(Instruction(.add, rd: UInt8(8 + i), rs1: UInt8(8 + i), rs2: 13))
  }
  emit(Instruction(.auipc, rd: 12, immediate: 0))
  // x15 = a page that gets its code at run time.
  emit(Instruction(.lui, rd: 15, immediate: Int32(MiniMachine.written)))
  while program.count < length {
    switch random(100) {
    case 0..<38:
      let opcode = arithmetic[random(arithmetic.count)]
      if immediates.contains(opcode) {
        let isShift = [.slli, .srli, .srai, .slliw, .srliw, .sraiw].contains(opcode)
        let isWord = [.slliw, .srliw, .sraiw].contains(opcode)
        emit(
          Instruction(
            opcode, rd: value(), rs1: value(),
            immediate: isShift ? Int32(random(isWord ? 32 : 64)) : Int32(random(4096) - 2048)))
      } else {
        emit(Instruction(opcode, rd: value(), rs1: value(), rs2: value()))
      }
    case 38..<56:
      let aligned = random(4) != 0
      let offset = Int32(random(4096) - 2048) & (aligned ? ~7 : ~0)
      emit(
        Instruction(loads[random(loads.count)], rd: value(), rs1: pointer(), immediate: offset))
    case 56..<70:
      let aligned = random(4) != 0
      let offset = Int32(random(4096) - 2048) & (aligned ? ~7 : ~0)
      emit(
        Instruction(stores[random(stores.count)], rs1: pointer(), rs2: value(), immediate: offset))
    case 70..<80:
      let distance = random(12) == 0 ? 4096 - random(2048) * 4 : random(24) - 8
      emit(
        Instruction(
          branches[random(branches.count)], rs1: value(), rs2: value(),
          immediate: Int32(max(-4096, min(4092, distance * (random(30) == 0 ? 2 : 4))))))
    case 80..<84:
      emit(Instruction(.jal, rd: random(2) == 0 ? 0 : 1, immediate: Int32(random(40) - 8) * 4))
    case 84..<86:
      let isWritten = random(2) == 0
      emit(
        Instruction(
          .jalr, rd: 1, rs1: isWritten ? 15 : 12,
          immediate: Int32(random(isWritten ? 64 : 2000)) & ~3))
    case 86..<91:
      emit(Instruction(.addi, rd: 13, rs1: 0, immediate: Int32(random(256)) * 8))
      emit(Instruction(.add, rd: 13, rs1: 13, rs2: pointer()))
      let opcode = atomics[random(atomics.count)]
      let isLoad = opcode == .lrW || opcode == .lrD
      emit(Instruction(opcode, rd: value(), rs1: 13, rs2: isLoad ? 0 : value()))
    case 91..<94:
      // Moves a pointer by some pages, inside the area most of the time.
      emit(Instruction(.lui, rd: 13, immediate: Int32((random(41) - 20) << 12)))
      let p = pointer()
      emit(Instruction(.add, rd: p, rs1: p, rs2: 13))
    case 94..<96: emit(Instruction(.ecall))
    case 96:
      emit(
        Instruction(
          .csrrs, rd: value(), immediate: Int32([0xc00, 0xc01, 0xc02][random(3)])))
    case 97:
      // Writes instructions into its own code, or into the page that is meant for it.
      for _ in 0...random(4) {
        let isOwn = random(4) == 0
        emit(Instruction(.lw, rd: 14, rs1: 12, immediate: Int32(random(500)) * 4))
        emit(
          Instruction(
            .sw, rs1: isOwn ? 12 : 15, rs2: 14, immediate: Int32(random(isOwn ? 500 : 24)) * 4))
      }
      emit(Instruction(.fenceI))
    case 98:
      emit(
        Instruction(.lui, rd: value(), immediate: Int32(truncatingIfNeeded: random(1 << 20) << 12)))
    default: program.append(UInt32(truncatingIfNeeded: SplitMix.next(&state)))
    }
  }
  emit(Instruction(.jalr, rd: 0, rs1: 12, immediate: 0))
  return program
}
