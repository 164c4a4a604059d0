"""Commands that put snapshots back: ``snapshot restore|undo|drill``, and ``release drill`` beside them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from releaseapp.cli.ini import INI, refusals_are_sentences
from releaseapp.cli.progress import perform, tell
from releaseapp.cli.snapshots import open_snapshots
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.operations.service import Report
from releaseapp.snapshots.models import Damaged
from releaseapp.snapshots.restoring import service
from releaseapp.snapshots.restoring.models import Loss
from releaseapp.snapshots.restoring.work import Ended, drilling, restoring
from releaseapp.snapshots.service import Snapshots, find_snapshot

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
_SAID_NO = 1


@click.command("restore")
@INI
@click.argument("name")
@YES
@click.option("--preview", is_flag=True, help="Tell what would be lost, and change nothing.")
@click.option(
    "--keep-schema", is_flag=True, help="Leave an older schema as it is: for the older version, which you start next."
)
@JSON
@refusals_are_sentences
def restore(ini: Path, name: str, *, yes: bool, preview: bool, keep_schema: bool, as_json: bool) -> None:
    """Puts a snapshot back while the server runs; shows first what is lost, and keeps what it replaces.

    Exit codes: 0 well, 1 not done because you said no, 2 refused or failed; then nothing has changed.
    """
    s = open_snapshots(ini)
    loss = service.preview(s, name)
    if preview:
        _print_loss(loss, as_json=as_json)
        sys.exit(0 if loss.possible else _SAID_NO)
    _ask(loss, yes=yes)
    work: operations.Work = lambda report: restoring(s, name, report, keep_schema=keep_schema)  # noqa: E731
    if keep_schema and service.JOURNAL not in find_snapshot(s, name).manifest.migrations:
        # Afterwards there is no table to write into how it went.
        _say(_unwritten(s, work), as_json=as_json)
    else:
        _say(_perform(s, Kind.RESTORE, work), as_json=as_json)
    if not as_json:
        click.echo(f"To undo it: releaseapp snapshot undo {ini}")


@click.command("undo")
@INI
@YES
@JSON
@refusals_are_sentences
def undo(ini: Path, *, yes: bool, as_json: bool) -> None:
    """Puts back what the newest restore replaced; that can be undone in turn."""
    s = open_snapshots(ini)
    name = service.before_newest(s)
    _ask(service.preview(s, name), yes=yes)
    # That name, and not what is the newest by now: another operator may have put something back meanwhile.
    _say(_perform(s, Kind.RESTORE, lambda report: restoring(s, name, report)), as_json=as_json)


@click.command("drill")
@INI
@click.option("--name", metavar="NAME", help="This snapshot. Left out: the newest.")
@JSON
@refusals_are_sentences
def drill(ini: Path, name: str | None, *, as_json: bool) -> None:
    """Puts the newest snapshot back aside, where nobody works, and looks whether all of it is there.

    Exit codes: 0 it can be put back, 1 it cannot, 2 it could not be tried.
    """
    s = open_snapshots(ini)
    try:
        ended = _perform(s, Kind.DRILL, lambda report: drilling(s, report, name))
    except Damaged as error:
        click.echo(msgspec.json.encode({"fault": str(error)}) if as_json else str(error), err=not as_json)
        sys.exit(_SAID_NO)
    _say(ended, as_json=as_json)


putting_back = (restore, undo, drill)
"""They belong to the group ``snapshot``."""


class _OnlyTold(Report):
    """A report for which there is no journal."""

    def tell(self, sentence: str, progress: float | None = None) -> None:
        """See :class:`Report`."""
        tell(sentence, progress)


def _perform(s: Snapshots, kind: Kind, work: operations.Work) -> Ended:
    done = perform(s.db, kind, work)
    return done.sentence, done.result


def _unwritten(s: Snapshots, work: operations.Work) -> Ended:
    # Begun as every other, for it must meet none; its end finds no journal.
    return work(_OnlyTold(s.db, operations.begin(s.db, Kind.RESTORE, None)))


def _ask(loss: Loss, *, yes: bool) -> None:
    _print_loss(loss, as_json=False, err=True)
    if not loss.possible:
        sys.exit(2)
    if not yes and not click.confirm(f"Put back the snapshot of {loss.made_at}?", err=True):
        sys.exit(_SAID_NO)


def _print_loss(loss: Loss, *, as_json: bool, err: bool = False) -> None:
    if as_json:
        click.echo(msgspec.json.encode(loss))
        return
    say: Callable[[Any], None] = lambda line: click.echo(line, err=err)  # noqa: E731
    say(f"Snapshot {loss.snapshot}, made at {loss.made_at} by releaseapp {loss.app_version}.")
    for one in loss.counts:
        say(f"  {one.what:<20} then {one.then:>9,}   now {one.now:>9,}")
    say(loss.sentence)
    for sentence in loss.sentences[1:] if not loss.possible else loss.sentences:
        say(f"  {sentence}")
    if loss.cure:
        say(loss.cure)


def _say(ended: Ended, *, as_json: bool) -> None:
    sentence, result = ended
    click.echo(msgspec.json.encode(result) if as_json else sentence)
