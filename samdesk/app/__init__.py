"""Start, connect, end; the command line."""
