"""Runs: one job applied to one message, minute or upstream run."""
