"""Commands for snapshots."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from releaseapp.cli.ini import INI, open_server, refusals_are_sentences
from releaseapp.cli.progress import perform
from releaseapp.errors import Conflict
from releaseapp.operations.models import Kind, Operation
from releaseapp.operations.service import Report
from releaseapp.snapshots import service
from releaseapp.snapshots.importing import carried
from releaseapp.snapshots.models import Kept, Reason
from releaseapp.snapshots.service import Snapshots
from releaseapp.snapshots.shelf import BUCKET
from releaseapp.snapshots.work import importing, making
from releaseapp.storage import look_into_vault, open_workflows

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SAID_NO = 1


@click.group()
def snapshot() -> None:
    """Snapshots: database and workflow file as one pair."""


@snapshot.command("create")
@INI
@click.option("--note", default="", help="Why it is made.")
@JSON
@refusals_are_sentences
def create(ini: Path, note: str, *, as_json: bool) -> None:
    """Makes a snapshot, while everybody works on."""
    s = open_snapshots(ini)
    _say(perform(s.db, Kind.SNAPSHOT, lambda report: making(s, report, Reason.ASKED, note)), as_json=as_json)


@snapshot.command("list")
@INI
@JSON
@refusals_are_sentences
def list_all(ini: Path, *, as_json: bool) -> None:
    """Every snapshot that is kept, newest first."""
    shelf = service.look_at_shelf(open_snapshots(ini))
    if as_json:
        click.echo(msgspec.json.encode(shelf))
        return
    for one in shelf.items:
        click.echo(_line(one))
    if shelf.silence:
        click.echo(f"Those of the bucket are not told: {shelf.silence}", err=True)
    if not shelf.items:
        click.echo(f"There is no snapshot yet. Make one: releaseapp snapshot create {ini}")


@snapshot.command("verify")
@INI
@click.argument("name", required=False)
@JSON
@refusals_are_sentences
def verify(ini: Path, name: str | None, *, as_json: bool) -> None:
    """Looks whether a snapshot, or the newest one, is whole. Exit codes: 0 it is, 1 it is not, 2 it is not there."""
    s = open_snapshots(ini)
    name = service.newest_snapshot(s) if name is None else service.find_snapshot(s, name).manifest.name
    faults: list[str] = []

    def work(report: Report) -> tuple[str, dict[str, object]]:
        faults.extend(service.verify_snapshot(s, name, report))
        return (f"Snapshot {name} is not whole." if faults else f"Snapshot {name} is whole."), {"faults": faults}

    ended = perform(s.db, Kind.VERIFY, work)
    if as_json:
        click.echo(msgspec.json.encode({"name": name, "faults": faults}))
    else:
        click.echo("\n".join([ended.sentence, *(f"  {fault}" for fault in faults)]))
    sys.exit(_SAID_NO if faults else 0)


@snapshot.command("export")
@INI
@click.argument("name")
@click.option("--to", "target", type=click.Path(path_type=Path), help="This file, or - for stdout. Left out: NAME.tar.")
@refusals_are_sentences
def export(ini: Path, name: str, target: Path | None) -> None:
    """Writes a snapshot to one file, which another server can import. A file that is there is left alone."""
    parcel = carried(open_snapshots(ini), name)
    path = target or Path(parcel.filename)
    bar = click.progressbar(length=parcel.length, label=parcel.filename, file=sys.stderr)
    with closing(parcel), _written_aside(path) as file, bar as shown:
        for part in parcel:
            file.write(part)
            shown.update(len(part))
    click.echo(f"Wrote {path}: {parcel.length:,} bytes.", err=True)


@snapshot.command("import")
@INI
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@JSON
@refusals_are_sentences
def take_in(ini: Path, file: Path, *, as_json: bool) -> None:
    """Takes in a snapshot that was exported or downloaded, once it was found whole; the file stays as it is.

    Exit codes: 0 it is in the list now, 2 it is not whole, is there already, or is no snapshot.
    """
    s = open_snapshots(ini)
    _say(perform(s.db, Kind.IMPORT, lambda report: importing(s, report, file)), as_json=as_json)


@snapshot.command("prune")
@INI
@click.option("--dry-run", is_flag=True, help="Only say which would go.")
@JSON
@refusals_are_sentences
def prune(ini: Path, *, dry_run: bool, as_json: bool) -> None:
    """Deletes what need not be kept any more, as the settings say."""
    gone = service.prune_snapshots(open_snapshots(ini), dry_run=dry_run)
    if as_json:
        click.echo(msgspec.json.encode({"items": gone, "dry_run": dry_run}))
        return
    for one in gone:
        click.echo(_line(one))
    click.echo(f"{len(gone)} {'would be' if dry_run else 'were'} deleted.")


def open_snapshots(ini: Path) -> Snapshots:
    """What the verbs of snapshots need, of the server of an ini file."""
    settings, db = open_server(ini)
    return Snapshots(db, open_workflows(settings), settings, look_into_vault(db, settings))


@contextmanager
def _written_aside(path: Path) -> Iterator[BinaryIO]:
    """Stdout for ``-``; else a file that has its name once it is whole. Raises Conflict for one that is there."""
    if str(path) == "-":
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except OSError as error:
            raise Conflict(f"What reads stdout takes no more: {error.strerror or error}.") from error
        return
    if path.exists():
        raise Conflict(f"{path} is there already; name another file with --to.")
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(aside, "xb", opener=_for_oneself) as file:
            yield file
        aside.rename(path)
    except OSError as error:
        raise Conflict(f"{path} could not be written: {error.strerror or error}.") from error
    finally:
        aside.unlink(missing_ok=True)


def _for_oneself(path: str, flags: int) -> int:
    # Who is not to read the folder of snapshots is not to read this one either.
    return os.open(path, flags, 0o600)


def _say(ended: Operation, *, as_json: bool) -> None:
    click.echo(msgspec.json.encode({"sentence": ended.sentence, **ended.result}) if as_json else ended.sentence)


def _line(kept: Kept) -> str:
    one = kept.manifest
    marks = [one.reason.value, *(["encrypted"] if one.encrypted else []), *(["verified"] if kept.verified_at else [])]
    marks += ["in the bucket"] if BUCKET in kept.places else []
    note = f"  {one.note}" if one.note else ""
    return f"{one.name}  {one.made_at}  {kept.bytes:>14,} bytes  {one.app_version}  {', '.join(marks)}{note}"
