"""Say what things are and where they lie; numpy and scipy only."""
