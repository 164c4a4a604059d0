"""Tasks: the work that agents are given; how it is claimed, done, logged and ended."""
