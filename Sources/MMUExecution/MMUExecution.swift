// MMUExecution
