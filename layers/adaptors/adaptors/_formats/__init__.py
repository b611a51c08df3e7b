"""Formats: JSON, plain text, XML encodings, and paths into data."""
