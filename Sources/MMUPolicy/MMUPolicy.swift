// MMUPolicy: the page-replacement replay. A string of page references runs through a fixed number of
// frames under demand paging, by one algorithm, and every fault, eviction and writeback is counted
// exactly; for LRU and OPT, all memory sizes in one pass. It is not the kernel's reclaim: there is no
// address space, no accessed bit, no disk and no time here, and so algorithms can stand side by side
// that no kernel can run, such as exact LRU, LFU and OPT, which knows the future.
//
// Where to read next: `ReferenceString` (what is replayed) and `ReferenceText` (its text form),
// `ReplacementAlgorithm` (the protocol: put your own there), `replay` (the one loop),
// `ReplacementPolicy` (the algorithms by name), `MissCurve` (all sizes at once). Spec/Policies.md states
// the rules in prose.
