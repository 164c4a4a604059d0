"""Commands for snapshots."""

import sys
from pathlib import Path

import click
import msgspec

from releaseapp.cli.ini import INI, open_server, refusals_are_sentences
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.snapshots import service
from releaseapp.snapshots.models import Kept, Reason
from releaseapp.snapshots.service import Snapshots
from releaseapp.snapshots.work import making
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
    ended = operations.perform(s.db, Kind.SNAPSHOT, None, lambda report: making(s, report, Reason.ASKED, note))
    if as_json:
        click.echo(msgspec.json.encode({"sentence": ended.sentence, **ended.result}))
    else:
        click.echo(ended.sentence)


@snapshot.command("list")
@INI
@JSON
@refusals_are_sentences
def list_all(ini: Path, *, as_json: bool) -> None:
    """Every snapshot that is kept, newest first."""
    kept = service.list_snapshots(open_snapshots(ini))
    if as_json:
        click.echo(msgspec.json.encode({"items": kept}))
        return
    for one in kept:
        click.echo(_line(one))
    if not kept:
        click.echo(f"There is no snapshot yet. Make one: releaseapp snapshot create {ini}")


@snapshot.command("verify")
@INI
@click.argument("name", required=False)
@JSON
@refusals_are_sentences
def verify(ini: Path, name: str | None, *, as_json: bool) -> None:
    """Looks whether a snapshot, or the newest one, is whole. Exit codes: 0 it is, 1 it is not, 2 it is not there."""
    s = open_snapshots(ini)
    if name is None:
        name = next((one.manifest.name for one in service.list_snapshots(s)), "")
    service.find_snapshot(s, name)
    faults: list[str] = []

    def work(report: operations.Report) -> tuple[str, dict[str, object]]:
        faults.extend(service.verify_snapshot(s, name, report))
        return (f"Snapshot {name} is not whole." if faults else f"Snapshot {name} is whole."), {"faults": faults}

    ended = operations.perform(s.db, Kind.VERIFY, None, work)
    if as_json:
        click.echo(msgspec.json.encode({"name": name, "faults": faults}))
    else:
        click.echo("\n".join([ended.sentence, *(f"  {fault}" for fault in faults)]))
    sys.exit(_SAID_NO if faults else 0)


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


def _line(kept: Kept) -> str:
    one = kept.manifest
    marks = [one.reason.value, *(["encrypted"] if one.encrypted else []), *(["verified"] if kept.verified_at else [])]
    note = f"  {one.note}" if one.note else ""
    return f"{one.name}  {one.made_at}  {kept.bytes:>14,} bytes  {one.app_version}  {', '.join(marks)}{note}"
