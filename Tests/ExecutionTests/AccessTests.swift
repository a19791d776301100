import MMUExecution
import MMUMemory
import MMUPaging
import RISCV
import Testing

/// Single accesses at the edges, in both engines alike.
@Suite struct AccessTests {
  /// x15 = the data area plus `offset`, x16 = `value`; then `body` and an EBREAK.
  private func machine(
    _ engine: EngineKind, offset: Int32, value: Int32 = -1, _ body: [Instruction]
  ) -> MiniMachine {
    let program =
      [
        Instruction(.addi, rd: 15, immediate: 1),
        Instruction(.slli, rd: 15, rs1: 15, immediate: 34),
        Instruction(.lui, rd: 14, immediate: (offset &+ 0x800) & ~0xfff),
        Instruction(.addi, rd: 14, rs1: 14, immediate: (offset << 20) >> 20),
        Instruction(.add, rd: 15, rs1: 15, rs2: 14),
        Instruction(.addi, rd: 16, immediate: value),
      ] + body + [Instruction(.ebreak)]
    return MiniMachine(program.map(encode), engine: engine)
  }

  @Test func `a store across a page writes nothing if the second page faults, and names that page`()
    throws
  {
    for engine in EngineKind.allCases {
      let machine = machine(engine, offset: 4092, [Instruction(.sd, rs1: 15, rs2: 16)])
      let first = machine.map(MiniMachine.data, flags: 0x67)
      let reason = machine.core.run()
      let address = VirtualAddress(MiniMachine.data + 4096)
      guard case .fault(.pageFault(let fault)) = reason else {
        Issue.record("\(engine): \(reason)")
        continue
      }
      #expect(fault.address == address)
      #expect(fault.errorCode == [.write, .user])
      #expect(try machine.memory.load(PhysicalAddress(first + 4088)) == 0)
      // Six instructions retired; the store was fetched and made two lookups, the second a fault's.
      let counters = machine.core.counters
      #expect(counters.instructions == 6)
      #expect(counters.instructionLookups == 7)
      #expect(counters.dataLookups == 2)
      #expect(counters.stores == 0)
      // Restarted with the page present it writes both halves, with two lookups more.
      let second = machine.map(MiniMachine.data + 4096, flags: 0x67)
      #expect(machine.core.run() == .breakpoint)
      #expect(try machine.memory.load(PhysicalAddress(first + 4088)) == 0xffff_ffff_0000_0000)
      #expect(try machine.memory.load(PhysicalAddress(second)) == 0xffff_ffff)
      #expect(machine.core.counters.dataLookups == 4)
      #expect(machine.core.counters.stores == 1)
    }
  }

  @Test func `LR, SC and AMO fault as writes, and trap if misaligned`() {
    for engine in EngineKind.allCases {
      for opcode in [Opcode.lrW, .lrD, .scW, .scD, .amoaddW, .amoaddD] {
        let rs2: UInt8 = opcode == .lrW || opcode == .lrD ? 0 : 16
        let body = [Instruction(opcode, rd: 17, rs1: 15, rs2: rs2)]
        let readOnly = machine(engine, offset: 8, body)
        readOnly.map(MiniMachine.data, flags: 0x65)
        guard case .fault(.pageFault(let fault)) = readOnly.core.run() else {
          Issue.record("\(engine): \(opcode) did not fault")
          continue
        }
        #expect(fault.errorCode == [.present, .write, .user], "\(engine): \(opcode)")
        let misaligned = machine(engine, offset: 10, body)
        let expected = StopReason.misalignedAtomic(address: MiniMachine.data + 10)
        #expect(misaligned.core.run() == expected, "\(engine): \(opcode)")
        #expect(misaligned.core.counters.dataLookups == 0)
      }
    }
  }

  @Test func `a non-canonical address is refused before any lookup`() {
    for engine in EngineKind.allCases {
      let machine = machine(
        engine, offset: 0,
        [
          Instruction(.slli, rd: 15, rs1: 16, immediate: 50),
          Instruction(.ld, rd: 17, rs1: 15),
        ])
      #expect(machine.core.run() == .fault(.generalProtection(~0 << 50)), "\(engine)")
      #expect(machine.core.counters.dataLookups == 0)
      #expect(machine.core.counters.instructionLookups == 8)
    }
  }

  @Test func `a jump to an address that is no multiple of 4 traps at the jump, with rd unwritten`()
  {
    for engine in EngineKind.allCases {
      for jump in [
        Instruction(.jal, rd: 17, immediate: 6),
        Instruction(.jalr, rd: 17, rs1: 16, immediate: 3),
        Instruction(.beq, rs1: 16, rs2: 16, immediate: 10),
      ] {
        let machine = machine(engine, offset: 0, value: 64, [jump])
        let pc = MiniMachine.code + 24
        let target = jump.opcode == .jalr ? 66 : pc + UInt64(jump.immediate)
        #expect(machine.core.run() == .misalignedFetch(target: target), "\(engine): \(jump)")
        #expect(machine.core.programCounter == pc)
        #expect(machine.core.registers[17] == 0)
        #expect(machine.core.counters.instructionLookups == 7)
      }
    }
  }

  @Test func `cycle, time and instret count what came before, and cannot be written`() {
    for engine in EngineKind.allCases {
      let machine = machine(
        engine, offset: 0,
        [
          Instruction(.csrrs, rd: 20, immediate: 0xc02),
          Instruction(.csrrs, rd: 21, immediate: 0xc00),
          Instruction(.csrrs, rd: 22, immediate: 0xc01),
          Instruction(.csrrw, rd: 23, rs1: 16, immediate: 0xc00),
        ])
      let word = encode(Instruction(.csrrw, rd: 23, rs1: 16, immediate: 0xc00))
      #expect(machine.core.run() == .illegalInstruction(word), "\(engine)")
      let registers = machine.core.registers
      #expect(registers[20] == 6)
      // Seven instructions at one cycle, and the first fetch's walk: 9 to start, 4 entries at 4, A to
      // set in each at 100; the MOV CR3 that began it all cost 200.
      #expect(registers[21] == 7 + 9 + 16 + 400 + 200)
      #expect(registers[22] == registers[21] / 300)
    }
  }
}
