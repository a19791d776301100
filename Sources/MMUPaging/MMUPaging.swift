// MMUPaging
