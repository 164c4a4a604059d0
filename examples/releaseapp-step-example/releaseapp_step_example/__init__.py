"""A step type of our own."""
