"""Commands for snapshots."""

import click


@click.group()
def snapshot() -> None:
    """Snapshots: database and workflow file as one pair."""
