"""Accounts, passwords, sessions, tokens, and the throttle on signing in."""
