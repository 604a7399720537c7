"""What a night costs of which one record in a hundred changed: incremental and in full, on the same tables."""
