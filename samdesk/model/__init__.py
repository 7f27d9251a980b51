"""Core data through a trained network, without torch."""
