"""The context of an attempt, dry runs and emitted messages."""
