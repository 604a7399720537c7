"""Match records of one's own files and frames: no project, no warehouse, and up to a limit neither Spark nor Java."""
