"""Releases: begun, promoted, watched, finished or rolled back, with a log that writes itself."""
