"""Jobs: load an expression and execute it once."""
