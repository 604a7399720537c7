"""The worst mistakes: wrong pairs with the most weight for them, and missed ones with the most weight, and why."""
