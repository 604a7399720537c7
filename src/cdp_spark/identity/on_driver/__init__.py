"""A night's ids where its records are few: tables in Arrow memory, and the rules of `in_spark` in plain Python."""
