"""Events of people: each event with the profile of the visitor whom it shows."""
