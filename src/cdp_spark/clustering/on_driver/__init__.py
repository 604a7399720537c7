"""Clustering where all that is looked at fits on the driver."""
