"""Traits: what a person's events come to, each as a value with its history."""
