"""Segments: who belongs to what, since when, and why that changed."""
