"""Who of a segment goes to a destination, with what, and why others are withheld."""
