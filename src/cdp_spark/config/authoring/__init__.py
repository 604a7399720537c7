"""What helps a person write a configuration: JSON Schemas for editors, a starter project."""
