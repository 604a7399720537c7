"""What is measured about records → unified ids, and the tools that are measured beside cdp-spark."""
