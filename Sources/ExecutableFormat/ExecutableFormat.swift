// ExecutableFormat: ELF64 files for RISC-V, read and written from one description.
//
// `ELFStructures.swift` lists the fields of each record once; reader (`ELFImage`) and writer
// (`ELFFile`) both walk that list. The reader accepts any bytes and answers with an image or with an
// `ELFError`, a sentence that says what is wrong and how to build a file that works; it never traps.
// Symbols and line numbers (DWARF `.debug_line`) come along when the file has them, for reports only.
// This target knows nothing of memory or processes: the kernel maps what `ELFImage.segments` says.
