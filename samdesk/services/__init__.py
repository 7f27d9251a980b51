"""Do it without freezing the window; QtCore only."""
