"""The suppression list: identifiers that must not come back, as keyed hashes."""
