"""Make a trained network; the only rooms that know torch."""
