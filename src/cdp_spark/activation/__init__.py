"""Activation: a segment's profiles, as far as they have consented, to the destinations that act on them."""
