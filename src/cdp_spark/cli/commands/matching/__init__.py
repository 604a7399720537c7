"""The commands that match, and that judge, explain and label matches."""
