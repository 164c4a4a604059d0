"""Commands for releases."""

import click


@click.group()
def release() -> None:
    """Releases: begun, promoted, watched, finished or rolled back."""
