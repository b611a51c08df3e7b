"""Create a small project that passes `ofn check` and `ofn test`."""
