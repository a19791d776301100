// MMUKit
