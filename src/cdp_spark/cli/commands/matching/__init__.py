"""The commands that judge, explain and label matches."""
