"""Read, validate and compile an organization's project."""
