"""Versions of a match model: compared with each other, and with the labels."""
