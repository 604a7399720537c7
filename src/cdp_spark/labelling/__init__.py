"""What people say about pairs: links by hand, and sheets of pairs to answer."""
