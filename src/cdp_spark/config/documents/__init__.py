"""YAML documents that know the line and column of every value."""
