"""What becomes of ids, record by record."""
