"""Putting a snapshot back while the server runs: what would be lost, the replacement, undo, and the nightly drill."""
