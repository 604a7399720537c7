"""A match model as the settings of a Splink model, and back."""
