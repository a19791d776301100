// RISCV: the RISC-V instruction set as data.
//
// One table (`InstructionTable.swift`) gives each instruction's mnemonic, format, encoding and class.
// `decode`, `encode` and `disassemble` read it, and so does the assembler (target MMUAssembly), so an
// encoding is written down exactly once. Implemented: RV64I, M, A, Zicsr, Zifencei; Spec/ISA.md is
// the prose. This target knows nothing of execution: registers' values, memory and traps belong to
// MMUExecution. Read next: `Opcode.swift`, `InstructionTable.swift`, `Decode.swift`.
