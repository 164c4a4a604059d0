"""The ``releaseapp`` command."""

import signal
import threading
from pathlib import Path

import click

import releaseapp
from releaseapp.cli.check import check
from releaseapp.cli.credentials import credentials
from releaseapp.cli.ini import INI, make_server, refusals_are_sentences
from releaseapp.cli.maintenance import maintenance
from releaseapp.cli.people import user, workspace
from releaseapp.cli.prune import prune
from releaseapp.cli.release import release
from releaseapp.cli.restoring import drill, putting_back
from releaseapp.cli.roles import roles
from releaseapp.cli.runs import runs
from releaseapp.cli.secrets import secrets
from releaseapp.cli.snapshots import snapshot
from releaseapp.cli.workflows import workflows
from releaseapp.seeds import demo_lines
from releaseapp.seeds import seed as make_demo
from releaseapp.settings import as_markdown


@click.group()
@click.version_option(releaseapp.__version__)
def main() -> None:
    """Runs and looks after a releaseapp server; each command takes the server's ini file."""


@main.command()
@INI
@refusals_are_sentences
def seed(ini: Path) -> None:
    """Makes the demo workspaces and accounts, with a password that everybody knows."""
    settings, db = make_server(ini)
    if not make_demo(db, settings):
        click.echo("The demo is there already.")
        return
    click.echo("\n".join(demo_lines()))


@main.command("settings")
def print_settings() -> None:
    """Prints every setting, as the page docs/settings.md."""
    click.echo(as_markdown(), nl=False)


@main.command()
@INI
@refusals_are_sentences
def worker(ini: Path) -> None:
    """Does agents' tasks and drives runs until it is told to stop."""
    from releaseapp.storage import open_ground  # noqa: PLC0415 - other commands need no worker
    from releaseapp.workers import Workers  # noqa: PLC0415

    settings, db = make_server(ini)
    running = Workers(open_ground(db, settings))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    running.start()
    click.echo(
        f"At work with {settings.worker_threads} threads for tasks and {settings.run_threads} for runs; Ctrl-C ends it."
    )
    stop.wait()
    running.stop(grace_seconds=10)
    db.close()


for command in putting_back:
    snapshot.add_command(command)
release.add_command(drill)
for command in (
    check,
    credentials,
    maintenance,
    prune,
    release,
    roles,
    runs,
    secrets,
    snapshot,
    user,
    workflows,
    workspace,
):
    main.add_command(command)
