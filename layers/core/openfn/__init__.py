"""What the three functions share: one noun, one module."""
