"""Credentials: their fields, local files and AWS Secrets Manager."""
