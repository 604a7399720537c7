"""Profiles: one row per person, account or visitor, recomputed from records every night."""
