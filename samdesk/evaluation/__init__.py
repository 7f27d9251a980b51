"""Say how good it is, beside its baselines."""
