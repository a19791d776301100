// MMUKit: the library. A `Machine` is memory, a core with its MMU, and the kernel, put together by a
// `MachineConfiguration`; running it gives a `RunResult`. Whoever tests a fault handler or a memory
// manager of their own needs no machine: `KernelServices` and `MMU` are enough. Everything a user of
// the library names is re-exported here.

@_exported public import ExecutableFormat
@_exported public import MMUExecution
@_exported public import MMUKernel
@_exported public import MMUMemory
@_exported public import MMUPaging
@_exported public import MMUTiming
