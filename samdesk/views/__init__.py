"""Show and ask."""
