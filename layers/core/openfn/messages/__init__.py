"""Messages: stored posts, and the parsers of their bodies."""
