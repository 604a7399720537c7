"""Delta tables: what each one is, and how it is read and written."""
