"""What people use on their own machine: the command line and the embedded stack."""
