"""Commands that look into a warehouse and its releases, or correct them."""
