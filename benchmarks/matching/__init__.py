"""Records → unified ids: seconds, memory and accuracy of cdp-spark and of Splink on the same records."""
