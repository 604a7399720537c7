"""What belongs together without being the same: people and their accounts, people of one household."""
