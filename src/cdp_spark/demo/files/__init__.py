"""How rows become the files that a source delivers."""
