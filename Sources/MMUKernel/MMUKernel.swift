// MMUKernel
