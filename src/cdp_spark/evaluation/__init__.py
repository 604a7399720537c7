"""How good the clusters are: against a truth, against labels, or estimated from a sample of answers."""
