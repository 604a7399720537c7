"""What a release says of segments, and what its profiles would make of them as they are defined now."""
