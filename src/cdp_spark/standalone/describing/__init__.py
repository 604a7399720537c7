"""Describe a source: propose its YAML from its file, show how its rows are read, check it against its data."""
