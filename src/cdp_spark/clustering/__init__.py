"""From scored pairs to clusters: connected components, then average linkage inside each."""
