"""What speaks for and against one pair of records."""
