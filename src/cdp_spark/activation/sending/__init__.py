"""Sending: what sends to each kind of destination, and which rows wait for a later run."""
