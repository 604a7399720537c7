"""A night's ids where its records are few: the rules of the Spark modules beside this folder, in plain Python."""
