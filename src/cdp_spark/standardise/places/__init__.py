"""Postal addresses: streets, postcodes, countries."""
