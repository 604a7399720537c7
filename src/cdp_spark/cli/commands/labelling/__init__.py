"""Commands for what people say about pairs."""
