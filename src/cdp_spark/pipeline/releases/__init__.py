"""Releases: which versions of the gold tables readers see, and how that changes."""
