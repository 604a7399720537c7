"""Erasure: a person out of every table, its older versions included, and kept from coming back."""
