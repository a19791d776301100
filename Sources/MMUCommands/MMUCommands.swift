// MMUCommands
