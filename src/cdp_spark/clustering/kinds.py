"""Entity types that clustering treats apart from others."""

PERSON = "person"
VISITOR = "visitor"
