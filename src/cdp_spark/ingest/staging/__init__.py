"""From delivered rows to staged ones in plain Python: what each row is, or why it is refused."""
