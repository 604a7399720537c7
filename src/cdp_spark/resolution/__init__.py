"""From cleaned records to scored pairs and clusters: blocking, matching and clustering put together."""
