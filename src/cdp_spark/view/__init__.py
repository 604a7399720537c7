"""The 360° view: everything a release knows about one person, account, visitor or household."""
