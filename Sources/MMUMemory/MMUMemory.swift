// MMUMemory: the names of places (virtual and physical addresses, page and frame numbers, page
// sizes) and the bytes themselves (`PhysicalMemory`). It knows nothing of page tables, rights or
// processes. Start with `PhysicalMemory`; addresses are in `Addresses.swift`; everything the host's
// C library is asked for stands in `Platform.swift`.
