"""Read messages and runs for display, and replay them."""
