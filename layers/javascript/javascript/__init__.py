"""The JavaScript runtime: executes OpenFn's own jobs, whose operations are the Python adaptors."""
