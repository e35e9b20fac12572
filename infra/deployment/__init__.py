"""Deploy a stack, update it and take it away."""
