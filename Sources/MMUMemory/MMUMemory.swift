// MMUMemory
