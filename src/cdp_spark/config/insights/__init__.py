"""What is made of events: `insights.yaml`."""
