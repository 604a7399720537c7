"""What a person or company is called, where they live, and how they are reached."""
