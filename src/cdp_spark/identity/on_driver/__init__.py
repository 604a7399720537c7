"""A night's ids where its records are few: the rules of `identity.in_spark`, in plain Python."""
