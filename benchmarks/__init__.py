"""Benchmarks: what cdp-spark and its peers need for the same data on the same machine."""
