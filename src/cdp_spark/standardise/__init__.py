"""Standardise: from delivered rows to cleaned records and their identifiers."""
