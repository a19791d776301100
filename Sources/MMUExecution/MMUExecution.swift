// MMUExecution: the core. It fetches, decodes and executes RV64IMA user-mode instructions, every
// access through the MMU, and stops with a `StopReason` when something else must act. It knows no
// kernel: system calls and faults are the caller's.
//
// Two engines run the same core. `ReferenceEngine` is the definition: one instruction at a time, one
// modelled lookup for every fetch, load and store. `FastEngine` decodes whole frames into threaded
// operations and skips every lookup that could change nothing; registers, memory, counters and
// cycles are the same after any number of instructions. Start with `Core`, then `ReferenceEngine`;
// the fast engine is `FastEngine` (the loop around a slice), `DecodedPage` (the decoder) and
// `Handlers` (one function for each operation,
// `Handlers+Pairs` for two at once).
