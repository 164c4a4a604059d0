"""Runs: workflows at work. The state machine, the worker that drives it, and what people see and do with runs."""
