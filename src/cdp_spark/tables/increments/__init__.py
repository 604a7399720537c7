"""What an incremental night knows about the nights before it: who was worked on, which rows still count."""
