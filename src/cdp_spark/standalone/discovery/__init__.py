"""What the columns of unknown data mean, from their names and values."""
