// MMUAssembly
