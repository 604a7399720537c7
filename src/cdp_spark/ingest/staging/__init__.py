"""From delivered rows to what is new in bronze, as pure transformations."""
