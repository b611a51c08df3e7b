"""What a job may say: one module per system, and `common` for every job.

Nothing here knows of AWS: a job runs anywhere Python runs.
"""

ADAPTORS = ("http",)
"""The modules that a credential can be for."""
