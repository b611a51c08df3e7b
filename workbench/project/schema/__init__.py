"""The schema of project.yaml and its validation messages."""
