"""Try a job on this machine, and show everything that it would do."""
