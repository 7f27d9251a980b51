"""Bytes to core data and back; the only room that knows file formats."""
