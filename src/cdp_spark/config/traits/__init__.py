"""Traits: the sections `insights.traits` and `insights.rfm`, and what they define."""
