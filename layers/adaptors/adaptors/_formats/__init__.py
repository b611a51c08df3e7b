"""Formats: JSON, plain text and paths into data."""
