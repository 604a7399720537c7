"""Segments on the terminal."""
