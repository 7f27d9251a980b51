"""One file for each image format."""
