"""The grammar of expressions: text to tree and back."""
