"""Running the stages in order, publishing what they made, and taking it back; each module is imported by its name."""
