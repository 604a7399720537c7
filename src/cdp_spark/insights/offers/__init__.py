"""Next best products: what a person buys again, what goes with it, what is popular; see `model`."""
