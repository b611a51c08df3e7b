"""Read and change a deployed stack."""
