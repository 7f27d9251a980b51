"""samdesk: click a place in one scan, and it is found in every other scan."""

__version__ = "0.1.0"
