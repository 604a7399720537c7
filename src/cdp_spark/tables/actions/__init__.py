"""Running Spark actions: once for a frame that serves several times, and several at the same time."""
