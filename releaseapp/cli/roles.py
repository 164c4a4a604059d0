"""Commands for the role matrix."""

import click


@click.group()
def roles() -> None:
    """Who may do what: the role matrix of the whole server."""
