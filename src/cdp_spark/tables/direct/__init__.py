"""Delta tables on this machine's own disk, read and written by the driver without a Spark query."""
