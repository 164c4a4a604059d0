"""Commands that look at releases: how one stands, which there were, and their logs."""

import sys
import threading
from pathlib import Path

import click
import msgspec

from releaseapp.cli.ini import INI, open_app, refusals_are_sentences
from releaseapp.db.api import Database
from releaseapp.releases import service
from releaseapp.releases.ground import Ground
from releaseapp.releases.models import Entry, Status, without_roles
from releaseapp.releases.state import State, state_of

_LOOK_SECONDS = 0.5
_NOT_FINISHED = 1


def open_releases(ini: Path) -> Ground:
    """What releases stand on in the server of an ini file."""
    ground: Ground = open_app(ini).release_ground
    return msgspec.structs.replace(ground, ini=str(ini))


def print_entry(entry: Entry) -> None:
    """A line of the log, for people."""
    sentence = entry.sentence.replace("\n", f"\n{' ' * 10}")
    click.echo(f"{entry.at[11:19]}  {sentence}")


@click.command("status")
@INI
@click.option("--follow", is_flag=True, help="Go on until it is over; exit with 1 unless it finished.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --follow, a line for each entry.")
@refusals_are_sentences
def status(ini: Path, *, follow: bool, as_json: bool) -> None:
    """How the release stands, and what comes next."""
    ground = open_releases(ini)
    state = state_of(ground)
    if follow and state.release is not None:
        sys.exit(_follow(ground.db, state, as_json=as_json))
    if as_json:
        click.echo(msgspec.json.encode(state.plain()))
        return
    _tell(state, ini)


@click.command("list")
@INI
@click.option("--limit", default=20, type=click.IntRange(1, 1000), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one release a line.")
@refusals_are_sentences
def list_(ini: Path, limit: int, *, as_json: bool) -> None:
    """The newest releases."""
    for one in service.list_releases(open_releases(ini).db, limit=limit):
        if as_json:
            click.echo(msgspec.json.encode(without_roles(one)))
        else:
            click.echo(f"{one.id}  {one.started_at[:16]}  {one.status.words:12}  {one.from_version} → {one.to_version}")


@click.command("log")
@INI
@click.argument("release_id", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@refusals_are_sentences
def log(ini: Path, release_id: str | None, *, as_json: bool) -> None:
    """The log of a release, or of the newest, as Markdown."""
    db = open_releases(ini).db
    if as_json:
        release = service.get_release(db, release_id)
        entries = service.list_entries(db, release.id)
        click.echo(msgspec.json.encode({"release": release, "entries": entries}))
        return
    click.echo(service.log_as_markdown(db, release_id), nl=False)


looking = (status, list_, log)


def _tell(state: State, ini: Path) -> None:
    release = state.release
    if release is not None:
        click.echo(f"{release.from_version} → {release.to_version}: {release.status.words}. {release.why}")
        for entry in state.entries:
            print_entry(entry)
    if state.roles is not None and state.roles.changes:
        click.echo(f"Role matrix ({'confirmed' if state.roles.confirmed else 'not confirmed'}):")
        for change in state.roles.changes:
            click.echo(f"  {change}")
    if state.snapshot is not None:
        manifest = state.snapshot.manifest
        looked = f"found whole {state.snapshot.verified_at[:16]}" if state.snapshot.verified_at else "not looked at yet"
        click.echo(f"Newest snapshot: {manifest.name}, {looked}.")
    if state.drill is not None:
        click.echo(f"Last drill, {state.drill.started_at[:16]}: {state.drill.sentence}")
    click.echo(f"Next: {state.next.sentence}")
    click.echo(f"      {state.next.command} {ini}")


def _follow(db: Database, state: State, *, as_json: bool) -> int:
    """Prints what is written until the release is over; the exit code."""
    if state.release is None:
        return _NOT_FINISHED
    last, pause = 0, threading.Event()
    while True:
        release = service.get_release(db, state.release.id)
        for entry in service.list_entries(db, release.id, last):
            last = entry.id
            if as_json:
                click.echo(msgspec.json.encode(entry))
            else:
                print_entry(entry)
        if release.is_over:
            break
        sys.stdout.flush()
        pause.wait(_LOOK_SECONDS)
    return 0 if release.status is Status.FINISHED else _NOT_FINISHED
