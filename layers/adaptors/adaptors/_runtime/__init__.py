"""What surrounds an attempt: its context, dry runs, emitted messages."""
