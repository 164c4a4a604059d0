"""Workspaces, their members, and the role matrix."""
