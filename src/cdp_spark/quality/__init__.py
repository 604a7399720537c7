"""Data quality: how full, readable, distinct, fresh and large what each source delivers is, run after run."""
