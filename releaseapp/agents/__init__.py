"""Agents, the tasks they do, and the memory they keep."""
