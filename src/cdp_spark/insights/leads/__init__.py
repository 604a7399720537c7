"""Probabilities of outcomes, such as a purchase or churn, from what people did before."""
