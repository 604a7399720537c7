"""From the sources' files and tables to bronze: every row is kept as received or refused with its reason."""
