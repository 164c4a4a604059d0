"""Commands for accounts of people and workspaces of teams."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
import msgspec

from releaseapp.auth import service as auth
from releaseapp.auth.models import Newcomer
from releaseapp.auth.people import service as people
from releaseapp.cli.ini import INI, make_server, open_server, refusals_are_sentences
from releaseapp.cli.people_list import list_users
from releaseapp.workspaces.service import create_workspace

_SAID_NO = 1
_FORCE = click.option("--force", is_flag=True, help="Also the last operator who can sign in.")


class Given(msgspec.Struct, frozen=True):
    """What a command line says of a password; ``must_change`` is None when it says nothing."""

    typed: str | None
    generate: bool
    must_change: bool | None

    def password(self) -> str:
        """The password, made or asked for where it was not given; raises UsageError for two of them, or none."""
        if self.generate and self.typed is not None:
            raise click.UsageError("--password and --generate contradict each other; give one of them.")
        if self.generate:
            return people.new_password()
        if self.typed is not None:
            return self.typed
        try:
            return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
        except click.Abort:
            raise click.UsageError(
                "No password was given: type it twice, pipe it in twice, or --generate one."
            ) from None


def _takes_password(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of a password, as ``given``."""

    @click.option(
        "--password", "typed", help="Others on this machine can read it here. Asked for, twice, when left out."
    )
    @click.option("--generate", is_flag=True, help="Makes a password, and prints it this once.")
    @click.option(
        "--change-at-next-sign-in/--no-change-at-next-sign-in",
        "must_change",
        default=None,
        help="Whether the person has to take another password before anything else.",
    )
    @wraps(command)
    def wrapper(*words: Any, typed: str | None, generate: bool, must_change: bool | None, **options: Any) -> None:
        command(*words, given=Given(typed, generate, must_change), **options)

    return wrapper


@click.group()
def user() -> None:
    """Accounts of people."""


@user.command("add")
@INI
@click.argument("email")
@click.option("--name", required=True, help="What others see.")
@click.option("--operator", is_flag=True, help="May run the server: releases, snapshots.")
@_takes_password
@refusals_are_sentences
def add_user(ini: Path, email: str, name: str, *, operator: bool, given: Given) -> None:
    """Adds an account.

    Its password has to be changed at the first sign-in; but not an operator's who was not given one by --generate,
    since operators add themselves with this.
    """
    settings, db = make_server(ini)
    password = given.password()
    due = given.must_change if given.must_change is not None else given.generate or not operator
    account = auth.add_account(db, settings, Newcomer(email, name, operator, due), password)
    click.echo(f"Added {account.email} ({account.id}).")
    _tell(password, given, due=due)


@user.command("password")
@INI
@click.argument("email")
@_takes_password
@click.option("--keep-until-sign-in", is_flag=True, help="Sets none: the present one has to be changed at the sign-in.")
@click.option("--revoke-tokens", is_flag=True, help="Ends the tokens that the account's programs have, too.")
@refusals_are_sentences
def set_password(ini: Path, email: str, *, keep_until_sign_in: bool, revoke_tokens: bool, given: Given) -> None:
    """Sets somebody's password, and ends the sessions of the account.

    The person has to change it at the next sign-in, unless --no-change-at-next-sign-in says otherwise. Tokens of
    programs go on unless --revoke-tokens ends them.
    """
    if keep_until_sign_in and (given.typed is not None or given.generate or given.must_change is False):
        raise click.UsageError("--keep-until-sign-in sets no password; leave the other options out.")
    settings, db = open_server(ini)
    account = people.get_by_email(db, email)
    if keep_until_sign_in:
        people.require_change(db, account.id)
        click.echo(f"{account.email} has to change the password at the next sign-in. All sessions are ended.")
    else:
        password, due = given.password(), given.must_change is not False
        people.set_password(db, settings, account, password, must_change=due)
        click.echo(f"The password of {account.email} is set. All sessions are ended.")
        _tell(password, given, due=due)
    if revoke_tokens:
        click.echo(f"Tokens of programs revoked: {people.revoke_tokens(db, account.id):,}.")


@user.command("disable")
@INI
@click.argument("email")
@_FORCE
@refusals_are_sentences
def disable_user(ini: Path, email: str, *, force: bool) -> None:
    """Closes an account: its sessions and its programs' tokens end at once. Exits with 1 when it was closed already."""
    _, db = open_server(ini)
    account = people.get_by_email(db, email)
    done = people.disable(db, account.id, force=force)
    _say(done, f"{account.email} is disabled.", f"{account.email} was disabled already.")


@user.command("enable")
@INI
@click.argument("email")
@refusals_are_sentences
def enable_user(ini: Path, email: str) -> None:
    """Opens an account again; revoked tokens stay revoked. Exits with 1 when it was open already."""
    _, db = open_server(ini)
    account = people.get_by_email(db, email)
    done = people.enable(db, account.id)
    _say(done, f"{account.email} can sign in again.", f"{account.email} was not disabled.")


@user.command("operator")
@INI
@click.argument("email")
@click.argument("state", type=click.Choice(["on", "off"]))
@_FORCE
@refusals_are_sentences
def make_operator(ini: Path, email: str, state: str, *, force: bool) -> None:
    """Makes somebody an operator of this server, or no longer. Exits with 1 when nothing was to be changed."""
    _, db = open_server(ini)
    account = people.get_by_email(db, email)
    done = people.set_operator(db, account.id, operator=state == "on", force=force)
    now = "an operator" if state == "on" else "no operator"
    _say(done, f"{account.email} is {now} now.", f"{account.email} was {now} already.")


user.add_command(list_users)


def _tell(password: str, given: Given, *, due: bool) -> None:
    if given.generate:
        click.echo(f"The password, shown this once: {password}")
    if due:
        click.echo("It has to be changed at the next sign-in.")


def _say(done: bool, well: str, already: str) -> None:  # noqa: FBT001 - it is what was answered
    click.echo(well if done else already)
    if not done:
        sys.exit(_SAID_NO)


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
    _, db = make_server(ini)
    account = auth.find_account_by_email(db, owner)
    if account is None:
        raise click.BadParameter(
            f"there is no account {owner}; add it with 'releaseapp user add'", param_hint="--owner"
        )
    made = create_workspace(db, slug, name, account)
    click.echo(f"Added {made.slug} ({made.id}), owned by {account.email}.")
