"""A night's ids in Spark, at any size."""
