"""Average linkage inside connected components: numpy only, no Spark."""
