"""Why two records were joined or kept apart, and how a cluster came together."""
