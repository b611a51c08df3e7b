"""The web console: pages on what a stack has received, why, and what followed."""
