"""The local stack: template.yaml's resources on this machine."""
