"""drt (drt-core): the project that it sends rows by, and what became of them."""
