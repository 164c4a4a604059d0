"""The ``releaseapp`` command."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from plaster import get_settings

import releaseapp
from releaseapp.auth.service import create_account, find_account_by_email
from releaseapp.db.api import Database
from releaseapp.errors import AppError, Invalid
from releaseapp.seeds import demo_lines
from releaseapp.seeds import seed as make_demo
from releaseapp.settings import Settings, as_markdown, load
from releaseapp.storage import open_database
from releaseapp.workflows import yaml_text
from releaseapp.workflows.definition import check as check_definition
from releaseapp.workspaces.service import create_workspace

INI = click.argument("ini", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
@click.version_option(releaseapp.__version__)
def main() -> None:
    """Runs and looks after a releaseapp server; each command takes the server's ini file."""


def _refusals_are_sentences(command: Callable[..., Any]) -> Callable[..., Any]:
    """A refusal is said in a sentence and exit code 2, without a traceback."""

    @wraps(command)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except AppError as error:
            click.echo(str(error), err=True)
            sys.exit(2)

    return wrapper


def _open(ini: Path) -> tuple[Settings, Database]:
    section = get_settings(str(ini), "app:main")
    values = {name: value for name, value in section.items() if name not in {"use", "here", "__file__"}}
    settings = load(values, os.environ, ini_path=str(ini))
    return settings, open_database(settings)


@main.command()
@INI
@_refusals_are_sentences
def seed(ini: Path) -> None:
    """Makes the demo workspaces and accounts, with a password that everybody knows."""
    settings, db = _open(ini)
    if not make_demo(db, settings):
        click.echo("The demo is there already.")
        return
    click.echo("\n".join(demo_lines()))


@main.command("settings")
def print_settings() -> None:
    """Prints every setting, as the page docs/settings.md."""
    click.echo(as_markdown(), nl=False)


@main.group()
def workflows() -> None:
    """Definitions of workflows."""


@workflows.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check_workflows(files: tuple[Path, ...]) -> None:
    """Checks definitions in YAML or JSON; tells every fault with its line, and exits with 1 when there is one."""
    faults = 0
    for file in files:
        for line, sentence in _faults_of_file(file):
            faults += 1
            click.echo(f"{file}:{line}: {sentence}")
    click.echo(f"{len(files)} checked, {faults} {'fault' if faults == 1 else 'faults'}.")
    sys.exit(1 if faults else 0)


def _faults_of_file(file: Path) -> list[tuple[int, str]]:
    try:
        value, lines = yaml_text.load(file.read_text(encoding="utf-8"))
    except Invalid as error:
        return [(1, str(error))]
    except UnicodeDecodeError:
        return [(1, "This is not UTF-8 text.")]
    return [(yaml_text.line_of(lines, fault.pointer), fault.detail) for fault in check_definition(value)]


@main.group()
def user() -> None:
    """Accounts of people."""


@user.command("add")
@INI
@click.argument("email")
@click.option("--name", required=True, help="What others see.")
@click.option("--operator", is_flag=True, help="May run the server: releases, snapshots.")
@click.password_option(help="Asked for when it is left out.")
@_refusals_are_sentences
def add_user(ini: Path, email: str, name: str, password: str, *, operator: bool) -> None:
    """Adds an account."""
    settings, db = _open(ini)
    account = create_account(db, settings, email, name, password, is_operator=operator)
    click.echo(f"Added {account.email} ({account.id}).")


@main.group()
def workspace() -> None:
    """Workspaces of teams."""


@workspace.command("add")
@INI
@click.argument("slug")
@click.option("--name", required=True, help="What people see.")
@click.option("--owner", required=True, help="The e-mail of the account that shall own it.")
@_refusals_are_sentences
def add_workspace(ini: Path, slug: str, name: str, owner: str) -> None:
    """Adds a workspace."""
    _, db = _open(ini)
    account = find_account_by_email(db, owner)
    if account is None:
        raise click.BadParameter(
            f"there is no account {owner}; add it with 'releaseapp user add'", param_hint="--owner"
        )
    made = create_workspace(db, slug, name, account)
    click.echo(f"Added {made.slug} ({made.id}), owned by {account.email}.")


@main.command()
@INI
@_refusals_are_sentences
def worker(ini: Path) -> None:
    """Does agents' tasks until it is told to stop."""
    from releaseapp.agents.tasks.queue import open_queue  # noqa: PLC0415 - other commands need no queue
    from releaseapp.agents.tasks.worker import Worker  # noqa: PLC0415

    settings, db = _open(ini)
    running = Worker(db, open_queue(settings), settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    running.start()
    click.echo(f"Worker with {settings.worker_threads} threads is at work; Ctrl-C ends it.")
    stop.wait()
    running.stop(grace_seconds=10)
    db.close()
