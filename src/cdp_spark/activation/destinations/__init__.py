"""What sends rows to a destination, one class for each kind."""
