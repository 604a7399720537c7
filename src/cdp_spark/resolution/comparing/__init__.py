"""Comparing: two values to a level, for many pairs at once."""
