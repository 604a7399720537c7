"""One's own files as records: read, columns recognised, values cleaned."""
