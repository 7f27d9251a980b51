"""One file for each way of learning without labels."""
