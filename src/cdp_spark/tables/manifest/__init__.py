"""What a warehouse was written to hold, recorded outside its tables: what is recorded is demanded."""
