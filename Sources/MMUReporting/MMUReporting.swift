// MMUReporting
