"""Comparing candidate pairs and weighing what was found (Fellegi–Sunter)."""
