"""One reader a format; all return the same delivered rows."""
