// MMUKernel: a Linux-like kernel in Swift, running "on the host side" of a trap. It owns what is
// policy: areas, frames, page tables, faults, system calls, signals. It is not the hardware (that is
// MMUPaging, which it sees through `MMU`, `PageFault` and bytes in `PhysicalMemory`) and not the core
// (it sees a `TrapFrame`). Observable behaviour follows Linux; Spec/Kernel.md lists the rules, the
// counting, and where we differ on purpose.
//
// Where to read next: `Kernel` (a trap comes in, a `TrapResult` goes out), `AddressSpace` (areas,
// page tables and the operations on both), `AddressSpace+Fault` (what a page fault does, top to
// bottom), `PageFaultHandler` (put your own there), `FrameAllocator`, `SystemMemory` (what all
// address spaces share), `Kernel+SystemCalls` (the dispatch).
