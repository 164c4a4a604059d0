"""What commands ask for and never take as an argument, which every account of the host can read."""

import os

import click

_PASSWORD = "RELEASEAPP_PASSWORD"  # noqa: S105 - the name of a variable


def password_of(email: str) -> str:
    """Somebody's password, from the environment or typed; raises UsageError where there is neither."""
    try:
        return os.environ.get(_PASSWORD) or click.prompt(f"Password of {email}", hide_input=True, err=True)
    except click.Abort:
        raise click.UsageError(f"Give the password of {email} in {_PASSWORD}, or on a terminal.") from None
