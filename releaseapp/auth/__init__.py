"""Accounts, passwords, sessions, tokens, and the throttle on signing in."""

from typing import Any


def includeme(config: Any) -> None:
    """Shuts everything but the change of a password to those who have to change theirs."""
    config.include("releaseapp.auth.due")
