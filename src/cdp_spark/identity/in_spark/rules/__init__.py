"""What becomes of ids, as joins and windows."""
