// MMULabs: small machines of the textbooks, to compare with the real one: heaps with placement
// strategies (FitHeap), buddies, segmentation beside paging, and the sizes of page tables. Each replays
// a script or reads a table, and renders what happened as text; Spec/Labs.md has the formats.
