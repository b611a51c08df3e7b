"""The compiled project: inboxes, triggers, fragments and their index."""
