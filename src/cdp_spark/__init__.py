"""A Customer Data Platform engine on Spark."""

__version__ = "0.1.0"
