"""The command that forgets runs which need not be kept any more."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from releaseapp import clock
from releaseapp.cli.ini import INI, open_server, refusals_are_sentences
from releaseapp.db.api import Database
from releaseapp.runs.retention import service
from releaseapp.runs.retention.models import Keep, Plan, Reason, Share
from releaseapp.settings import Settings

_SECONDS_A_PASS = 2.0
_STEP = 1000
_WORDS = {Reason.AGE: "by age", Reason.COUNT: "by count", Reason.BYTES: "by bytes"}


class Outlook(msgspec.Struct, frozen=True):
    """What goes of one workspace, and why."""

    id: str
    slug: str
    keep: Keep
    plan: Plan

    @property
    def all(self) -> Share:
        """What goes for any reason."""
        shares = self.plan.values()
        return Share(sum(one.runs for one in shares), sum(one.bytes for one in shares))


@click.command()
@INI
@click.option("--workspace", "slug", metavar="SLUG", help="Only this workspace.")
@click.option("--dry-run", is_flag=True, help="Tell what would go, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusals_are_sentences
def prune(ini: Path, slug: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Forgets runs that are older, more or larger than their workspace keeps, and gives the disk back.

    Works beside a running server, in small steps that stall nobody.
    """
    settings, db = open_server(ini)
    now = clock.now_text()
    outlooks = list(_outlooks(db, settings, slug, now))
    if not as_json:
        for outlook in outlooks:
            _say(outlook, dry_run=dry_run)
    gone: dict[str, int] = {}
    given = 0
    if not dry_run:
        gone = _prune(db, settings, outlooks, now)
        given = _give_back(db)
    if as_json:
        click.echo(msgspec.json.encode(_told(outlooks, gone, given, dry_run=dry_run)))
    elif not dry_run:
        _say_end(gone, given, on_postgres=settings.on_postgres)
    db.close()


def _outlooks(db: Database, settings: Settings, slug: str | None, now: str) -> Iterator[Outlook]:
    for workspace_id, found in service.list_workspaces(db, slug).items():
        keep = service.keep_of(db, settings, workspace_id)
        yield Outlook(workspace_id, found, keep, service.plan(db, settings, workspace_id, now))


def _prune(db: Database, settings: Settings, outlooks: list[Outlook], now: str) -> dict[str, int]:
    """Pass after pass until all is done; how many runs of which workspaces are gone."""
    ids = [one.id for one in outlooks]
    expected = sum(one.all.runs for one in outlooks)
    gone: dict[str, int] = {}
    more = True
    while more:
        done = service.prune(db, settings, now, seconds=_SECONDS_A_PASS, workspace_ids=ids)
        for workspace_id, number in done.runs.items():
            gone[workspace_id] = gone.get(workspace_id, 0) + number
        more = done.more
        if more:
            click.echo(f"{sum(gone.values()):,} of {expected:,} runs are gone …", err=True)
    return gone


def _give_back(db: Database) -> int:
    given = 0
    next_word = clock.monotonic() + _SECONDS_A_PASS
    for some in service.give_back_space(db):
        given += some
        if clock.monotonic() >= next_word:
            next_word = clock.monotonic() + _SECONDS_A_PASS
            click.echo(f"{_size(given)} given back to the disk …", err=True)
    return given


def _say(outlook: Outlook, *, dry_run: bool) -> None:
    share = outlook.all
    if not share.runs:
        click.echo(f"{outlook.slug}: nothing goes ({_kept(outlook.keep)}).")
        return
    verb = "would go" if dry_run else "go"
    reasons = ", ".join(f"{one.runs:,} {_WORDS[reason]}" for reason, one in sorted(outlook.plan.items()))
    click.echo(f"{outlook.slug}: {_runs(share.runs)} {verb} ({reasons}), about {_size(share.bytes)}.")


def _kept(keep: Keep) -> str:
    kept = [
        *([f"{keep.days:,} days"] if keep.days else []),
        *([f"{keep.runs:,} runs"] if keep.runs else []),
        *([_size(keep.bytes)] if keep.bytes else []),
    ]
    return f"it keeps {', '.join(kept)}" if kept else "it keeps all"


def _say_end(gone: dict[str, int], given: int, *, on_postgres: bool) -> None:
    space = "PostgreSQL uses the space again" if on_postgres else f"{_size(given)} given back to the disk"
    click.echo(f"{_runs(sum(gone.values()))} gone; {space}.")


def _told(outlooks: list[Outlook], gone: dict[str, int], given: int, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "workspaces": [
            {
                "workspace": one.slug,
                "keep": one.keep,
                "expected": {reason.value: one.plan.get(reason, Share()) for reason in Reason},
                "gone": gone.get(one.id, 0),
            }
            for one in outlooks
        ],
        "given_back_bytes": given,
    }


def _runs(number: int) -> str:
    return f"{number:,} {'run' if number == 1 else 'runs'}"


def _size(number: int) -> str:
    size = float(number)
    for unit in ("bytes", "kB", "MB"):
        if size < _STEP:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} GB"
