"""A project's configuration: strict models, one file a section."""
