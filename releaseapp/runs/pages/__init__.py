"""Runs for browsers: the list, a run with its steps and its log, the form that starts one, and what overviews show."""
