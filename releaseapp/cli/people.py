"""Commands for accounts of people and workspaces of teams."""

from pathlib import Path

import click

from releaseapp.auth.service import create_account, find_account_by_email
from releaseapp.cli.ini import INI, open_server, refusals_are_sentences
from releaseapp.workspaces.service import create_workspace


@click.group()
def user() -> None:
    """Accounts of people."""


@user.command("add")
@INI
@click.argument("email")
@click.option("--name", required=True, help="What others see.")
@click.option("--operator", is_flag=True, help="May run the server: releases, snapshots.")
@click.password_option(help="Asked for when it is left out.")
@refusals_are_sentences
def add_user(ini: Path, email: str, name: str, password: str, *, operator: bool) -> None:
    """Adds an account."""
    settings, db = open_server(ini)
    account = create_account(db, settings, email, name, password, is_operator=operator)
    click.echo(f"Added {account.email} ({account.id}).")


@click.group()
def workspace() -> None:
    """Workspaces of teams."""


@workspace.command("add")
@INI
@click.argument("slug")
@click.option("--name", required=True, help="What people see.")
@click.option("--owner", required=True, help="The e-mail of the account that shall own it.")
@refusals_are_sentences
def add_workspace(ini: Path, slug: str, name: str, owner: str) -> None:
    """Adds a workspace."""
    _, db = open_server(ini)
    account = find_account_by_email(db, owner)
    if account is None:
        raise click.BadParameter(
            f"there is no account {owner}; add it with 'releaseapp user add'", param_hint="--owner"
        )
    made = create_workspace(db, slug, name, account)
    click.echo(f"Added {made.slug} ({made.id}), owned by {account.email}.")
