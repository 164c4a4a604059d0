"""Maintenance: for a while everything can be read and nothing can be changed. What everybody sees of it: ``banner``."""
