"""Companies: names, domains and figures."""
