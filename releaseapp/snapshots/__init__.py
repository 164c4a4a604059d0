"""Snapshots: database and workflow file as one pair, made, verified, kept, put back."""
