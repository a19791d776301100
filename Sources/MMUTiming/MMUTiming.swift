// MMUTiming
