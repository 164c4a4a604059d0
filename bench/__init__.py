"""Measurements side by side with a peer: the same rows, questions and core; run ``python -m bench``."""
