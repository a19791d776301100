// MMUAssembly: GNU-syntax RISC-V assembly source in, a static ELF64 executable (or diagnostics) out.
//
// One pass reads statements and fills sections (`Assembler.swift` and its extensions; characters are
// read by `Cursor.swift`); layout then sizes what could not be sized at once, places the sections as a
// linker would and resolves every expression (`Layout.swift`, `Fixups.swift`, `Output.swift`).
// Instruction encodings come from the table in target RISCV; only pseudo-instructions live here.
// Messages are `Diagnostic` values, rendered by the one `DiagnosticRenderer`. Spec/Assembly.md is the
// language; what we do differently from GNU as is listed there.
