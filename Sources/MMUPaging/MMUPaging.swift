// MMUPaging: the memory-management unit. x86-64 long-mode 4-level paging to the letter of the Intel
// SDM, with the TLBs and paging-structure caches in front of it, and exact counts of all they do.
// It knows nothing of processes, areas or policies: it turns a linear address and an access into a
// physical address or a `PageFault`.
//
// Where to read next: `PageTableEntry` (the bits), `PagingRules` (who may do what), `MMU+Walk` (the
// walk), `MMU+Translate` (caches in front of it), `MMU+Control` (registers and invalidations),
// `TranslationContext` (the filter that lets an engine skip the model when skipping changes
// nothing). Spec/Paging.md states the same rules in prose, for a second implementation.
