"""Scores and offers: models of people's events, fitted once, applied by every night."""
