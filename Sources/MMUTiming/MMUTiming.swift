// MMUTiming: what things cost. `CostModel` holds every latency, each with its reason, so that a
// fuller timing model can replace this page without touching the machine. Counts never depend on it.

/// A number of processor clock cycles.
public typealias Cycles = UInt64
