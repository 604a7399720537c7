"""What people do: sessions, credit for conversions, funnels, cohorts, and what was left behind."""
