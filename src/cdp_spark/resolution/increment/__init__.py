"""Matching where few records changed: which pairs are compared anew, and which stay."""
