"""How good next best products are, beside simple rivals, and how long many people take."""
