"""Experiments and hold-outs: who is in which arm, and what the arms came to."""
