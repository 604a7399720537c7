"""What new events cost: from files to `unified_events`, sessions and attributions."""
