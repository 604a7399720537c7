"""Who is to be erased, and where they are found."""
