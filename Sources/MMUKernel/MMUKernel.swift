// MMUKernel: a Linux-like kernel in Swift, running "on the host side" of a trap. It owns what is
// policy: areas, frames, page tables, faults, system calls, signals. It is not the hardware (that is
// MMUPaging, which it sees through `MMU`, `PageFault` and bytes in `PhysicalMemory`) and not the core
// (it sees a `TrapFrame`). Observable behaviour follows Linux; Spec/Kernel.md lists the rules, the
// counting, and where we differ on purpose.
//
// Where to read next: `Kernel` and `Kernel+Trap` (a trap comes in, a `TrapResult` goes out). Memory/ has
// frames, areas, page tables, and in `AddressSpace+Fault` what a page fault does, top to bottom; put your
// own in its place with `PageFaultHandler`. Processes/ has who runs, fork, exec, waiting, signals, pipes;
// FileSystem/ inodes, the page cache, /proc; Syscalls/ the dispatch and the calls; Tracing/ --strace and
// the stories of deaths; Host/ the doors to the host.
