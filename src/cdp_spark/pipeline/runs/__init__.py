"""Runs: which one a start is, what it has reached, what it came to."""
