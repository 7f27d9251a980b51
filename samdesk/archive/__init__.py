"""Embed and search many scans."""
