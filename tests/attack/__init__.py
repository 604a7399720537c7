"""Tries against the product, listed in `tries.yaml`, and the tests that prove their outcomes."""
