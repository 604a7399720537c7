"""Learning: from pattern counts to a model, and whether it can be trusted."""
