"""Names, birth dates, gender and national ids."""
