"""Workflows, kept in one JSON file."""
