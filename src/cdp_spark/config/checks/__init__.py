"""Checks of a project's files against each other."""
