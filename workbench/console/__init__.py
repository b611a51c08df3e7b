"""Serve the web console on this machine."""
