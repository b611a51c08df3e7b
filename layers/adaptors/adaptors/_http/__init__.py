"""The HTTP client that all adaptors share."""
