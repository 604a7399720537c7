"""What identifiers add to the model: links between records, and visitors' way to their people."""
