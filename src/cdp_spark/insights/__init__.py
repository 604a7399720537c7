"""What a customer's history tells: lifetime value, contracts, recency and frequency, sessions, attribution."""
