"""The command line `ofn`: one module per group of commands."""
