// ExecutableFormat
